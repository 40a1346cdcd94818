from contradance import Choreography, Registry
from food_contracts.restaurants import RestaurantConfirmedOrder
from tests.marketing.campaigns.thank_diner import thank_diner

marketing = Choreography(
    "marketing", contracts=Registry("marketing", [RestaurantConfirmedOrder]), functions=[thank_diner]
)

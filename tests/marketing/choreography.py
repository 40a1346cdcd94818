from contradance import Choreography, Registry
from food_contracts.restaurants import RestaurantConfirmedOrder
from tests.marketing.campaigns.thank_diner import thank_diner

registry = Registry("marketing", [RestaurantConfirmedOrder])

marketing = Choreography("marketing", contracts=registry, functions=[thank_diner])

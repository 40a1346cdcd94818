import pytest
from pydantic import ValidationError

from food_contracts.values import MAX_AMOUNT, Address, Customer, Money, OrderLine


@pytest.mark.parametrize("amount", [24.5, 2450.0, "2450", True, None])
def test_an_amount_is_a_whole_number_and_nothing_that_could_be_turned_into_one(amount: object) -> None:
    with pytest.raises(ValidationError, match="valid integer"):
        Money.model_validate({"amount": amount, "currency": "EUR"})


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1])
def test_an_amount_is_more_than_nothing_and_within_reason(amount: int) -> None:
    with pytest.raises(ValidationError, match="than or equal to"):
        Money.model_validate({"amount": amount, "currency": "EUR"})


@pytest.mark.parametrize("currency", ["XXX", "eur", "", "EURO"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValidationError, match="'EUR', 'GBP', 'JPY' or 'USD'"):
        Money.model_validate({"amount": 1, "currency": currency})


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (2450, "EUR", "24.50 EUR"),
        (5, "USD", "0.05 USD"),
        (2450, "JPY", "2450 JPY"),
        (MAX_AMOUNT, "GBP", "1000000.00 GBP"),
    ],
)
def test_money_is_said_in_the_units_people_use(amount: int, currency: str, said: str) -> None:
    assert str(Money.model_validate({"amount": amount, "currency": currency})) == said


@pytest.mark.parametrize("quantity", [0, -1, 100, 1.5, "2"])
def test_a_line_has_at_least_one_and_at_most_99_of_a_dish(quantity: object) -> None:
    line = {"sku": "soup", "name": "Soup", "unit_price": {"amount": 1, "currency": "EUR"}}

    with pytest.raises(ValidationError):
        OrderLine.model_validate({**line, "quantity": quantity})


@pytest.mark.parametrize("customer_id", ["", "Ada", "a b", "../etc", "-a", "a" * 65])
def test_a_handle_is_fit_for_a_url(customer_id: str) -> None:
    with pytest.raises(ValidationError):
        Customer(customer_id=customer_id, name="Ada Example", email="ada@example.com")


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", "a" * 250 + "@example.com"])
def test_an_email_address_has_two_sides(email: str) -> None:
    with pytest.raises(ValidationError):
        Customer(customer_id="ada", name="Ada Example", email=email)


@pytest.mark.parametrize("country", ["de", "DEU", ""])
def test_a_country_is_an_iso_code(country: str) -> None:
    with pytest.raises(ValidationError):
        Address(street="1 Example Street", postal_code="10115", city="Berlin", country=country)

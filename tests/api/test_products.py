import pytest
from jsonschema import Draft202012Validator

from mocklend.api.products import PRODUCT_SCHEMA, read_product
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS
from support.caller import Caller, Documented
from support.edges import edges


def test_every_product_that_ships_is_listed_with_all_its_fields(api: Caller) -> None:
    listed = api.made(api.get("/v1/products"))["products"]

    assert [item["id"] for item in listed] == list(PRODUCTS)
    for item in listed:
        assert read_product({name: value for name, value in item.items() if name != "id"}) == PRODUCTS[item["id"]]


def test_the_documented_product_has_the_fields_that_products_have(documented: Documented) -> None:
    body = documented.document["components"]["schemas"]["Trial"]

    assert set(body["properties"]["product"]["properties"]) == set(PRODUCTS["bullet-30d"].to_json())


@pytest.mark.parametrize("field", [name for name in PRODUCT_SCHEMA["properties"] if name != "allocation"])
def test_each_field_of_a_product_is_read_as_documented(field: str) -> None:
    schema = PRODUCT_SCHEMA["properties"][field]
    valid = Draft202012Validator(schema)
    decimals = ("0", "0.06", "1", "1.0", "1.5", "9.9", "10", "10.01", "010.0", "11", "0.", ".5", "1e-1")
    plain = {"method": "bullet", "terms": 1, "rate": "0.06", "term_unit": "day"}

    for value in (*edges(schema), *decimals, *({"multiplier": decimal} for decimal in decimals)):
        says = valid.is_valid(value)
        try:
            read_product(plain | {field: value})
        except Refused as error:
            assert not says, (field, value, str(error))
        else:
            assert says, (field, value)

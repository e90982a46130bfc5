from mocklend.domain.product import PRODUCTS, Product
from support.caller import Caller, Documented


def test_every_product_that_ships_is_listed_with_all_its_fields(api: Caller) -> None:
    listed = api.made(api.get("/v1/products"))["products"]

    assert [one["id"] for one in listed] == list(PRODUCTS)
    for one in listed:
        assert Product.from_json({name: value for name, value in one.items() if name != "id"}) == PRODUCTS[one["id"]]


def test_the_documented_product_has_the_fields_that_products_have(documented: Documented) -> None:
    body = documented.document["components"]["schemas"]["Trial"]

    assert set(body["properties"]["product"]["properties"]) == set(PRODUCTS["bullet-30d"].to_json())

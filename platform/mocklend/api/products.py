"""Products: the predefined terms, and reading the terms that a client defines."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import WithJsonSchema
from pydantic.json_schema import JsonSchemaValue

from mocklend.api.documents import document
from mocklend.api.openapi import operation
from mocklend.api.responses import rendered
from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import JsonObject, says, shaped
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS, Product
from mocklend.validation import Reader, schema_of, shown

products = APIBlueprint("products", __name__)


PRODUCT = Reader(Product)
PRODUCT_SCHEMA: JsonSchemaValue = schema_of(Product) | {
    "example": {"method": "equal_instalment", "terms": 12, "rate": "0.06"},
}
ProductFields = Annotated[JsonObject, WithJsonSchema(PRODUCT_SCHEMA)]
"""A product's fields as a JSON object. `read_product` validates them."""


def read_product(fields: object) -> Product:
    """The product with these fields. Refused `product_invalid` with every field that is wrong."""
    return PRODUCT.read(fields, "product", "product_invalid")


def require_product(product_id: str) -> Product:
    """The predefined product with this id. Refused `product_unknown`."""
    product = PRODUCTS.get(product_id)
    if product is None:
        raise Refused(
            "product_unknown",
            f"no product has this id{did_you_mean(product_id, PRODUCTS)}",
            expected=sorted(PRODUCTS),
            received=shown(product_id),
        )
    return product


PRODUCT_DOC: JsonSchemaValue = {
    "type": "object",
    "description": "A product and all its fields.",
    "required": ["id", *PRODUCT_SCHEMA["properties"]],
    "properties": {"id": {"type": "string", "description": "The product's id."}, **PRODUCT_SCHEMA["properties"]},
}


class ProductList(TypedDict):
    """The predefined products."""

    products: Annotated[list[Annotated[JsonObject, shaped(PRODUCT_DOC)]], says("The products, by their ids.")]


@products.get("/v1/products")
@products.output(document(ProductList))
@products.doc(**operation("listProducts"))
def list_products() -> Response:
    """The predefined products."""
    return rendered(ProductList(products=[{"id": id, **product.to_json()} for id, product in PRODUCTS.items()]))

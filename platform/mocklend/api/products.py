"""Products: the terms that ship, and reading those that a client makes up."""

from __future__ import annotations

from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from mocklend.api.fields import Doc
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.api.responses import rendered
from mocklend.domain.days import DayCount, TermUnit
from mocklend.domain.money import MAX_MINOR, Rounding
from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend.domain.product import (
    DAYS_MAX,
    GRACE_DAYS_MAX,
    PRODUCTS,
    TERMS_MAX,
    Bucket,
    Excess,
    Method,
    PayoffInterest,
    PenaltyBase,
    Processing,
    Product,
    ProductError,
    RateUnit,
)
from mocklend.validation import shown, unexpected

products = APIBlueprint("products", __name__)


def _words(kind: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [member.value for member in kind]}


_UP_TO_1 = {"type": "string", "pattern": r"^(0{1,3}(\.[0-9]{1,18})?|0{0,2}1(\.0{1,18})?)$"}
_UP_TO_10 = {"type": "string", "pattern": r"^(0{0,2}[0-9](\.[0-9]{1,18})?|0?10(\.0{1,18})?)$"}
_MINOR = {"type": "integer", "minimum": 1, "maximum": MAX_MINOR}

PRODUCT_SCHEMA: JsonSchemaValue = {
    "type": "object",
    "description": "Every policy of a loan in the open. What is left out has the default that GET /v1/products shows.",
    "required": ["method", "terms", "rate"],
    "additionalProperties": False,
    "properties": {
        "method": _words(Method) | {"description": "How the principal comes back, and what it earns meanwhile."},
        "terms": {
            "type": "integer",
            "minimum": 1,
            "maximum": TERMS_MAX,
            "description": "How many terms the loan runs.",
        },
        "rate": _UP_TO_1 | {"description": 'A decimal string, like "0.06", and at most "1".'},
        "rate_unit": _words(RateUnit) | {"description": "Whether `rate` is that of a year or of a day."},
        "term_unit": _words(TermUnit) | {"description": "Whether `term_length` counts days or months."},
        "term_length": {
            "type": "integer",
            "minimum": 1,
            "maximum": DAYS_MAX,
            "description": "How many `term_unit`s a term has; no loan runs longer than 30 years.",
        },
        "day_count": _words(DayCount) | {"description": "How days become a share of a year."},
        "rounding": _words(Rounding) | {"description": "How an amount between two minor units is rounded."},
        "instalment_multiple_minor": _MINOR
        | {"description": "What is level is a multiple of this, in minor units; the last instalment has the rest."},
        "payoff_interest": _words(PayoffInterest)
        | {"description": "Up to when somebody who pays off early owes interest."},
        "allocation": {
            "type": "array",
            "items": _words(Bucket),
            "minItems": len(Bucket),
            "maxItems": len(Bucket),
            "uniqueItems": True,
            "description": "In which order a repayment settles what is owed: every bucket, once.",
        },
        "processing": _words(Processing)
        | {"description": "`horizontal` finishes one instalment before the next, `vertical` one bucket of all."},
        "excess": _words(Excess) | {"description": "Where money above what is due goes."},
        "penalty": {
            "type": "object",
            "description": "What being late costs.",
            "additionalProperties": False,
            "properties": {
                "multiplier": _UP_TO_10
                | {"description": 'What the rate is multiplied by: a decimal string, at most "10".'},
                "base": _words(PenaltyBase) | {"description": "What the penalty is charged on."},
                "grace_days": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": GRACE_DAYS_MAX,
                    "description": "Days after the due date without penalty.",
                },
            },
        },
        "limits": {
            "type": "object",
            "description": "The smallest and the largest principal that is lent.",
            "additionalProperties": False,
            "properties": {
                "min_minor": _MINOR | {"description": "The smallest principal, in minor units."},
                "max_minor": _MINOR | {"description": "The largest principal, in minor units."},
            },
        },
    },
    "example": {"method": "equal_instalment", "terms": 12, "rate": "0.06"},
}


class _Fields:
    """A product's fields as JSON: an object here, and read by the domain, which names the field that is wrong."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> object:
            if not isinstance(value, dict):
                raise unexpected("an object of product fields")
            return value

        return core_schema.no_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return PRODUCT_SCHEMA


ProductFields = Annotated[dict[str, Any], _Fields()]


def read_product(fields: dict[str, Any]) -> Product:
    """The product of these fields, or Refused `product_invalid`."""
    try:
        return Product.from_json(fields)
    except ProductError as error:
        raise field_problem(
            f"product.{error.field}" if error.field else "product", error.expected, error.got, "product_invalid"
        ) from None


def require_product(product_id: str) -> Product:
    """A product that ships, or Refused `product_unknown`."""
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


class ProductList(Doc):
    """The products that ship."""

    products: list[Annotated[dict[str, Any], WithJsonSchema(PRODUCT_DOC)]] = Field(
        description="The products, by their ids."
    )


@products.get("/v1/products")
@products.output(ProductList)
@products.doc(**described("listProducts"))
def list_products() -> Response:
    """The products that ship."""
    return rendered({"products": [{"id": id, **product.to_json()} for id, product in PRODUCTS.items()]})

"""One declaration gives the value, the errors and the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

import pytest
from pydantic import Field

from mocklend.client import Doc
from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.validation import ERRORS_MAX, Body, Reader, schema_of


class Colour(StrEnum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A part, as a dataclass that knows nothing of the validator."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    spokes: int = field(metadata={"ge": 3, "le": 36, "strict": True, "description": "How many."})
    size: str = field(default="26", metadata={"pattern": "^[0-9]+$", "json_schema_extra": {"expected": "inches"}})

    def __post_init__(self) -> None:
        if self.spokes == 13:
            raise Invalid(FieldError("spokes", "luck", 13))


class Bicycle(Body):
    """The whole."""

    colour: Colour = Colour.RED
    wheels: list[Wheel] = Field(min_length=1, max_length=2)
    spare: Wheel | None = None
    sold: bool | None = Field(default=None, strict=True)


BICYCLE = Reader(Bicycle)
WHEEL = {"spokes": 28}


def errors(raw: object, at: str = "") -> list[Doc]:
    """What is wrong with a bicycle."""
    with pytest.raises(Refused) as refused:
        BICYCLE.read(raw, at)
    assert refused.value.code == "validation_failed"
    errors_found: list[dict[str, Any]] = refused.value.ids["errors"]
    return errors_found


def test_a_valid_value_is_read() -> None:
    bicycle = BICYCLE.read({"colour": "blue", "wheels": [WHEEL], "sold": None})

    assert (bicycle.colour, bicycle.wheels) == (Colour.BLUE, [Wheel(28)])


@pytest.mark.parametrize(
    ("raw", "field", "expected", "received"),
    [
        ({}, "wheels", "a value: the field is required", "nothing"),
        ([], "", "an object", []),
        ({"wheels": []}, "wheels", "an array of 1 to 2 entries", []),
        ({"wheels": {}}, "wheels", "an array of 1 to 2 entries", {}),
        ({"wheels": [WHEEL], "colour": "rde"}, "colour", "one of red, blue; did you mean 'red'?", "rde"),
        ({"wheels": [WHEEL], "colour": 1}, "colour", "one of red, blue", 1),
        ({"wheels": [WHEEL], "sold": 1}, "sold", "true or false", 1),
        ({"wheels": [WHEEL], "spare": 5}, "spare", "an object", 5),
        ({"wheels": [WHEEL], "spare": {"spokes": 28, "size": "a"}}, "spare.size", "inches", "a"),
        (
            {"wheels": [WHEEL], "wheel": 1},
            "wheel",
            "no field but colour, wheels, spare, sold; did you mean 'wheels'?",
            1,
        ),
        ({"wheels": [WHEEL], "\ud800": 1}, "", "an object", None),
    ],
)
def test_an_invalid_field_is_named_with_expected_and_received(
    raw: object, field: str, expected: str, received: object
) -> None:
    [error] = errors(raw)

    assert (error["field"], error["expected"]) == (field, expected)
    if received is not None:
        assert error["received"] == received


@pytest.mark.parametrize(
    "value", [True, 3.0, "5", None, 2, 37, 10**5_000, [], {}], ids=lambda value: type(value).__name__
)
def test_only_integers_are_read_as_integers(value: object) -> None:
    [error] = errors({"wheels": [{"spokes": value}]})

    assert (error["field"], error["expected"]) == ("wheels.0.spokes", "an integer from 3 to 36")


def test_every_wrong_field_is_in_one_answer_up_to_a_bound() -> None:
    raw = {"wheels": [{"spokes": 2, "size": "a"}, {"spoke": 3}], "sold": "no"}

    assert [error["field"] for error in errors(raw)] == [
        "wheels.0.spokes", "wheels.0.size", "wheels.1.spokes", "wheels.1.spoke", "sold",
    ]  # fmt: skip
    assert len(errors({f"f{n}": n for n in range(100)})) == ERRORS_MAX


def test_errors_of_the_dataclass_are_named_with_their_path() -> None:
    [error] = errors({"wheels": [WHEEL, {"spokes": 13}]}, at="bicycle")

    assert error == {"field": "bicycle.wheels.1.spokes", "expected": "luck", "received": 13}


def test_the_schema_is_self_contained_and_agrees_with_the_reader() -> None:
    wheel = {
        "type": "object",
        "description": "A part, as a dataclass that knows nothing of the validator.",
        "additionalProperties": False,
        "properties": {
            "spokes": {"type": "integer", "minimum": 3, "maximum": 36, "description": "How many."},
            "size": {"type": "string", "pattern": "^[0-9]+$", "default": "26"},
        },
        "required": ["spokes"],
    }

    assert schema_of(Bicycle)["properties"]["wheels"] == {
        "type": "array", "minItems": 1, "maxItems": 2, "items": wheel,
    }  # fmt: skip
    assert schema_of(Wheel) == wheel

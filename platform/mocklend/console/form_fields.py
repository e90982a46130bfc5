"""A form made of the model of a request's body: a control per field, and what was typed read back into the JSON.

        model ─▶ JSON Schema ─▶ FormField … ─▶ form.html ─▶ what was typed ─▶ body_of ─▶ the JSON of the request

A field is named as the path of its value in the JSON (`evidence.0.amount_minor`), so each error of the API has its
field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from mocklend.console.form_words import LABELS, OPTIONS
from mocklend.domain.nouns import JsonObject
from mocklend.sandboxes.timestamps import parse_rfc3339, rfc3339
from mocklend.validation import Body

PIECES = 3
"""How many entries of a list a form has: a body may have more."""
AREAS = ("memo", "statement", "note")
"""Fields that hold a sentence or more."""
LOCAL = "%Y-%m-%dT%H:%M"
"""A moment in the sandbox's zone, as a browser's control for date and time writes it."""
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class Control(StrEnum):
    """What a field is typed or chosen with."""

    TEXT = "text"
    NUMBER = "number"
    AREA = "area"
    CHOICE = "choice"
    BOX = "box"
    DATE = "date"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form; `label` and the words of `options` are English. `entry` is its place in a list, from 1."""

    name: str
    label: str
    control: Control
    options: Sequence[tuple[str, str]] = ()
    required: bool = False
    entry: int = 0


@cache
def fields_of(model: type[Body], left_out: tuple[str, ...] = ()) -> tuple[FormField, ...]:
    """The fields of a model in its order. Those that are left out are filled in by whoever sends the form."""
    schema = model.model_json_schema()
    return tuple(
        field
        for name, of_field in schema["properties"].items()
        if name not in left_out
        for field in _fields(name, of_field, schema)
    )


def _fields(name: str, of_field: JsonObject, schema: JsonObject) -> Iterable[FormField]:
    required = name in schema.get("required", ())
    if of_field.get("type") != "array":
        yield _field(name, name, of_field, required=required)
        return
    entry = schema["$defs"][of_field["items"]["$ref"].rpartition("/")[2]]
    for place in range(PIECES):
        for inner, of_inner in entry["properties"].items():
            yield _field(f"{name}.{place}.{inner}", inner, of_inner, required=False, entry=place + 1)


def _field(path: str, name: str, of_field: JsonObject, *, required: bool, entry: int = 0) -> FormField:
    typed = next((option for option in of_field.get("anyOf", ()) if option.get("type") != "null"), of_field)
    codes = list(OPTIONS[name]) if name in OPTIONS and "enum" not in typed else typed.get("enum", [])
    options = [(str(code), OPTIONS[name][str(code)]) for code in codes]
    return FormField(path, LABELS[name], _control(name, typed, codes), options, required, entry)


def _control(name: str, typed: JsonObject, codes: Sequence[object]) -> Control:
    if codes:
        return Control.CHOICE
    if name in AREAS:
        return Control.AREA
    by_type = {"integer": Control.NUMBER, "boolean": Control.BOX}
    by_format = {"date": Control.DATE, "date-time": Control.MOMENT}
    return by_format.get(typed.get("format", ""), by_type.get(typed.get("type", ""), Control.TEXT))


def body_of(fields: Iterable[FormField], typed: Mapping[str, str], zone: str) -> dict[str, object]:
    """The JSON of what was typed. What is no number where one belongs stays as it is, and is refused later.

    Empty fields are left out. Moments are in `zone`.
    """
    body: dict[str, object] = {}
    lists: dict[str, dict[int, dict[str, object]]] = {}
    for field in fields:
        text = typed.get(field.name, "").strip()
        if not text:
            continue
        value = _value(field.control, text, zone)
        if field.entry:
            name, place, inner = field.name.split(".")
            lists.setdefault(name, {}).setdefault(int(place), {})[inner] = value
        else:
            body[field.name] = value
    for name, entries in lists.items():
        body[name] = [entries.get(place, {}) for place in range(max(entries) + 1)]
    return body


def _value(control: Control, text: str, zone: str) -> object:
    if control == Control.NUMBER and _WHOLE.fullmatch(text):
        return int(text)
    if control == Control.BOX:
        return True
    if control == Control.MOMENT:
        try:
            local = datetime.fromisoformat(text)
            return rfc3339(int((local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000))
        except (ValueError, OverflowError):
            return text
    return text


def filled_in(fields: Iterable[FormField], values: Mapping[str, object], zone: str) -> dict[str, str]:
    """Values of a body's fields as a form shows them: moments in `zone`, as their control writes them."""
    shown = {name: str(value) for name, value in values.items() if value is not None}
    for field in fields:
        text = shown.get(field.name, "")
        if field.control == Control.MOMENT and text:
            try:
                shown[field.name] = datetime.fromtimestamp(parse_rfc3339(text) / 1000, ZoneInfo(zone)).strftime(LOCAL)
            except (ValueError, OverflowError):
                continue
    return shown

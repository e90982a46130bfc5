"""What a kind of fault says of itself, as GET /-/faults returns it and as a form is made of it.

Each text is in English in the kind's class. `describe` passes each through `say`, which may return it in another
language; `texts` lists all that it passes, so that a catalogue of translations can be complete.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from inspect import getdoc
from typing import Any, NotRequired, TypedDict, get_type_hints, is_typeddict

from mocklend.domain.channel import channels
from mocklend.domain.facts import (
    MODIFY_BILL_AMOUNT,
    MODIFY_BILL_OVERDUE_AMOUNT,
    MODIFY_BILL_STATUS,
    MODIFY_PAID_AMOUNT,
    MODIFY_PAID_REVOKE_AMOUNT,
    MODIFY_REVOKE_AMOUNT,
)
from mocklend.domain.nouns import JsonObject
from mocklend.domain.statuses import LoanStatus, QuoteType
from mocklend.seams import SEAM_EDGES, SEAMS
from mocklend_faults.engine.fault import Fault
from mocklend_faults.engine.matching import READERS

UNITS = {"_s": "s", "_ms": "ms", "_hours": "hours", "_days": "days", "_minor": "minor", "_percent": "%"}
"""The unit of a value, by the end of its name. `minor`: minor units of the currency."""
CHANCE = frozenset({"now_ms", "draw"})
"""Fields of a seam on which no rule should match."""

Say = Callable[[str], str]


class KindSettingDoc(TypedDict):
    """A setting of a kind: `type` is what it may be, in words; `doc` is what it means, with its unit."""

    name: str
    title: str
    type: str
    unit: str | None
    default: int | str | None
    doc: str


class MatchFieldDoc(TypedDict):
    """A field of the seam on which a rule may match. `choices` are all its values, where there are few."""

    name: str
    title: str
    type: str
    unit: str | None
    operators: list[str]
    choices: NotRequired[list[str]]


class KindDoc(TypedDict):
    """A kind of fault: its story, where it acts, its settings, on what a rule may match, and what is seen of it."""

    id: str
    title: str
    summary: str
    story: str
    edge: str
    seams: list[str]
    settings: list[KindSettingDoc]
    schema: JsonObject
    match: list[MatchFieldDoc]
    finding: str
    precondition: str
    symptom: dict[str, str]
    heals: str
    action: str


def describe(kind: type[Fault], say: Say = str) -> KindDoc:
    """The kind as GET /-/faults returns it; `say` returns each text in the reader's language."""
    settings = _settings(kind, say)
    return {
        "id": kind.name,
        "title": say(kind.title),
        "summary": say(_unwrapped(sys.modules[kind.__module__].__doc__)),
        "story": say(_unwrapped(getdoc(kind))),
        "edge": SEAM_EDGES[kind.seams()[0]],
        "seams": list(kind.seams()),
        "settings": settings,
        "schema": _schema(kind, settings),
        "match": _match_fields(kind.seams(), say),
        "finding": kind.finding,
        "precondition": say(kind.precondition),
        "symptom": {view: say(text) for view, text in kind.symptom.items()},
        "heals": say(kind.heals),
        "action": say(kind.action),
    }


def texts(kind: type[Fault]) -> list[str]:
    """Every English text of a kind, each once, in the order of its description."""
    said: dict[str, None] = {}

    def listen(text: str) -> str:
        said[text] = None
        return text

    describe(kind, listen)
    return list(said)


def _settings(kind: type[Fault], say: Say) -> list[KindSettingDoc]:
    defaults = kind().to_json()
    return [
        {
            "name": field.name,
            "title": say(field.metadata["short_title"] or _title(field.name)),
            "type": _type_in_words(field.metadata),
            "unit": _unit(field.name),
            "default": defaults[field.name],
            "doc": say(field.metadata["description"]),
        }
        for field in fields(kind)
    ]


def _schema(kind: type[Fault], settings: list[KindSettingDoc]) -> JsonObject:
    """The JSON Schema of the settings, with the titles and texts of this language, each default, and `unit`."""
    schema = kind.settings_schema()
    properties = schema.get("properties", {})
    for setting in settings:
        of_setting = {"title": setting["title"], "description": setting["doc"], "default": setting["default"]}
        if setting["unit"] is not None:
            of_setting["unit"] = setting["unit"]
        properties[setting["name"]] = properties[setting["name"]] | of_setting
    return {name: part for name, part in schema.items() if name != "description"} | {"properties": properties}


def _match_fields(seams: tuple[str, ...], say: Say) -> list[MatchFieldDoc]:
    """The texts and integers that an event has before any fault, at all seams, and the keys of its mappings."""
    found: dict[str, MatchFieldDoc] = {}
    for seam in seams:
        hints = get_type_hints(SEAMS[seam])
        for field in fields(SEAMS[seam]):
            if field.default is not MISSING or field.name in CHANCE:
                continue
            holds = hints[field.name]
            if is_typeddict(holds):
                keys = {f"{field.name}.{key}": of_key for key, of_key in get_type_hints(holds).items()}
            else:
                keys = {field.name: holds}
            for name, of_key in keys.items():
                if of_key in _NAMED and name not in found:
                    found[name] = _match_field(seam, name, of_key, say)
    return list(found.values())


def _match_field(seam: str, name: str, holds: object, say: Say) -> MatchFieldDoc:
    kind, in_words = _NAMED[holds]
    document: MatchFieldDoc = {
        "name": name,
        "title": say(_title(name)),
        "type": in_words,
        "unit": _unit(name),
        "operators": list(READERS[kind].schema()["properties"]),
    }
    choices = _choices().get(f"{seam}:{name}") or _choices().get(name)
    if choices:
        document["choices"] = list(choices)
    return document


_NAMED: Mapping[object, tuple[type, str]] = {
    str: (str, "string"), str | None: (str, "string"), int: (int, "integer"), int | None: (int, "integer")
}  # fmt: skip


def _choices() -> Mapping[str, tuple[str, ...]]:
    """The values of the fields that have few, by the field's name, or by seam and name where it means another thing."""
    changes = ("receipt", "edit", "reversal", "due_date")
    edits = (
        MODIFY_BILL_AMOUNT, MODIFY_BILL_OVERDUE_AMOUNT, MODIFY_PAID_AMOUNT, MODIFY_REVOKE_AMOUNT,
        MODIFY_PAID_REVOKE_AMOUNT, MODIFY_BILL_STATUS,
    )  # fmt: skip
    return {
        "channel": tuple(sorted(channels())),
        "plane": ("v1", "operator", "channels", "bureau"),
        "method": ("GET", "POST", "PUT", "PATCH", "DELETE"),
        "books_status": tuple(LoanStatus),
        "before.status": tuple(LoanStatus),
        "after.status": tuple(LoanStatus),
        "quote.issued:type": tuple(QuoteType),
        "kind": edits,
        "purpose": ("disbursement", "refund", "compensation"),
        "view.refresh:cause": changes,
        "balance.kept:cause": changes,
        "bureau.report:cause": ("change", "monthly", "correction"),
    }


def _unit(name: str) -> str | None:
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), None)


def _title(name: str) -> str:
    """A name as a title: `lag_s` is "Lag", `before.outstanding_minor` is "Before: outstanding"."""
    end = next((end for end in UNITS if name.endswith(end)), "")
    return name.removesuffix(end).replace("_", " ").replace(".", ": ").capitalize()


def _unwrapped(doc: str | None) -> str:
    """A docstring without its line breaks, but with those between paragraphs."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", (doc or "").strip())


def _type_in_words(bounds: Mapping[str, Any]) -> str:
    if bounds["options"]:
        return f"one of {', '.join(bounds['options'])}"
    return f"integer from {bounds['ge']} to {bounds['le']}" + (" or null" if bounds["nullable"] else "")

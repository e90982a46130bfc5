"""The JSON Schema of a scenario's YAML, for editors: names are completed, and slips are marked while one types.

`mocklend scenario schema` prints it. The platform knows no fault, so a package of scenarios may hold the whole in
`scenario.schema.json`, beside its YAML: with the kinds of fault, and the settings of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from mocklend.domain.finding import CLASSES
from mocklend.reconcilers.named import SHIPPED
from mocklend.scenarios.looks import NUMBERS
from mocklend.scenarios.text import GROUP, SCORE, methods

FILE = "scenario.schema.json"
Schema = dict[str, Any]

_ANY_RULE: Schema = {
    "type": "object",
    "description": "A fault, and whom it hits, when, how often and how.",
    "required": ["fault"],
    "properties": {"fault": {"type": "string", "description": "The kind of fault, as `mocklend faults list` has it."}},
}


def _object(meaning: str, properties: Schema, *required: str) -> Schema:
    schema: Schema = {"type": "object", "description": meaning, "additionalProperties": False, "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def _text(meaning: str, **more: Any) -> Schema:
    return {"type": "string", "description": meaning, **more}


def schema(rule: Mapping[str, Any] = _ANY_RULE) -> Schema:
    """The schema, with that of a rule as a layer has it."""
    step = _object(
        "One thing that somebody does, or looks at.",
        {
            "who": _text("Who acts, or is looked at."),
            "say": _text("A sentence that is printed before it."),
            "do": _text("A method of mocklend.client.Client.", enum=methods()),
            "with": {
                "type": "object",
                "description": "The method's arguments. `$name.field` is what the answer called `name` had.",
            },
            "as": _text("The name under which the answer is kept for later steps."),
            "shows": _text("The fields that are printed, with blanks between."),
            "expect": {
                "type": "object",
                "description": "What fields of the answer must be, by their dotted names; `$name.field` is a field of "
                "the answer called `name`.",
            },
            "claim": _text("The sentence that is printed for all of `expect`; each field has its own without it."),
            "fails": _text("It is refused: the code of the problem, `no_answer`, or `any`."),
        },
        "do",
    )
    found = _object(
        "A break.",
        {
            "class": _text("The class of break.", enum=sorted(CLASSES)),
            "entity": _text("What is wrong, by its id; mostly `$name.id`."),
        },
        "class", "entity",
    )  # fmt: skip
    chapter = _object(
        "One moment of the story.",
        {
            "title": _text("What the chapter is called."),
            "story": _text("What happens in it, in a few sentences."),
            "rules": {
                "type": "object",
                "description": "Rules that are armed as the chapter begins, by their ids; null disarms one.",
                "additionalProperties": {"anyOf": [rule, {"type": "null"}]},
            },
            "steps": {"type": "array", "description": "What is done, in order.", "items": step},
            "lies": {
                "type": "integer",
                "minimum": 0,
                "default": 0,
                "description": "How many entries of the answer key are open when the chapter ends.",
            },
            "audit": {
                "type": "boolean",
                "default": False,
                "description": "True: the answer key and the audit are shown when the chapter ends, and must agree.",
            },
            "reconcile": _object(
                "What reconcilers must find then, no more and no less.",
                {
                    name: {"type": "array", "description": f"What {name} must find.", "items": found}
                    for name in SHIPPED
                },
            ),
        },
        "title", "story", "steps",
    )  # fmt: skip
    number: Schema = {"type": ["number", "string", "null"], "description": "As POST /-/scores has it."}
    whole = _object(
        "A story of things going wrong: `mocklend scenario run FILE` tells it and checks each claim.",
        {
            "name": _text("The story's name: small letters, digits and hyphens."),
            "title": _text("What the story is called."),
            "story": _text("What happens, as you would tell it to a colleague."),
            "seed": {"type": "integer", "description": "The same seed has the same ids and meets the same faults."},
            "starts": _text("When the sandbox's clock starts. RFC 3339.", format="date-time"),
            "sandbox": _object(
                "More about the sandbox that it is told in.",
                {
                    "zone": _text("The zone whose midnight ends a business day, by its name in the IANA database."),
                    "four_eyes_above_minor": {
                        "type": ["integer", "null"],
                        "minimum": 0,
                        "description": "For larger amounts, in minor units, staff need a second person.",
                    },
                    "monitoring": {
                        "type": "object",
                        "description": "The platform's own monitoring: `enabled`, `tolerance_minor`, `net_by`.",
                    },
                },
            ),
            "chapters": {"type": "array", "description": "The story's moments, in order.", "items": chapter},
            "expected_score": _object(
                "The score of each reconciler in the end; ratios to three decimals.",
                {
                    name: _object(f"The score of {name}.", dict.fromkeys(NUMBERS, number), *sorted(SCORE))
                    for name in SHIPPED
                },
            ),
            "open_end": {
                "type": "boolean",
                "default": False,
                "description": "True where entries of the answer key may still be open at the end.",
            },
        },
        "name", "title", "story", "seed", "starts", "chapters",
    )  # fmt: skip
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A Mocklend scenario"} | whole


def as_text(document: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def installed() -> str:
    """The schema as text: that of a package of scenarios, with its faults, or the platform's own."""
    for entry in entry_points(group=GROUP):
        if find_spec(entry.value.partition(".")[0]) is not None:
            file = resources.files(entry.value) / FILE
            if file.is_file():
                return file.read_text(encoding="utf-8")
    return as_text(schema())

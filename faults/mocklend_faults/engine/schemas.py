"""JSON Schemas of what people write for the fault layer: a rule, a plan of stages. For documents and editors.

The bounds are those of the readers (`Select.from_json` and its like), by the same constants; a test holds each schema
against its reader, at the edge of every bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from mocklend.domain.finding import CLASSES
from mocklend_faults.engine.activation import LONGEST_S
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.experiments import STAGE_NAME, STAGES_MOST
from mocklend_faults.engine.fault import Fault
from mocklend_faults.engine.matching import PATTERN_LENGTH
from mocklend_faults.engine.rules import RULE_ID
from mocklend_faults.engine.selection import ENTITY, OCCURRENCE
from mocklend_faults.engine.strict import MOST

Schema = dict[str, Any]


def _object(meaning: str, properties: Schema, *required: str) -> Schema:
    schema: Schema = {
        "type": "object",
        "description": meaning,
        "additionalProperties": False,
        "properties": properties,
    }
    return schema | ({"required": list(required)} if required else {})


def _integer(meaning: str, least: int, most: int = MOST) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": meaning}


def _ratio(meaning: str) -> Schema:
    return {"type": "number", "minimum": 0, "maximum": 1, "description": meaning}


_VALUE: Schema = {"type": ["string", "integer"]}
_VALUES: Schema = {"type": "array", "minItems": 1, "maxItems": 1_000, "items": _VALUE}
_PATTERN: Schema = {"type": "string", "maxLength": PATTERN_LENGTH}
_BOUND: Schema = {"type": "integer", "minimum": -MOST, "maximum": MOST}

OPERATORS = _object(
    "What the field must be. All of it must hold.",
    {
        "equal_to": _VALUE | {"description": "The field has this value."},
        "not_equal_to": _VALUE | {"description": "The field has another value, or none."},
        "in": _VALUES | {"description": "The field has one of these values."},
        "not_in": _VALUES | {"description": "The field has none of these values."},
        "matches": _PATTERN | {"description": "The whole text fits this regular expression of RE2."},
        "contains": _PATTERN | {"description": "The text contains this one."},
        "gt": _BOUND | {"description": "The number is greater."},
        "gte": _BOUND | {"description": "The number is greater or equal."},
        "lt": _BOUND | {"description": "The number is less."},
        "lte": _BOUND | {"description": "The number is less or equal."},
        "absent": {"const": True, "description": "The field has no value."},
        "present": {"const": True, "description": "The field has a value."},
    },
)
MATCH: Schema = {
    "type": "object",
    "description": "Whom the rule is about: conditions on the fields of the fault's seams, all of which must hold. "
    "A dotted name looks into a mapping.",
    "additionalProperties": {"anyOf": [_VALUE | {"description": "Short for `equal_to`."}, OPERATORS]},
}
RAMP = _object(
    "By what the probability is multiplied: a line from one share to the other.",
    {
        "over_s": _integer("In how many seconds it goes from one to the other.", 1, LONGEST_S),
        "from": _ratio("The share at the start.") | {"default": 0},
        "to": _ratio("The share from `over_s` on.") | {"default": 1},
    },
    "over_s",
)
ACTIVATE = _object(
    "When the rule acts, in seconds of the sandbox's clock from the moment of arming.",
    {
        "start_delay_s": _integer("After how many seconds it starts.", 0, LONGEST_S) | {"default": 0},
        "duration_s": _integer("For how many seconds it acts from its start, or from each firing.", 1, LONGEST_S),
        "ttl_s": _integer("After how many seconds it is over, whether it has started or not.", 1, LONGEST_S),
        "schedule": {
            "type": "string",
            "maxLength": 100,
            "description": "A cron expression in the sandbox's zone, like `0 2 * * *`: it acts for `duration_s`, or a "
            "minute, from each firing.",
        },
        "ramp": RAMP,
    },
)
SELECT = _object(
    "How often the rule acts.",
    {
        "probability": _ratio("The chance of each event that matches.") | {"default": 1},
        "unit": {
            "type": "string",
            "enum": [ENTITY, OCCURRENCE],
            "default": OCCURRENCE,
            "description": "Whether chance is drawn once for each `entity`, or for each `occurrence`.",
        },
        "skip_first": _integer("How many matching events are let go first.", 0) | {"default": 0},
        "every": _integer("Of the matching events, only each n-th is taken.", 1) | {"default": 1},
        "times": _integer("How often it acts at most.", 1),
        "times_per": _object(
            "How often it acts on one and the same thing.", {ENTITY: _integer("Per entity, at most.", 1)}
        ),
        "max_active": _integer("How many of its injections may be open at one time.", 1),
    },
)
EXPECT = _object(
    "What a reconciler should report, beside what the seam says.",
    {
        "class": {"type": "string", "enum": sorted(CLASSES), "description": "The class of break."},
        "severity": {"type": "string", "maxLength": 40, "description": "How bad it is, in a word of your own."},
    },
)
WITH: Schema = {
    "type": "object",
    "description": "The settings of the kind: GET /-/faults lists each with its bounds.",
    "additionalProperties": {"type": ["integer", "string", "null"]},
}


def settings_of(kind: type[Fault]) -> Schema:
    """The `with` of a rule that arms this kind."""
    return _object(f"The settings of {kind.name}.", {one.name: _setting(one) for one in fields(kind)})


def _setting(one: Field[Any]) -> Schema:
    bounds: Mapping[str, Any] = one.metadata
    schema: Schema = {"type": "string", "enum": list(bounds["options"])}
    if not bounds["options"]:
        schema = {"type": "integer", "minimum": bounds["least"], "maximum": bounds["most"]}
    if bounds["nullable"]:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return schema | {"description": bounds["doc"]} | ({} if one.default is MISSING else {"default": one.default})


def rule(catalogue: Catalogue | None = None) -> Schema:
    """A rule as it is sent; with a catalogue, with the settings of each of its kinds."""
    schema = _object(
        "A fault, and whom it hits, when, how often and how. Only `fault` is needed.",
        {
            "fault": {"type": "string", "description": "The kind of fault, by its name in GET /-/faults."},
            "id": {"type": "string", "pattern": _whole(RULE_ID.pattern), "description": "The rule's id, once more."},
            "match": MATCH,
            "activate": ACTIVATE,
            "select": SELECT,
            "with": WITH,
            "expect": EXPECT,
            "enabled": {"type": "boolean", "default": True, "description": "False arms the rule switched off."},
        },
        "fault",
    )
    if catalogue is not None:
        schema["properties"]["fault"] |= {"enum": list(catalogue)}
        schema["allOf"] = [
            {
                "if": {"properties": {"fault": {"const": name}}, "required": ["fault"]},
                "then": {"properties": {"with": settings_of(kind)}},
            }
            for name, kind in catalogue.items()
        ]
    return schema


def stages() -> Schema:
    """The stages of an experiment."""
    stage = _object(
        "One stage: what goes wrong while it lasts. Without rules and profile, nothing.",
        {
            "name": {
                "type": "string",
                "pattern": _whole(STAGE_NAME.pattern),
                "description": "A name that no other stage has.",
            },
            "duration_s": _integer("For how many seconds it lasts, on the sandbox's clock.", 1, LONGEST_S),
            "rules": {
                "type": ["object", "null"],
                "description": "The rules of the stage by their ids. Either these or a profile.",
                "additionalProperties": rule(),
            },
            "profile": {
                "type": ["string", "null"],
                "description": "The profile of the stage, one of GET /-/profiles. Either this or rules.",
            },
        },
        "name", "duration_s",
    )  # fmt: skip
    return {"type": "array", "minItems": 1, "maxItems": STAGES_MOST, "items": stage}


def _whole(pattern: str) -> str:
    return f"^{pattern}$"

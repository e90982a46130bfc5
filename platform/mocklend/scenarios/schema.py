"""The JSON Schema of a scenario's YAML, with which editors complete names and mark errors.

`mocklend scenario schema` prints it. The schema of a rule, with the installed kinds and their settings, comes from the
fault layer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from mocklend.scenarios.text import ScenarioBody
from mocklend.validation import schema_of

FILE = "scenario.schema.json"
LAYER = "mocklend.layer"
"""The entry-point group of fault layers."""
Schema = dict[str, Any]

_ANY_RULE: Schema = {
    "type": "object",
    "description": "A fault that is armed: whom it hits, when, how often, with which settings.",
    "required": ["fault"],
    "properties": {"fault": {"type": "string", "description": "The kind of fault, one of `mocklend faults list`."}},
}


def schema(rule: Mapping[str, Any] = _ANY_RULE) -> Schema:
    """The schema of a scenario, with this schema of a rule."""
    scenario = schema_of(ScenarioBody)
    rules = scenario["properties"]["chapters"]["items"]["properties"]["rules"]["anyOf"][0]
    rules["additionalProperties"] = {"anyOf": [rule, {"type": "null"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A Mocklend scenario"} | scenario


def as_text(document: Schema) -> str:
    """A schema as the text of its file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def installed() -> str:
    """The schema as text, with the rules of the installed fault layer, if there is one."""
    for entry in entry_points(group=LAYER):
        if find_spec(entry.module.partition(".")[0]) is not None:
            rule: Mapping[str, Any] = entry.load().rule_schema()
            return as_text(schema(rule))
    return as_text(schema())

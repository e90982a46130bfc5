"""The JSON Schema of a scenario's YAML, for editors: names are completed, and slips are marked while one types.

`mocklend scenario schema` prints it. The platform knows no fault: what a rule looks like, with the kinds that are
installed and the settings of each, the layer says.
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
"""The entry-point group of what puts faults at seams."""
Schema = dict[str, Any]

_ANY_RULE: Schema = {
    "type": "object",
    "description": "A fault, and whom it hits, when, how often and how.",
    "required": ["fault"],
    "properties": {"fault": {"type": "string", "description": "The kind of fault, as `mocklend faults list` has it."}},
}


def schema(rule: Mapping[str, Any] = _ANY_RULE) -> Schema:
    """The schema by which scenarios are read, with that of a rule as a layer has it."""
    scenario = schema_of(ScenarioBody)
    rules = scenario["properties"]["chapters"]["items"]["properties"]["rules"]["anyOf"][0]
    rules["additionalProperties"] = {"anyOf": [rule, {"type": "null"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A Mocklend scenario"} | scenario


def as_text(document: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def installed() -> str:
    """The schema as text, with a rule as the layer that is installed takes it."""
    for entry in entry_points(group=LAYER):
        if find_spec(entry.module.partition(".")[0]) is not None:
            rule: Mapping[str, Any] = entry.load().rule_schema()
            return as_text(schema(rule))
    return as_text(schema())

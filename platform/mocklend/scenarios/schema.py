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

from mocklend.scenarios.text import GROUP, ScenarioBody
from mocklend.validation import schema_of

FILE = "scenario.schema.json"
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
    """The schema as text: that of a package of scenarios, with its faults, or the platform's own."""
    for entry in entry_points(group=GROUP):
        if find_spec(entry.value.partition(".")[0]) is not None:
            file = resources.files(entry.value) / FILE
            if file.is_file():
                return file.read_text(encoding="utf-8")
    return as_text(schema())

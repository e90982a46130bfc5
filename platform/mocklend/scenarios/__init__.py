"""Scenarios: stories in YAML, run with real requests to the platform; every claim in them is checked.

text      reads and validates a scenario file ─▶ Scenario
schema    the format of the file as JSON Schema, for editors
telling   runs a Scenario in a new sandbox ─▶ passed or failed
narrator  prints a run, and collects it as JSON
checks    runs the reconcilers during a scenario, and scores their findings at the end
skeleton  the text of a new scenario file
saving    the request log of a sandbox ─▶ a scenario file that repeats the requests
"""

from mocklend.scenarios.telling import run
from mocklend.scenarios.text import GROUP, Scenario, ScenarioError, listed, read, scenarios

__all__ = ["GROUP", "Scenario", "ScenarioError", "listed", "read", "run", "scenarios"]

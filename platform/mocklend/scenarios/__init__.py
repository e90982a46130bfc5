"""Scenarios: a story in YAML, told with the platform's real requests and answers, each claim checked.

text      what a file may say        ─▶ Scenario
schema    the same for editors, as JSON Schema
telling   Scenario ─▶ a sandbox of its own ─▶ as told, or not
narrator  what is printed of it, and the same as facts
looks     what reconcilers find at a moment of the story, and how good all of it was, by the score
skeleton  a new file to begin with
saving    what was just done in a sandbox ─▶ a file that does it again
"""

from mocklend.scenarios.telling import run
from mocklend.scenarios.text import GROUP, Scenario, ScenarioError, listed, read, scenarios

__all__ = ["GROUP", "Scenario", "ScenarioError", "listed", "read", "run", "scenarios"]

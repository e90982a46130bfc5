"""What a scenario calls its loans: a group of a class sees it, and it must not tell the story."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STORIES = sorted(path.name for path in files("mocklend_faults.scenarios").iterdir() if path.name.endswith(".yaml"))


@pytest.mark.parametrize("name", STORIES)
def test_no_reference_of_a_scenario_tells_its_story(name: str) -> None:
    text = files("mocklend_faults.scenarios").joinpath(name).read_text(encoding="utf-8")
    references = re.findall(r"with: \{.*\breference: ([\w-]+)", text)

    assert references
    for reference in references:
        assert not set(reference.split("-")) & set(name.removesuffix(".yaml").split("_")), reference

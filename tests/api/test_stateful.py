"""Stories that Schemathesis generates from the OpenAPI document, each request using earlier answers: never a 5xx.

Each story has a sandbox of its own, with faults installed and none armed. `--stateful-cases` says how many requests are
made, on each engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from requests.structures import CaseInsensitiveDict
from schemathesis.generation.stateful.state_machine import APIStateMachine

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer

pytestmark = pytest.mark.security

STEPS = 25
MONDAY_MS = 1_767_578_400_000
LEFT_OUT = "/-/sandboxes/{id}"
"""Operations that would remove the story's own sandbox."""


@pytest.fixture(params=["sqlite", "postgresql"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """A platform with faults, on either engine."""
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else str(tmp_path / "one.db")
    platform = Platform(url, find_layer(), fast=True, delivers=False)
    yield platform
    platform.close()


@pytest.mark.long
def test_no_generated_story_causes_a_5xx(platform: Platform, request: pytest.FixtureRequest) -> None:
    cases: int = request.config.getoption("--stateful-cases")
    app = create_app(Settings(), platform)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app).exclude(path=LEFT_OUT, method="DELETE")
    machine: type[APIStateMachine] = schema.as_state_machine()
    statuses: Counter[int] = Counter()

    class Story(machine):  # type: ignore[misc,valid-type]
        def setup(self) -> None:
            self.sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)

        def teardown(self) -> None:
            platform.delete_sandbox(self.sandbox.id)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": CaseInsensitiveDict({"Authorization": f"Bearer {self.sandbox.api_key}"})}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            statuses[response.status_code] += 1
            assert response.status_code < 500, f"{case.operation.label}: {response.text[:400]}"

    round_ = 0
    while statuses.total() < cases:
        chosen = settings(
            max_examples=min(200, (cases - statuses.total()) // STEPS + 2),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        hypothesis.seed(7 + round_)(Story).run(settings=chosen)
        round_ += 1

    assert statuses.total() >= cases
    assert min(status // 100 for status in statuses) == 2

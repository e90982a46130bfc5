"""The header Mocklend-Fault: off by default, limited, for one loan and one injection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend_faults.api.header import parse_header
from mocklend_faults.engine import FaultLayer
from support.layer_harness import LayerHarness

ON = {"fault_header": "on"}
LAG = "cache.bounded_stale; lag_s=90"


class Story:
    """A client with loans in a sandbox of its own, that may name a fault in a request."""

    def __init__(self, http: FlaskClient) -> None:
        self.http = http
        sandbox = self.call(
            "POST", "/-/sandboxes", {"seed": 7, "clock": {"mode": "manual", "now": "2026-01-05T02:00:00Z"}}
        )
        self.key = f"Bearer {sandbox.get_json()['api_key']}"
        ada = self.call("POST", "/v1/borrowers", {"reference": "ada", "name": "Ada"}).get_json()["id"]
        terms = {"borrower_id": ada, "principal_minor": 100_000, "product_id": "jiebei-like"}
        self.loans = [self.call("POST", "/v1/loans", terms, key=f"loan-{n}").get_json()["id"] for n in range(2)]
        self.call("POST", "/-/clock/advance", {"by": "PT2S"})

    def call(
        self, method: str, path: str, body: object = None, *, key: str = "key", fault: str | None = None
    ) -> TestResponse:
        # A key would make a second advance of the clock the same as the first.
        headers = {} if path.startswith("/-/") else {"Idempotency-Key": key}
        headers |= {"Authorization": self.key} if hasattr(self, "key") else {}
        headers |= {"Mocklend-Fault": fault} if fault else {}
        return self.http.open(path, method=method, json=body, headers=headers)

    def repay(self, loan: str, fault: str | None = None, key: str = "pay") -> TestResponse:
        pay = {"amount_minor": 50_000, "channel": "wallet", "type": "CLEAR"}
        return self.call("POST", f"/v1/loans/{loan}/repayments", pay, key=key, fault=fault)

    def entries(self) -> list[tuple[str, str]]:
        self.call("POST", "/-/clock/advance", {"by": "PT2S"})
        return [(entry["loan_id"], entry["rule"]) for entry in self.call("GET", "/-/answer-key").get_json()["entries"]]

    def rules(self) -> list[Doc]:
        rules_listed: list[Doc] = self.call("GET", "/-/rules").get_json()["rules"]
        return rules_listed


StoryUnder = Callable[..., AbstractContextManager[Story]]
"""Opens a story on a platform with these settings."""


@pytest.fixture
def open_story(harness: LayerHarness, open_platform: Callable[..., Platform]) -> StoryUnder:
    @contextmanager
    def tell(**settings: Any) -> Iterator[Story]:
        platform = open_platform(FaultLayer(harness.layer.catalogue.values()))
        app = create_app(Settings(database="unused", default_seed=7, **settings), platform)
        with app.test_client() as http:
            yield Story(http)

    return tell


@pytest.mark.parametrize("text", [f"{LAG}{' ' * 500}; lag_s=1", f"{LAG}; note=\xe9", f"{LAG}; note=\t", "\x7f"])
def test_a_header_that_is_too_long_or_not_ascii_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="at most 500 printable ASCII characters"):
        parse_header(text)


def test_the_fault_of_a_header_hits_the_requests_loan_once(open_story: StoryUnder) -> None:
    with open_story(**ON) as story:
        ada, bob = story.loans
        assert story.repay(ada, LAG).status_code == 202
        assert story.repay(bob, key="pay-2").status_code == 202
        first = story.entries()
        story.repay(ada, key="pay-3")

        [rule] = story.rules()
        assert first == story.entries() == [(ada, rule["id"])]
        assert rule["id"].startswith("header.hdr_")
        assert (rule["with"], rule["lint"]["verdict"]) == ({"lag_s": 90}, "exact")


def test_a_retry_with_the_header_arms_no_second_rule(open_story: StoryUnder) -> None:
    ids = []
    for _ in range(2):
        with open_story(**ON) as story:
            story.repay(story.loans[0], LAG)
            again = story.repay(story.loans[0], LAG)
            ids.append([rule["id"] for rule in story.rules()])
            assert again.headers["Idempotency-Replayed"] == "true"

    assert ids[0] == ids[1]
    assert len(ids[0]) == 1


@pytest.mark.parametrize(
    ("settings", "fault", "message"),
    [
        ({}, LAG, "MOCKLEND_FAULT_HEADER=off"),
        (ON | {"fault_header_kinds": "callback.dropped"}, LAG, "one of callback.dropped: this server allows these"),
        (ON | {"fault_header_max": 0}, LAG, "this sandbox has used the header as often"),
        (ON, "cashe.stale", "unknown fault 'cashe.stale'"),
        (ON, "cache.bounded_stale; lagg=5", "no field but lag_s"),
        (ON, "cache.bounded_stale; lag_s=soon", "an integer from 1"),
        (ON, "cache.bounded_stale; lag_s", "like cache.bounded_stale; lag_s=60"),
    ],
)
def test_a_header_that_the_server_does_not_allow_is_refused_and_nothing_happens(
    open_story: StoryUnder, settings: Doc, fault: str, message: str
) -> None:
    with open_story(**settings) as story:
        refused = story.repay(story.loans[0], fault)

        assert refused.status_code == 422
        assert message in refused.get_data(as_text=True)
        assert story.rules() == []
        assert story.call("GET", f"/v1/loans/{story.loans[0]}").get_json()["version"] >= 1
        assert story.entries() == []


def test_only_a_post_about_a_loan_may_have_the_header(open_story: StoryUnder) -> None:
    with open_story(**ON) as story:
        answer = story.call("GET", f"/v1/loans/{story.loans[0]}", fault=LAG)
        new = story.call("POST", "/v1/borrowers", {"reference": "bob", "name": "Bob"}, fault=LAG)
        nowhere = story.call("POST", "/v1/nowhere", {}, fault=LAG)

        assert [item.status_code for item in (answer, new, nowhere)] == [422, 422, 404]
        assert "a POST about one loan" in answer.get_json()["detail"]


def test_the_header_distinguishes_numbers_null_and_words() -> None:
    assert parse_header("a.b ; n=5; none=null;word= x ") == ("a.b", {"n": 5, "none": None, "word": "x"})
    assert parse_header("a.b") == ("a.b", {})
    with pytest.raises(Refused):
        parse_header("a.b; n=5; n=6")

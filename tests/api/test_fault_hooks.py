"""The seam `api.answer`: which requests a fault hits, whether their work is done, and that others do not wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from apiflask import APIFlask

from mocklend.api import fault_hooks
from mocklend.app import create_app
from mocklend.client import Client, Doc, ProblemError
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend_faults.engine import FaultLayer
from support.databases import Databases


@pytest.fixture
def loan(mocklend: Client) -> Doc:
    """Ada's."""
    ada = mocklend.add_borrower("ada", "Ada")
    borrowed: dict[str, Any] = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")
    return borrowed


def injected(mocklend: Client) -> list[tuple[str, int, str]]:
    return [(entry["entity"], entry["occurrence"], entry["status"]) for entry in mocklend.answer_key()["entries"]]


def test_without_a_rule_no_request_becomes_a_command(
    mocklend: Client, loan: Doc, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocklend.arm("cache.bounded_stale")
    mocklend.loan(loan["id"])
    monkeypatch.setattr(fault_hooks, "MeetRequest", None)

    assert mocklend.loan(loan["id"])["status"] == "USING"


def test_a_rule_that_does_not_select_a_request_costs_no_command(
    mocklend: Client, loan: Doc, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocklend.arm("outage.full", match={"operation": "getProduct"})
    mocklend.loan(loan["id"])
    monkeypatch.setattr(fault_hooks, "MeetRequest", None)

    assert mocklend.loan(loan["id"])["status"] == "USING"


def test_a_request_that_rules_skip_is_counted(mocklend: Client, loan: Doc) -> None:
    mocklend.arm("outage.full", match={"method": "POST"}, rule_id="down")
    for _ in range(5):
        mocklend.loan(loan["id"])

    with pytest.raises(ProblemError, match="unavailable"):
        mocklend.quote(loan["id"])

    counted = mocklend.rule("down")
    assert [counted[name] for name in ("evaluated", "matched", "selected", "injected")] == [6, 1, 1, 1]


def test_the_control_plane_and_the_documentation_are_never_hit(mocklend: Client) -> None:
    mocklend.arm("outage.full")

    with pytest.raises(ProblemError, match="unavailable"):
        mocklend.loans()

    assert mocklend.health()["status"] == "ok"
    assert mocklend.rules()["rules"]
    assert mocklend._send("GET", "/openapi.json").status_code == 200
    assert mocklend._send("GET", "/docs").status_code < 400
    mocklend.advance("P1D")
    mocklend.halt()
    assert mocklend.loans()["loans"] == []


def test_another_sandbox_is_not_hit(mocklend: Client, mocklend_server: str) -> None:
    mocklend.arm("outage.full")
    other = mocklend.sandbox(seed=1, now="2026-01-05T02:00:00Z")

    assert other.loans()["loans"] == []
    other.delete_sandbox()


def test_an_entity_is_the_key_then_the_id_in_the_address_then_the_operation(mocklend: Client, loan: Doc) -> None:
    mocklend.arm("transport.latency", delay_ms=1)

    mocklend.loan(loan["id"])
    mocklend.loans()
    mocklend.repay(loan["id"], 100, "wallet", "OVD_AND_CURRENT", idempotency_key="order-1")
    mocklend.repay(loan["id"], 100, "wallet", "OVD_AND_CURRENT", idempotency_key="order-1")
    mocklend.instalments(loan["id"])

    assert sorted(injected(mocklend)) == [
        ("listLoans", 1, "healed"),
        (loan["id"], 1, "healed"),
        (loan["id"], 2, "healed"),
        ("order-1", 1, "healed"),
        ("order-1", 2, "healed"),
    ]


def test_requests_are_counted_per_entity(mocklend: Client, loan: Doc) -> None:
    """Otherwise the order of requests would determine which one is hit."""
    first, second = (mocklend.repay(loan["id"], 100, at, "OVD_AND_CURRENT") for at in ("wallet", "bank_card"))
    mocklend.advance("P1D")
    mocklend.arm("transport.latency", delay_ms=1)

    mocklend.add_borrower("bob", "Bob")
    mocklend.add_borrower("\N{CJK UNIFIED IDEOGRAPH-82CF}", "Su")
    mocklend.trade("wallet", first["out_trade_no"])
    mocklend.trade("bank_card", second["out_trade_no"])
    mocklend.statement("wallet", "2026-01-05")

    assert sorted(injected(mocklend)) == sorted(
        (entity, 1, "healed")
        for entity in (
            "bob",
            "\N{CJK UNIFIED IDEOGRAPH-82CF}",
            f"wallet.{first['out_trade_no']}",
            f"bank_card.{second['out_trade_no']}",
            "wallet.2026-01-05",
        )
    )


@pytest.mark.parametrize("reference", ["\ud800", "a\x00b", "", 7, None, "x" * 70_000])
def test_an_invalid_reference_is_refused_with_rules_armed_too(mocklend: Client, reference: object) -> None:
    mocklend.arm("transport.latency", delay_ms=1)

    with pytest.raises(ProblemError) as refused:
        mocklend.request("POST", "/v1/borrowers", {"reference": reference, "name": "Ada"})

    assert refused.value.status in (400, 413, 422)
    assert injected(mocklend) == [("addBorrower", 1, "healed")]


def test_a_request_refused_by_a_fault_stores_nothing_and_its_key_stays_unused(mocklend: Client, loan: Doc) -> None:
    mocklend.arm("transport.rate_limit", retry_after_s=3, match={"operation": "repay"}, select={"times": 1})

    with pytest.raises(ProblemError) as refused:
        mocklend.repay(loan["id"], 100, "wallet", "OVD_AND_CURRENT", idempotency_key="order-1")

    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert mocklend.repayments(loan["id"])["repayments"] == []
    ordered = mocklend.repay(loan["id"], 100, "wallet", "OVD_AND_CURRENT", idempotency_key="order-1")
    assert [repayment["id"] for repayment in mocklend.repayments(loan["id"])["repayments"]] == [ordered["id"]]


def test_a_refusal_has_retry_after_and_does_not_mention_a_fault(mocklend: Client) -> None:
    mocklend.arm("outage.full", retry_after_s=77)

    answer = mocklend._send("GET", "/v1/loans")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "77")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not {"fault", "rule", "injection", "outage"} & set(answer.text.replace('"', " ").split())


def test_a_refused_request_keeps_its_refusal_when_its_answer_is_delayed(mocklend: Client) -> None:
    mocklend.arm("transport.latency", delay_ms=1)

    with pytest.raises(ProblemError, match="loan_unknown"):
        mocklend.loan("loan_nobodys")


def test_an_unreadable_body_is_refused_with_rules_armed_too(mocklend: Client, loan: dict[str, object]) -> None:
    mocklend.arm("outage.dependency")
    path, headers = f"/v1/loans/{loan['id']}/repayments", {"Content-Type": "application/json", "Idempotency-Key": "a"}

    broken = mocklend._send("POST", path, raw=b'{"channel": "wal', headers=headers)
    endless: Any = iter([b" " * 8192] * 9)  # In chunks: its length is not announced.
    too_long = mocklend._send("POST", path, raw=endless, headers=headers)

    assert (broken.status_code, broken.json()["code"]) == (400, "body_not_json")
    assert (too_long.status_code, too_long.json()["code"]) == (413, "body_too_large")


def test_a_channel_that_is_down_answers_no_query(mocklend: Client, loan: Doc) -> None:
    wallet, card = (mocklend.repay(loan["id"], 100, at, "OVD_AND_CURRENT") for at in ("wallet", "bank_card"))
    mocklend.advance("P1D")
    mocklend.arm("outage.dependency", channel="wallet")

    questions: tuple[Callable[[], object], ...] = (
        lambda: mocklend.trade("wallet", wallet["out_trade_no"]),
        lambda: mocklend.query_repayment(wallet["id"], operator="olga"),
    )
    for asks in questions:
        with pytest.raises(ProblemError, match="unavailable"):
            asks()

    assert mocklend.trade("bank_card", card["out_trade_no"])["state"] == "SUCCESS"
    assert mocklend.query_repayment(card["id"], operator="olga")["status"] == "S"
    assert mocklend.repayment(wallet["id"])["status"] == "S"


def test_the_same_story_has_the_same_injections(mocklend: Client) -> None:
    def acts(seed: int) -> list[tuple[str, int, str]]:
        sandboxed = mocklend.sandbox(seed=seed, now="2026-01-05T02:00:00Z")
        sandboxed.arm("outage.full", probability=0.5)
        for _ in range(20):
            with_luck = True
            try:
                sandboxed.loans()
            except ProblemError:
                with_luck = False
            assert with_luck in (True, False)
        injections = injected(sandboxed)
        sandboxed.delete_sandbox()
        return injections

    assert acts(7) == acts(7)
    assert acts(7) != acts(8)


# --- who waits ---


@dataclass
class Gate:
    """An event on which a delayed request waits."""

    held: threading.Event
    open: threading.Event


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Replaces the sleep of a delayed request: it lasts until the gate opens, so no test waits for real time."""
    started, open_ = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        assert seconds == 5
        started.set()
        assert open_.wait(60)

    monkeypatch.setattr(time, "sleep", sleep)
    yield Gate(started, open_)
    open_.set()


@pytest.fixture
def app(databases: Databases) -> Iterator[APIFlask]:
    """A platform of this test's own, with the fault layer, called without a network."""
    database = databases()
    platform = Platform(database, FaultLayer(), fast=True)
    yield create_app(Settings(database=database, durability="fast"), platform)
    platform.close()


def arm(app: APIFlask, fault: str, **rule: object) -> None:
    armed = app.test_client().put("/-/rules/lesson", json={"fault": fault, **rule})
    assert armed.status_code in (200, 201), armed.text


def test_a_delayed_request_delays_no_other(app: APIFlask, gate: Gate) -> None:
    loans = "/v1/loans"
    arm(app, "transport.latency", **{"with": {"delay_ms": 5_000}, "match": {"operation": "listLoans"}})
    late: list[int] = []
    sleeper = threading.Thread(target=lambda: late.append(app.test_client().get(loans).status_code))
    sleeper.start()
    assert gate.held.wait(60)

    # While it sleeps, others read, and write through the same writer.
    ada = app.test_client().post("/v1/borrowers", json={"reference": "ada", "name": "Ada"})
    read = app.test_client().get(f"/v1/borrowers/{ada.get_json()['id']}")

    assert (ada.status_code, read.status_code, late) == (201, 200, [])
    gate.open.set()
    sleeper.join(60)
    assert late == [200]


def test_a_count_goes_on_when_the_process_starts_again(databases: Databases) -> None:
    database = databases()
    occurrences = []
    for start in range(2):
        platform = Platform(database, FaultLayer(), fast=True)
        app = create_app(Settings(database=database, durability="fast"), platform)
        if start == 0:
            arm(app, "outage.full")
        for _ in range(2):
            assert app.test_client().get("/v1/loans").status_code == 503
        entries = app.test_client().get("/-/answer-key").get_json()["entries"]
        occurrences.append(sorted(entry["occurrence"] for entry in entries))
        platform.close()

    assert occurrences == [[1, 2], [1, 2, 3, 4]]


def test_a_count_goes_on_when_a_rule_is_armed_again(app: APIFlask) -> None:
    client = app.test_client()
    for _ in range(2):
        arm(app, "outage.full", select={"every": 2})
        for _ in range(3):
            client.get("/v1/loans")
        client.post("/-/rules/halt", json={})

    assert [entry["occurrence"] for entry in client.get("/-/answer-key").get_json()["entries"]] == [2, 5]


def test_a_reset_sandbox_counts_from_zero(app: APIFlask) -> None:
    client = app.test_client()
    occurrences = []
    for _ in range(2):
        arm(app, "outage.full")
        assert client.get("/v1/loans").status_code == 503
        occurrences.append([entry["occurrence"] for entry in client.get("/-/answer-key").get_json()["entries"]])
        client.post("/-/reset", json={})

    assert occurrences == [[1], [1]]


@pytest.mark.parametrize("reset", [True, False])
def test_a_test_client_without_a_socket_sees_an_answer_of_nothing(app: APIFlask, reset: bool) -> None:
    arm(app, "transport.reset" if reset else "transport.abort")

    assert app.test_client().get("/v1/loans").data == b""

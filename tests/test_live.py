"""A season in a running sandbox: real requests, all kinds of payers, the same answer key for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any

import pytest
import requests

from mocklend.client import START, Client, Doc, ProblemError
from mocklend.live import DID, CannotLive, SeasonOptions, live

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)
FEW = SeasonOptions(loans=6, days=34, seed=7)


@pytest.fixture
def sandboxes(mocklend_server: str) -> Iterator[Callable[..., Client]]:
    """Makes sandboxes, all of them with one seed and one start."""
    clients: list[Client] = []

    def make(**more: Any) -> Client:
        with Client(mocklend_server) as anyone:
            clients.append(anyone.sandbox(**{"seed": 7, "now": START, **more}))
        return clients[-1]

    yield make
    for client in clients:
        client.delete_sandbox()
        client.close()


def key_of(client: Client) -> bytes:
    return b"\n".join(client.answer_key_lines())


@needs_faults
def test_the_same_seed_and_options_give_the_same_answer_key(sandboxes: Callable[..., Client]) -> None:
    keys = []
    for seed in (7, 7, 8):
        client = sandboxes()
        client.arm("cache.bounded_stale", lag_s=60)
        client.arm("callback.dropped", probability=0.3)
        client.arm("transport.reset", probability=0.05)
        live(client, SeasonOptions(loans=6, days=34, seed=seed))
        keys.append(key_of(client))

    assert keys[0].count(b"\n") > 10
    assert keys[0] == keys[1] != keys[2]


def test_a_season_without_faults_leaves_a_clean_audit_and_books_that_hold(mocklend: Client) -> None:
    days: list[int] = []

    lived = live(mocklend, SeasonOptions(loans=20, days=50), progress=days.append)

    assert sum(days) == 50
    assert mocklend.clock()["now"] == "2026-02-25T04:00:00.000Z", "noon in Shanghai, after the last day"
    assert (lived.first_day.isoformat(), lived.last_day.isoformat()) == ("2026-01-06", "2026-02-24")
    assert len(mocklend.loans(limit=500)["loans"]) == lived.did["borrow"] == 20
    assert lived.given_up == lived.asked_again == 0
    audit = mocklend.audit()
    assert (audit["clean"], audit["discrepancies"], audit["unobserved"]) == (True, [], [])


def test_people_pay_in_every_way_and_staff_do_everything(mocklend: Client) -> None:
    lived = live(mocklend, SeasonOptions(loans=40, days=60, seed=1))

    assert {verb for verb in DID if not lived.did[verb]} == set()
    repayments = [
        repayment for loan in loans_of(mocklend) for repayment in mocklend.repayments(loan["id"])["repayments"]
    ]
    channels = {repayment["channel"] for repayment in repayments}
    assert channels == {"wallet", "bank_card", "bill_pay", "auto_debit"}
    receipts = list(mocklend.every("receipts"))
    assert {receipt["channel"] for receipt in receipts} == {"bank_transfer"}
    assert {"APPLIED", "UNAPPLIED"} <= {receipt["state"] for receipt in receipts}, "typed right, mistyped"
    statuses = {loan["status"] for loan in loans_of(mocklend)}
    assert {"USING", "OVD", "CLEAR"} <= statuses, "on time, never, early"


def loans_of(client: Client) -> list[Doc]:
    """Every loan."""
    return list(client.every("loans"))


def test_a_second_season_has_people_of_its_own(mocklend: Client) -> None:
    first = live(mocklend, FEW)
    second = live(mocklend, FEW)

    assert second.first_day > first.last_day
    assert first.did["borrow"] + second.did["borrow"] == len(loans_of(mocklend)) == 12


def test_a_running_clock_is_held_during_a_season_and_continues(sandboxes: Callable[..., Client]) -> None:
    client = sandboxes(clock="wall", speed=3)

    lived = live(client, SeasonOptions(loans=1, days=1))

    clock = client.clock()
    assert (clock["mode"], clock["speed"]) == ("wall", 3)
    assert clock["now"][:10] > lived.last_day.isoformat()


def test_a_season_that_is_broken_off_leaves_the_clock_running(sandboxes: Callable[..., Client]) -> None:
    client = sandboxes(clock="wall")

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        live(client, SeasonOptions(loans=1, days=3), progress=interrupt)

    assert client.clock()["mode"] == "wall"


def test_with_the_option_a_season_follows_a_running_clock(
    sandboxes: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of this test passes as fast as somebody waits for it."""
    client = sandboxes()
    clocks: list[float] = []

    def clock() -> dict[str, Any]:
        return Client.clock(client) | {"mode": "wall", "speed": 60}

    def sleep(seconds: float) -> None:
        clocks.append(seconds)
        client.advance(round(seconds * 60))

    monkeypatch.setattr(client, "clock", clock)
    monkeypatch.setattr(client, "hold_clock", lambda: pytest.fail("the clock was held"))

    lived = live(client, SeasonOptions(loans=2, days=2, wall=True), sleep=sleep)

    assert lived.did["borrow"] == 2
    assert sum(clocks) * 60 == 74 * 3600, "from Monday at ten to Thursday at noon"


def test_waiting_for_a_manual_clock_is_refused(mocklend: Client) -> None:
    with pytest.raises(CannotLive, match="clock is manual"):
        live(mocklend, SeasonOptions(loans=1, days=1, wall=True))


@pytest.mark.parametrize("wrong", [{"loans": 0}, {"loans": 10_001}, {"days": 0}, {"days": 1_096}])
def test_seasons_without_loans_or_days_are_refused(wrong: Doc) -> None:
    with pytest.raises(CannotLive, match=f"{next(iter(wrong))} must be a number from 1 to"):
        SeasonOptions(**wrong)


@needs_faults
def test_a_broken_request_is_repeated_with_its_key_and_carried_out_once(mocklend: Client) -> None:
    mocklend.arm("transport.reset", probability=0.2)

    lived = live(mocklend, FEW)

    assert lived.asked_again > 0
    assert lived.did["borrow"] == 6 == len(loans_of_patiently(mocklend))


def loans_of_patiently(client: Client) -> list[Doc]:
    client.halt()
    return loans_of(client)


def test_a_season_ends_although_no_request_is_answered(mocklend: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(*_: Any, **__: Any) -> Any:
        raise requests.ConnectionError

    monkeypatch.setattr(mocklend, "add_borrower", no_answer)

    lived = live(mocklend, SeasonOptions(loans=2, days=3))

    assert (lived.given_up, lived.did["borrow"]) == (2, 0)


def test_refusals_are_counted_by_code(mocklend: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise ProblemError(409, {"code": "loan_not_active"})

    monkeypatch.setattr(mocklend, "loan", refuse)

    lived = live(mocklend, SeasonOptions(loans=10, days=40))

    assert lived.refused["loan_not_active"] > 0
    assert lived.did["look"] == 0

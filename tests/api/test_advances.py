"""An advance that takes longer than its request: answered 202, watched at its address, and lost by nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.runtime import NewSandbox, Platform
from mocklend.scheduling.processes import DEAD_AFTER_S, SERVER, Processes
from support.caller import Caller, Documented
from support.processes import Process

HOUR = {"by": "PT1H"}
ASYNC = {"Prefer": "respond-async"}
START, AN_HOUR_LATER = "2026-01-05T02:00:00.000Z", "2026-01-05T03:00:00.000Z"


class Gate:
    """Holds the due work of a platform's advances, until it is opened."""

    def __init__(self, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self._open = threading.Event(), threading.Event()
        self.fails: Exception | None = None
        run_due = platform.clocks._run_due

        def wait(*about: object, **more: object) -> float:
            self.reached.set()
            assert self._open.wait(30), "the test opens it"
            if self.fails is not None:
                raise self.fails
            return run_due(*about, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(platform.clocks, "_run_due", wait)

    def open(self) -> None:
        """Let the due work run."""
        self._open.set()


@pytest.fixture
def gate(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A closed gate; open after the test."""
    held = Gate(platform, monkeypatch)
    yield held
    held.open()


def ended(platform: Platform, api: Caller, id: str) -> Doc:
    """An advance once it has ended: whoever gets the sandbox's lock comes after it."""
    sandbox_id = next(reversed(platform.clocks._advancing))  # The first one may be `default`.
    with platform.clocks.advance_lock(sandbox_id):
        return api.made(api.get(f"/-/clock/advances/{id}"))


def test_an_advance_is_answered_at_once_if_the_client_prefers_it(api: Caller, platform: Platform, gate: Gate) -> None:
    api.repay(api.borrow()["id"], 1_000)

    response = api.post("/-/clock/advance", HOUR, **ASYNC)
    started = api.made(response)
    clock = api.made(api.get("/-/clock"))
    watched = api.get(response.headers["Location"])
    gate.open()
    done = ended(platform, api, started["id"])

    assert response.status_code == 202
    assert response.headers["Location"] == f"/-/clock/advances/{started['id']}"
    assert response.headers["Retry-After"] == watched.headers["Retry-After"] == "1"
    assert response.headers["Preference-Applied"] == "respond-async"
    assert started == watched.get_json()
    assert started == {
        "id": "adv_1", "state": "running", "began_at": START, "to": AN_HOUR_LATER, "now": START, "result": None,
        "problem": None,
    }  # fmt: skip
    assert clock["moving_to"] == AN_HOUR_LATER
    assert clock["advancing"] == {"id": "adv_1", "from": START, "to": AN_HOUR_LATER, "now": START, "released": 0}
    assert done == started | {"state": "done", "now": AN_HOUR_LATER, "result": done["result"]}
    assert done["result"]["now"] == AN_HOUR_LATER
    assert done["result"]["released_by_kind"] == {"callback": 1, "settlement": 1}
    assert [item["kind"] for item in done["result"]["released"]] == ["settlement", "callback"]
    assert api.made(api.get("/-/clock"))["advancing"] is None


def test_the_stored_result_is_what_the_answer_200_was(api: Caller) -> None:
    api.repay(api.borrow()["id"], 1_000)

    answer = api.made(api.post("/-/clock/advance", HOUR))

    assert api.made(api.get("/-/clock/advances/adv_1"))["result"] == answer


@pytest.mark.parametrize("preferred", ["wait=0", "WAIT=0", "wait=0; x=y, wait=9", 'handling=lenient, wait="0"'])
def test_an_advance_is_answered_202_after_the_time_that_the_client_prefers_to_wait(
    api: Caller, gate: Gate, preferred: str
) -> None:
    api.repay(api.borrow()["id"], 1_000)

    response = api.post("/-/clock/advance", HOUR, Prefer=preferred)

    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "wait=0"


@pytest.mark.parametrize("preferred", ["", "wait", "wait=", "wait=-1", "wait=1.5", "wait=٣", "wait=" + "9" * 10, ",;="])
def test_a_preference_that_makes_no_sense_is_ignored(api: Caller, preferred: str) -> None:
    response = api.post("/-/clock/advance", HOUR, Prefer=preferred.encode().decode("latin-1"))

    assert response.status_code == 200
    assert "Preference-Applied" not in response.headers


def test_the_longest_wait_has_a_bound(api: Caller) -> None:
    assert api.post("/-/clock/advance", HOUR, Prefer="wait=600").headers["Preference-Applied"] == "wait=60"


def test_an_advance_without_a_preference_is_answered_202_after_the_documented_time(
    api: Caller, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mocklend.api.preferences.ANSWER_WITHIN_S", 0)
    api.repay(api.borrow()["id"], 1_000)

    assert api.post("/-/clock/advance", HOUR).status_code == 202


def test_a_client_that_goes_away_loses_nothing(api: Caller, platform: Platform, gate: Gate) -> None:
    """It repeats its request under the same key: while the advance runs it is told so, and afterwards has the result."""
    api.repay(api.borrow()["id"], 1_000)
    api.post("/-/clock/advance", HOUR, key="mine", **ASYNC)
    assert gate.reached.wait(30)

    meanwhile = api.post("/-/clock/advance", HOUR, key="mine", Prefer="wait=0")
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(api.post, "/-/clock/advance", HOUR, key="mine", Prefer="wait=30")
        gate.open()
        waited = waits.result(30)
    afterwards = api.post("/-/clock/advance", HOUR, key="mine")

    assert (meanwhile.status_code, meanwhile.get_json()["id"]) == (202, "adv_1")
    assert waited.get_json() == afterwards.get_json() == api.made(api.get("/-/clock/advances/adv_1"))["result"]
    assert waited.headers["Idempotency-Replayed"] == afterwards.headers["Idempotency-Replayed"] == "true"
    assert afterwards.get_json()["released_total"] == 2
    assert api.made(api.get("/-/clock"))["now"] == AN_HOUR_LATER


def test_an_advance_while_another_is_in_progress_has_moved_nothing(
    api: Caller, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mocklend.scheduling.advancing.CLAIM_WAIT_S", 0.0)
    api.repay(api.borrow()["id"], 1_000)
    api.post("/-/clock/advance", HOUR, **ASYNC)

    api.problem(api.post("/-/clock/advance", HOUR, **ASYNC), 409, "clock_advancing")

    assert [advance["id"] for advance in api.made(api.get("/-/clock/advances"))["advances"]] == ["adv_1"]


def test_an_advance_that_fails_says_why_and_the_next_one_continues(api: Caller, platform: Platform, gate: Gate) -> None:
    api.repay(api.borrow()["id"], 1_000)
    gate.fails = ConnectionError("planted")
    id = api.made(api.post("/-/clock/advance", HOUR, **ASYNC))["id"]
    gate.open()

    failed = ended(platform, api, id)
    gate.fails = None
    moved = api.made(api.post("/-/clock/advance", {"by": 0}))

    assert (failed["state"], failed["result"]) == ("failed", None)
    assert (failed["problem"]["code"], failed["problem"]["status"]) == ("internal_error", 500)
    assert failed["now"] == START
    assert (moved["now"], moved["released_total"]) == (AN_HOUR_LATER, 2)


def test_a_refused_advance_is_refused_at_once(api: Caller) -> None:
    back = api.post("/-/clock/advance", {"to": "2026-01-05T01:59:59Z"}, **ASYNC)

    api.problem(back, 422, "clock_backwards")
    assert api.made(api.get("/-/clock/advances")) == {"advances": []}


@pytest.mark.parametrize("id", ["adv_2", "adv_0", "adv_01", "adv_", "adv_" + "9" * 40, "x", "adv_-1"])
def test_an_unknown_advance_is_unknown(api: Caller, id: str) -> None:
    api.made(api.post("/-/clock/advance", HOUR))

    api.problem(api.get(f"/-/clock/advances/{id}"), 404, "advance_unknown")


def test_the_last_sixteen_advances_are_kept(api: Caller) -> None:
    for _ in range(18):
        api.post("/-/clock/advance", {"by": 1})

    kept = [advance["id"] for advance in api.made(api.get("/-/clock/advances"))["advances"]]

    assert kept == [f"adv_{n}" for n in range(18, 2, -1)]


def test_a_reset_forgets_advances_and_begins_their_numbers_again(api: Caller) -> None:
    api.post("/-/clock/advance", HOUR)
    api.post("/-/reset")
    api.problem(api.get("/-/clock/advances/adv_1"), 404, "advance_unknown")

    api.post("/-/clock/advance", HOUR)

    assert [advance["id"] for advance in api.made(api.get("/-/clock/advances"))["advances"]] == ["adv_1"]


def test_another_sandbox_does_not_see_an_advance(
    api: Caller, stranger: Caller, platform: Platform, sandbox: NewSandbox
) -> None:
    api.post("/-/clock/advance", HOUR)
    other = platform.create_sandbox(seed=1, mode="manual")
    stranger.headers = {"Authorization": f"Bearer {other.api_key}"}

    stranger.problem(stranger.get("/-/clock/advances/adv_1"), 404, "advance_unknown")


def test_an_advance_of_a_server_that_stopped_is_interrupted_and_its_request_continues_it(
    api: Caller, platform: Platform, sandbox: NewSandbox, gate: Gate, open_platform: Callable[..., Platform]
) -> None:
    api.repay(api.borrow()["id"], 1_000)
    api.post("/-/clock/advance", HOUR, key="mine", **ASYNC)
    assert gate.reached.wait(30)
    platform.stop_clocks()
    gate.open()
    platform.close()

    app = create_app(Settings(), open_platform())
    after = Caller(app, Documented(app), sandbox.api_key)
    left = after.made(after.get("/-/clock/advances/adv_1"))
    continued = after.made(after.post("/-/clock/advance", HOUR, key="mine"))

    assert (left["state"], left["problem"]["code"]) == ("interrupted", "advance_interrupted")
    assert (left["began_at"], left["to"], left["result"]) == (START, AN_HOUR_LATER, None)
    assert START <= left["now"] < AN_HOUR_LATER
    assert continued["now"] == AN_HOUR_LATER
    assert after.made(after.get("/-/clock/advances/adv_1"))["result"] == continued


def test_every_process_shows_an_advance_and_waits_for_it(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as opened:
        one, other = (Process(opened.enter_context(closing(Platform(postgresql)))) for _ in range(2))
        first, second = joined(one), joined(other)
        first.beat()
        _, key = one.sandbox(clock={"mode": "manual", "now": START})
        order = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
        one.done("POST", f"/v1/loans/{one.loan(key)}/repayments", key, order, idem="order")
        gate = Gate(one.platform, monkeypatch)
        opened.callback(gate.open)
        with ThreadPoolExecutor(2) as pool:
            answered = pool.submit(one.done, "POST", "/-/clock/advance", key, HOUR, idem="mine")
            assert gate.reached.wait(30)
            shown = other.done("GET", "/-/clock/advances", key)["advances"]
            repeated = pool.submit(other.done, "POST", "/-/clock/advance", key, HOUR, idem="mine")
            gate.open()
            result = answered.result(30)

        assert [(advance["id"], advance["state"]) for advance in shown] == [("adv_1", "running")]
        assert repeated.result(30) == result == other.done("GET", "/-/clock/advances/adv_1", key)["result"]
        assert result["released_total"] == 2
        assert first.is_alive(second.id)


def test_an_advance_of_a_process_that_died_is_interrupted(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as opened:
        one, other = (Process(opened.enter_context(closing(Platform(postgresql)))) for _ in range(2))
        first, second = joined(one), joined(other)
        _, key = one.sandbox(clock={"mode": "manual", "now": START})
        order = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
        one.done("POST", f"/v1/loans/{one.loan(key)}/repayments", key, order, idem="order")
        gate = Gate(one.platform, monkeypatch)
        opened.callback(gate.open)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(one.done, "POST", "/-/clock/advance", key, HOUR)
            assert gate.reached.wait(30)
            second.beat()
            now_s = second._monotonic() + DEAD_AFTER_S
            monkeypatch.setattr(second, "_monotonic", lambda: now_s)  # Nothing has come from the first one since.
            second.beat()
            left = other.done("GET", "/-/clock/advances/adv_1", key)
            gate.open()

    assert (left["state"], left["now"]) == ("interrupted", START)
    assert not second.is_alive(first.id)


def joined(process: Process) -> Processes:
    """A process among those that share its database."""
    processes = process.platform.join(SERVER)
    assert processes is not None
    return processes

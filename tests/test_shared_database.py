"""Several processes on one PostgreSQL database: what one has answered holds in all of them, from its answer on."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from mocklend.api.hot import HotPaths
from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.sandboxes.lifecycle import ChangeSandbox
from mocklend.scheduling.processes import DEAD_AFTER_S, SERVER
from mocklend.storage.statement_reader import StatementReader
from mocklend_faults.engine import classes
from mocklend_faults.engine.classes import ClassRow
from support.caller import Outcome
from support.event_reader import Stream, doored
from support.processes import Process, processes

ROUNDS = 6
"""Often enough that a process has the rules, the key and the page in memory before they change."""
ORDER = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
DOWN = {"fault": "outage.full"}


@pytest.fixture
def two(postgresql: str) -> Iterator[list[Process]]:
    """Two processes."""
    with processes(postgresql, 2) as both:
        yield both


def order(process: Process, loan: str, key: str, idem: str) -> tuple[int, Doc]:
    """Order a repayment, as a load test does: on the hot path, if it can be."""
    return process.ask("POST", f"/v1/loans/{loan}/repayments", key, ORDER, idem=idem)


def test_a_rule_acts_in_every_process_from_the_answer_to_its_arming_until_the_answer_to_its_disarming(
    two: list[Process],
) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = other.loan(key)
    for n in range(ROUNDS):
        one, other = other, one
        assert order(other, loan, key, f"before {n}")[0] == 202
        one.done("PUT", "/-/rules/down", key, DOWN)

        if n % 4 < 2:  # Sometimes a read comes first, and sometimes an order.
            assert other.ask("GET", f"/v1/loans/{loan}", key)[0] == 503
        assert order(other, loan, key, f"armed {n}")[0] == 503
        assert order(other, loan, key, f"before {n}")[0] == 503  # Also instead of a stored answer.

        one.done("DELETE", "/-/rules/down", key)

        assert order(other, loan, key, f"armed {n}")[0] == 202
        assert other.ask("GET", f"/v1/loans/{loan}", key)[0] == 200


def test_no_request_slips_through_while_others_are_under_way(two: list[Process]) -> None:
    """Clients of one process order all the time. What they begin after the answer to an arming, meets the rule."""
    one, other = two
    _, key = one.sandbox()
    loan, phase, wrong = other.loan(key), "none", []
    seen: Counter[str] = Counter()

    def client(name: int) -> None:
        n = 0
        while phase != "over":
            n += 1
            before = phase
            status, _ = order(other, loan, key, f"{name} {n}")
            if phase == before in ("armed", "disarmed"):
                seen[before] += 1
                if status != {"armed": 503, "disarmed": 202}[before]:
                    wrong.append((before, status))

    threads = [threading.Thread(target=client, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(ROUNDS):
            for then, method in (("armed", "PUT"), ("disarmed", "DELETE")):
                phase = "between"
                one.done(method, "/-/rules/down", key, DOWN)
                phase, wanted = then, seen[then] + 5
                while seen[then] < wanted and all(thread.is_alive() for thread in threads):
                    one.done("GET", "/-/clock", key)
    finally:
        phase = "over"
        for thread in threads:
            thread.join()

    assert wrong == []
    assert min(seen["armed"], seen["disarmed"]) >= ROUNDS * 5


def page(process: Process, loan: str, key: str) -> tuple[int, Doc]:
    """Ask for a status page, as a load test does: on the hot path, if it can be."""
    return process.ask("GET", f"/v1/loans/{loan}", key)


def test_a_status_page_that_one_process_changed_is_the_new_one_in_all(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = other.loan(key)
    for process in two:
        assert page(process, loan, key)[1]["version"] == 1
    for n in range(ROUNDS):
        one, other = other, one
        order(one, loan, key, f"order {n}")
        one.done("POST", "/-/clock/advance", key, {"by": "PT1H"})
        taken = [process.front.outcomes.count(Outcome.ANSWERED_LATER) for process in two]

        assert [page(process, loan, key)[1]["version"] for process in two] == [n + 2] * 2
        assert [process.front.outcomes.count(Outcome.ANSWERED_LATER) for process in two] == [n + 1 for n in taken]


def test_no_status_page_is_older_than_an_answer_that_came_before_it(two: list[Process]) -> None:
    """Clients of one process look all the time while the other one writes. Flask answers the first of them."""
    one, other = two
    _, key = one.sandbox()
    loan, answered, wrong = other.loan(key), 1, []
    over = threading.Event()

    def client() -> None:
        while not over.is_set():
            before = answered
            version = page(other, loan, key)[1]["version"]
            if version < before:
                wrong.append((before, version))

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for n in range(ROUNDS):
            order(one, loan, key, f"order {n}")
            one.done("POST", "/-/clock/advance", key, {"by": "PT1H"})
            answered = n + 2
            page(one, loan, key)
    finally:
        over.set()
        for thread in threads:
            thread.join()

    assert wrong == []
    assert Outcome.ANSWERED_LATER in other.front.outcomes


def test_what_the_hot_path_cannot_read_is_answered_by_flask(
    two: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = two
    _, key = one.sandbox()
    loan = one.loan(key)
    assert page(one, loan, key)[0] == 200
    before = len(one.front.outcomes)

    with monkeypatch.context() as broken:
        broken.setattr(StatementReader, "rows", lambda *_: None)
        assert [page(one, loan, key)[0] for _ in range(3)] == [200] * 3

    # The first was taken and handed back; the others were not taken, since statements fail.
    assert one.front.outcomes[before:] == [Outcome.ANSWERED_LATER, Outcome.NOT_TAKEN, Outcome.NOT_TAKEN]


@pytest.mark.parametrize("hole", ["requests", "commands", "pages"])
def test_a_process_that_does_not_compare_its_rules_is_found(
    two: list[Process], monkeypatch: pytest.MonkeyPatch, hole: str
) -> None:
    for process in two:
        if hole == "requests":
            monkeypatch.setattr(process.platform.known, "on_rules", lambda sandbox_id, version: None)
        elif hole == "pages":
            monkeypatch.setattr(HotPaths, "_has_no_rules", lambda hot, sandbox_id: True)
        else:
            monkeypatch.setattr(process.platform.known, "if_unchanged", lambda command, key, version: command)

    with pytest.raises(AssertionError):
        test_a_rule_acts_in_every_process_from_the_answer_to_its_arming_until_the_answer_to_its_disarming(two)


def test_a_rule_at_another_seam_acts_in_every_process(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = other.loan(key)
    for n in range(ROUNDS):
        one, other = other, one
        one.done("PUT", "/-/rules/lost", key, {"fault": "callback.dropped"})
        lost = order(other, loan, key, f"lost {n}")[1]["id"]
        other.done("POST", "/-/clock/advance", key, {"by": "P2D"})
        one.done("POST", "/-/rules/halt", key)
        told = order(other, loan, key, f"told {n}")[1]["id"]
        other.done("POST", "/-/clock/advance", key, {"by": "P2D"})

        assert one.done("GET", f"/v1/repayments/{lost}", key)["status"] == "PROCESSING"
        assert one.done("GET", f"/v1/repayments/{told}", key)["status"] == "S"


def test_a_clock_that_one_process_moved_has_moved_in_all(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = other.loan(key)
    for n in range(ROUNDS):
        one, other = other, one
        repayment = order(other, loan, key, f"order {n}")[1]["id"]
        moved = one.done("POST", "/-/clock/advance", key, {"by": "PT1H"})

        assert other.done("GET", "/-/clock", key)["now"] == moved["now"]
        assert other.done("GET", f"/v1/repayments/{repayment}", key)["status"] == "S"


def test_a_clock_that_one_process_sets_running_or_stops_does_so_in_all(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    other.loan(key)
    for _ in range(ROUNDS):
        one, other = other, one
        one.done("PUT", "/-/clock", key, {"mode": "wall", "speed": 1000})
        assert other.done("GET", "/-/clock", key)["mode"] == "wall"
        assert other.ask("POST", "/-/clock/advance", key, {"by": "PT1H"})[0] == 409
        stopped = one.done("PUT", "/-/clock", key, {"mode": "manual"})
        assert other.done("GET", "/-/clock", key)["now"] == stopped["now"]


def explained(process: Process, loan: str, key: str) -> list[Doc]:
    """Why rules acted on a loan, or did not, as a process remembers it."""
    rules: list[Doc] = process.done("GET", f"/-/explain?entity={loan}", key)["rules"]
    return rules


def test_a_reset_empties_a_sandbox_in_every_process(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    for n in range(ROUNDS):
        one, other = other, one
        loan = other.loan(key)
        one.done("PUT", "/-/rules/down", key, DOWN | {"match": {"operation": "getLoan"}})
        assert [process.ask("GET", f"/v1/loans/{loan}", key)[0] for process in (other, one, other)] == [503] * 3
        assert len(one.done("GET", "/-/answer-key", key)["entries"]) == 3
        assert any(rule["events"] for rule in explained(other, loan, key))

        one.done("POST", "/-/reset", key)

        assert page(other, loan, key)[0] == 404
        assert order(other, loan, key, f"after {n}")[0] == 404
        assert explained(other, loan, key) == []
        assert [entry["path"] for entry in other.done("GET", "/-/requests", key)["requests"]] == [
            f"/v1/loans/{loan}",
            f"/v1/loans/{loan}/repayments",
        ]
        assert other.done("GET", "/-/rules", key)["rules"] == []


def test_a_new_key_opens_a_sandbox_in_every_process_and_the_old_one_does_not(two: list[Process]) -> None:
    one, other = two
    sandbox_id, key = one.sandbox()
    loan = other.loan(key)
    staff = other.done("GET", "/-/staff-key", key)["staff_key"]
    for n in range(ROUNDS):
        one, other = other, one
        assert page(other, loan, key)[0] == page(other, loan, staff)[0] == 200
        assert order(other, loan, key, f"old {n}")[0] == order(other, loan, staff, f"staff {n}")[0] == 202
        new = f"mk_number_{n}_of_{sandbox_id}"
        one.platform.give_key(sandbox_id, new)

        assert page(other, loan, key)[0] == page(other, loan, staff)[0] == 401
        assert order(other, loan, key, f"after {n}")[0] == order(other, loan, staff, f"after {n}")[0] == 401
        assert order(other, loan, key, f"old {n}")[0] == 401
        assert order(other, loan, new, f"new {n}")[0] == 202
        key = new
        staff = other.done("GET", "/-/staff-key", key)["staff_key"]


def test_a_deleted_sandbox_is_gone_in_every_process(two: list[Process]) -> None:
    one, other = two
    for n in range(ROUNDS):
        one, other = other, one
        sandbox_id, key = one.sandbox()
        loan = other.loan(key)
        assert order(other, loan, key, f"before {n}")[0] == 202
        one.done("DELETE", f"/-/sandboxes/{sandbox_id}", key)

        assert order(other, loan, key, f"after {n}")[0] == 401
        assert other.ask("GET", f"/v1/loans/{loan}", key)[0] == 401


def test_limits_count_what_all_processes_did(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = other.loan(key)
    one.done("PUT", "/-/rules/twice", key, DOWN | {"match": {"operation": "getLoan"}, "select": {"times": 3}})
    one.done("PUT", "/-/rules/third", key, {"fault": "callback.dropped", "select": {"every": 3}})

    pages = [process.ask("GET", f"/v1/loans/{loan}", key)[0] for _ in range(3) for process in two]
    orders = [order(process, loan, key, f"{n} of {process is one}")[1]["id"] for n in range(3) for process in two]
    one.done("POST", "/-/clock/advance", key, {"by": "P2D"})
    statuses = [other.done("GET", f"/v1/repayments/{id}", key)["status"] for id in orders]

    assert pages == [503] * 3 + [200] * 3
    assert statuses.count("PROCESSING") == 2
    assert {rule["id"]: rule["injected"] for rule in other.done("GET", "/-/rules", key)["rules"]} == {
        "twice": 3,
        "third": 2,
    }


def test_what_one_process_counted_is_read_in_all_of_them(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = other.loan(key)
    one.done("PUT", "/-/rules/down", key, DOWN | {"match": {"operation": "getProduct"}})
    for process in (one, other, other):
        process.done("GET", f"/v1/loans/{loan}", key)
        process.platform._next_mark_ms = 0  # A second is over.
        process.platform.tick()

    counted = [process.done("GET", "/-/rules", key)["rules"][0]["evaluated"] for process in two]
    assert counted[0] == counted[1] >= 3


RULES: dict[str, dict[str, object]] = {
    "a-few": {"fault": "outage.full", "match": {"operation": "getLoan"}, "select": {"probability": 0.3}},
    "every-third": {"fault": "callback.dropped", "select": {"every": 3}},
    "once-each": {"fault": "outage.write_only", "select": {"times_per": {"entity": 1}, "probability": 0.5}},
    "at-most-one": {"fault": "cache.bounded_stale", "with": {"lag_s": 7200}, "select": {"max_active": 1}},
    "late": {"fault": "callback.delayed", "select": {"probability": 0.4}},
}


def answer_key_of(some: list[Process], seed: int) -> bytes:
    """The answer key of one story, each of whose requests goes to any of the processes."""
    chance = random.Random(seed)

    def any_of_them() -> Process:
        return chance.choice(some)

    _, key = any_of_them().sandbox(seed=seed, clock={"mode": "manual", "now": "2026-01-05T02:00:00Z"})
    loans = [any_of_them().loan(key, reference) for reference in ("ada", "bo", "cy")]
    for id, rule in RULES.items():
        any_of_them().done("PUT", f"/-/rules/{id}", key, rule)
    for step in range(60):
        loan, act = loans[step % 3], step % 5
        if act in (0, 3):
            any_of_them().ask("GET", f"/v1/loans/{loan}", key)
        elif act == 4:
            any_of_them().done("POST", "/-/clock/advance", key, {"by": "PT40M"})
        else:  # Once more if it was refused, as a client does.
            refused = order(any_of_them(), loan, key, f"order {step}")[0] >= 500
            if refused:
                order(any_of_them(), loan, key, f"order {step}")
        if step == 30:
            any_of_them().done("PATCH", "/-/rules/late", key, {"enabled": False})
    entries = any_of_them().done("GET", "/-/answer-key", key)["entries"]
    assert {entry["rule"] for entry in entries} == set(RULES), {entry["rule"] for entry in entries}
    return json.dumps(entries).encode()


@pytest.mark.long
@pytest.mark.parametrize("seed", [7, pytest.param(8, marks=pytest.mark.long)])
def test_the_answer_key_is_the_same_with_one_process_and_with_four(postgresql: str, seed: int) -> None:
    with processes(postgresql, 4) as four:
        assert answer_key_of(four, seed) == answer_key_of(four[:1], seed)


@pytest.mark.parametrize("change", ["deleted", "hidden"])
def test_a_stream_ends_with_what_another_process_does_to_its_sandbox(two: list[Process], change: str) -> None:
    one, other = two
    id, key = one.sandbox()
    with doored(create_app(Settings(), one.platform).wsgi_app, 1) as (_, port):
        stream = Stream(port, "/-/live/stream", {"Authorization": f"Bearer {key}"})
        events = stream.events()
        assert next(events).data["sandbox_id"] == id

        if change == "deleted":
            other.platform.delete_sandbox(id)
        else:
            other.platform.run(ChangeSandbox(id, None, "hidden"))

        for event in events:  # A row that was complete before may still come.
            assert event.data["requests"] == 0
        assert stream.ended
        stream.close()


def test_a_class_that_one_process_made_is_followed_moved_revealed_and_deleted_by_another(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    one.done("PUT", "/-/rules/lost", key, {"fault": "callback.dropped"})
    loan = one.loan(key)
    assert order(one, loan, key, "first")[0] == 202
    one.done("POST", "/-/clock/advance", key, {"by": "PT1H"})
    made = one.done("POST", "/-/classes", key, {"name": "A", "size": 4})
    keys = [group["api_key"] for group in made["keys"]]
    path = f"/-/classes/{made['made']['id']}"

    other.done("POST", "/-/scores", keys[2], {"findings": []})
    moved = other.done("POST", f"{path}/clock", key, {"by": "P1D"})
    seen = one.done("GET", path, key)
    assert (moved["clock"]["arrived"], moved["clock"]["moving_to"]) == (4, None)
    assert [group["rank"] for group in seen["groups"]] == [None, None, 1, None]
    assert one.ask("GET", "/-/answer-key", keys[0])[0] == 403
    other.done("POST", f"{path}/reveal", key)
    assert one.ask("GET", "/-/answer-key", keys[0])[0] == 200
    fresh = other.done("POST", f"{path}/keys", key)["keys"]
    assert one.ask("GET", "/v1/loans", keys[0])[0] == 401
    assert one.ask("GET", "/v1/loans", fresh[0]["api_key"])[0] == 200
    other.done("DELETE", path, key)
    assert one.ask("GET", path, key)[0] == 404
    assert one.ask("GET", "/v1/loans", fresh[0]["api_key"])[0] == 401


def test_a_class_is_being_made_as_long_as_the_process_that_makes_it_is_alive(
    two: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    first, second = (process.platform.join(SERVER) for process in two)
    assert first is not None
    assert second is not None
    second.beat()
    _, key = one.sandbox()
    row = ClassRow("cls_left", "A", None, "same", "making", 0, maker=first.id)
    one.platform.writer.call(lambda connection: classes.add(connection, row, []))

    while_alive = other.done("GET", "/-/classes/cls_left", key)["state"]
    now_s = second._monotonic() + DEAD_AFTER_S
    monkeypatch.setattr(second, "_monotonic", lambda: now_s)  # Nothing has come from the first one since.
    second.beat()

    assert while_alive == "making"
    assert other.done("GET", "/-/classes/cls_left", key)["state"] == "failed"
    other.done("DELETE", "/-/classes/cls_left", key)

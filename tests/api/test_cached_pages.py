"""Status pages in Redis: what one process has answered holds in all, whatever becomes of Redis meanwhile."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import orjson
import pytest
import redis

from mocklend.client import Doc
from mocklend.sandboxes import page_epochs
from mocklend.sandboxes.page_epochs import PageKey
from mocklend.seams.view_refresh import NEVER_MS
from mocklend.storage import redis_link
from mocklend.storage.snapshot import Snapshot
from mocklend.views import page_versions, reads
from mocklend.views.page_versions import PageRead, PageSpan
from mocklend.views.replica_rotation import ReplicaRotation
from mocklend.views.shared_pages import CHANNEL, CachedPage
from support.processes import Process, processes
from support.redis_server import Fake, Real

ORDER = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
PATIENT_S = 20.0
SHORT_S = 0.05


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that is down."""
    monkeypatch.setattr(redis_link, "WAIT_S", PATIENT_S)


@pytest.fixture
def two(postgresql: str, redis_server: Fake | Real) -> Iterator[list[Process]]:
    """Two processes on one Redis."""
    with processes(postgresql, 2, redis_server.url) as both:
        yield both


def page(process: Process, loan: str, key: str) -> tuple[str, int]:
    """Where a status page came from, and its version."""
    answer = process.open("GET", f"/v1/loans/{loan}", key)
    assert answer.status_code == 200
    return answer.headers["Mocklend-Cache"], answer.get_json()["version"]


def pay(process: Process, loan: str, key: str, idem: str) -> None:
    """A repayment that is on the books."""
    process.done("POST", f"/v1/loans/{loan}/repayments", key, ORDER, idem=idem)
    process.done("POST", "/-/clock/advance", key, {"by": "PT2H"})


def test_a_page_is_read_once_and_answers_all_processes_until_the_loan_changes(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = one.loan(key)

    first = [page(process, loan, key) for process in (one, other, one)]
    pay(other, loan, key, "a")
    then = [page(process, loan, key) for process in (one, other)]

    assert first == [("miss", 1), ("hit", 1), ("hit", 1)]
    assert then[0][0] == "miss"
    assert then[1][0] == "hit"
    assert then[0][1] == then[1][1] > 1


def test_clocks_and_rules_drop_nothing_and_a_reset_drops_all(two: list[Process]) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = one.loan(key)
    page(one, loan, key)

    other.done("POST", "/-/clock/advance", key, {"by": "PT1M"})
    other.done("PUT", "/-/rules/lag", key, {"fault": "cache.bounded_stale"})
    assert page(one, loan, key) == ("hit", 1)

    other.done("POST", "/-/reset", key)
    assert one.open("GET", f"/v1/loans/{loan}", key).status_code == 404


def test_a_sandbox_that_was_made_without_a_cache_gets_one_with_its_first_read(
    postgresql: str, redis_server: Fake | Real
) -> None:
    with processes(postgresql, 1) as (plain,), processes(postgresql, 1, redis_server.url) as (process,):
        _, key = plain.sandbox()
        loan = plain.loan(key)
        assert "Mocklend-Cache" not in plain.open("GET", f"/v1/loans/{loan}", key).headers

        assert page(process, loan, key) == ("miss", 1)
        process.loan(key, "another")  # A command of the same queue: what was queued before it is decided.
        assert [page(process, loan, key)[0] for _ in range(2)] == ["miss", "hit"]


def test_what_a_process_without_the_cache_writes_is_seen_with_it(postgresql: str, redis_server: Fake | Real) -> None:
    """A worker or a tool that was started without the URL cannot drop anything, and nobody may notice."""
    with processes(postgresql, 1, redis_server.url) as (process,), processes(postgresql, 1) as (plain,):
        _, key = process.sandbox()
        loan = process.loan(key)
        page(process, loan, key)

        pay(plain, loan, key, "a")

        used, version = page(process, loan, key)
        assert (used, version > 1) == ("miss", True)
        assert page(process, loan, key) == ("hit", version)


def test_an_empty_cache_is_filled_again(two: list[Process], redis_server: Fake | Real) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = one.loan(key)
    page(one, loan, key)
    with redis_server.client() as client:
        client.flushall()

    assert [page(process, loan, key)[0] for process in (other, one)] == ["miss", "hit"]


def test_while_replicas_differ_reads_alternate_and_no_page_is_kept(
    two: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = two
    _, key = one.sandbox()
    loan = one.loan(key)
    one.done("PUT", "/-/rules/replica", key, {"fault": "read.non_monotonic", "with": {"lag_s": 86_400}})
    pay(one, loan, key, "a")

    # The page is not read a second time, as it is where there is no Redis.
    with monkeypatch.context() as without:
        without.setattr(reads, "page_text", None)
        seen = [page(one, loan, key) for _ in range(4)]
    one.done("POST", "/-/clock/advance", key, {"by": "P2D"})

    assert {used for used, _ in seen} == {"miss"}
    assert seen[0] == seen[2] != seen[1] == seen[3]
    assert [page(one, loan, key)[1] for _ in range(2)] == [max(seen)[1]] * 2


def test_no_loan_is_no_page(two: list[Process]) -> None:
    one, _ = two
    _, key = one.sandbox()

    answers = [one.open("GET", "/v1/loans/loan_none", key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [404, 404]


@contextmanager
def on(redis: Real, postgresql: str) -> Iterator[tuple[Process, Process, str, str]]:
    """Two processes, the key of a sandbox, and a loan whose page is in the cache."""
    with processes(postgresql, 2, redis.url) as (one, other):
        _, key = one.sandbox()
        loan = one.loan(key)
        assert [page(process, loan, key)[0] for process in (one, other)] == ["miss", "hit"]
        yield one, other, key, loan


def close_breakers(*those: Process) -> None:
    """Let each ask again at once."""
    for process in those:
        assert process.platform.shared_pages is not None
        process.platform.shared_pages._link._asked_again_s = 0.0


def test_while_redis_is_gone_the_database_answers(real_redis: Real, postgresql: str) -> None:
    with on(real_redis, postgresql) as (one, other, key, loan):
        real_redis.kill()

        assert page(one, loan, key) == ("down", 1)
        pay(other, loan, key, "a")
        used, version = page(one, loan, key)
        assert (used, version > 1) == ("down", True)

        real_redis.start()
        close_breakers(one, other)
        assert [page(process, loan, key) for process in (one, other)] == [("miss", version), ("hit", version)]


def test_a_page_that_a_writer_could_not_drop_is_not_found_again(
    real_redis: Real, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the writer is cut off. The old page is still there, and other processes reach it."""
    with on(real_redis, postgresql) as (one, other, key, loan):
        assert other.platform.shared_pages is not None
        with monkeypatch.context() as cut:
            cut.setattr(other.platform.shared_pages._link, "ask", lambda make: None)
            pay(other, loan, key, "a")

        used, version = page(one, loan, key)

        assert (used, version > 1) == ("miss", True)


def test_a_fence_that_sets_no_epoch_is_found(
    real_redis: Real, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_epochs, "_set_next_epoch", lambda connection, sandboxes: None)

    with pytest.raises(AssertionError):
        test_a_page_that_a_writer_could_not_drop_is_not_found_again(real_redis, postgresql, monkeypatch)


def test_what_redis_saved_before_a_write_is_not_found_after_its_start(real_redis: Real, postgresql: str) -> None:
    with on(real_redis, postgresql) as (one, other, key, loan):
        with real_redis.client() as client:
            client.save()
        pay(other, loan, key, "a")
        real_redis.kill()
        real_redis.start()
        with real_redis.client() as client:
            assert client.keys(f"mocklend:*:{loan}")  # The old page is there again.
        close_breakers(one, other)

        used, version = page(one, loan, key)
        if used == "down":  # Its connection had ended, which was its failure.
            close_breakers(one)
            used, version = page(one, loan, key)

        assert (used, version > 1) == ("miss", True)


def test_a_redis_that_stands_still_costs_no_answer(
    real_redis: Real, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on(real_redis, postgresql) as (one, other, key, loan):
        for process in (one, other):
            assert process.platform.shared_pages is not None
            process.platform.shared_pages._link._pool.connection_kwargs["socket_timeout"] = SHORT_S
            process.platform.shared_pages._link._pool.disconnect()
            process.platform.shared_pages._link._pool.reset()
        real_redis.stop()
        try:
            assert page(one, loan, key) == ("down", 1)
            pay(other, loan, key, "a")
            used, version = page(one, loan, key)
            assert (used, version > 1) == ("down", True)
        finally:
            real_redis.go_on()  # Now it runs what was sent meanwhile.
        for process in (one, other):
            process.platform.shared_pages._link._pool.connection_kwargs["socket_timeout"] = PATIENT_S  # type: ignore[union-attr]
            process.platform.shared_pages._link._pool.reset()  # type: ignore[union-attr]
        close_breakers(one, other)

        assert [page(process, loan, key)[1] for process in (one, other)] == [version, version]


@pytest.mark.parametrize("moment", ["read", "committed"])
def test_a_write_in_the_middle_of_a_read_is_seen_by_the_next_one(
    two: list[Process], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """One process has read the old page and has not kept it yet, while the other writes; or reads before the drop."""
    one, other = two
    _, key = one.sandbox()
    loan = one.loan(key)
    if moment == "read":
        whole = page_versions.page_span

        def slow(snapshot: Snapshot, loan_id: str, rotation: ReplicaRotation) -> PageRead:
            found = whole(snapshot, loan_id, rotation)
            monkeypatch.setattr(page_versions, "page_span", whole)
            pay(other, loan, key, "a")
            return found

        monkeypatch.setattr(page_versions, "page_span", slow)
        assert page(one, loan, key) == ("miss", 1)
    else:
        assert other.platform.shared_pages is not None
        pages, seen = other.platform.shared_pages, []
        drop = pages.drop

        def late(those: Collection[PageKey]) -> bool:
            seen.append(page(one, loan, key))
            return drop(those)

        monkeypatch.setattr(pages, "drop", late)
        pay(other, loan, key, "a")
        assert {used for used, _ in seen} == {"miss"}

    used, version = page(one, loan, key)

    assert (used, version > 1) == ("miss", True)
    assert page(other, loan, key) == ("hit", version)


def test_metrics_count_how_pages_were_answered(two: list[Process]) -> None:
    one, _ = two
    _, key = one.sandbox()
    loan = one.loan(key)
    for _ in range(3):
        page(one, loan, key)

    told = one.open("GET", "/-/metrics", key).text

    assert 'mocklend_cached_pages_total{use="miss"} 1.0' in told
    assert 'mocklend_cached_pages_total{use="hit"} 2.0' in told
    assert 'mocklend_cached_pages_total{use="down"} 0.0' in told


# --- faults of the cache: Redis has what the fault shows, for as long as the answer key says ---


def next_message(watching: redis.client.PubSub) -> str:
    """The next message of a channel."""
    for _ in range(3):
        told = watching.get_message(timeout=PATIENT_S)
        if told is not None:
            return str(told["data"].decode())
    raise AssertionError("there is no message")


def test_a_lost_invalidation_is_not_sent_and_the_page_stays_in_redis(
    two: list[Process], redis_server: Fake | Real
) -> None:
    one, other = two
    _, key = one.sandbox()
    loan = one.loan(key)
    page(one, loan, key)
    with redis_server.client() as client, client.pubsub(ignore_subscribe_messages=True) as watching:
        (name,) = client.keys(f"mocklend:*:{loan}")
        before = client.get(name)
        watching.subscribe(CHANNEL)
        watching.get_message(timeout=PATIENT_S)
        other.done("PUT", "/-/rules/lost", key, {"fault": "cache.lost_invalidation"})
        pay(other, loan, key, "a")

        assert client.get(name) == before
        assert page(one, loan, key) == ("hit", 1)

        other.done("POST", "/-/rules/halt", key)
        pay(other, loan, key, "b")
        client.publish(CHANNEL, "the end")
        told = [next_message(watching) for _ in range(2)]
        assert [text.endswith(loan) for text in told] == [True, False]  # One message, for the second repayment.
    used, version = page(one, loan, key)
    assert (used, version > 1) == ("miss", True)


class Told(NamedTuple):
    """A story with a fault: what the page showed after each step, what Redis then had, and the answer key."""

    shown: list[str]
    held: list[str]
    key: bytes


STEPS: tuple[str, ...] = ("pay", "PT20S", "PT20S", "PT40S", "pay", "PT2H", "pay", "PT2H")
HELD = {
    "cache.bounded_stale": [1, 1, 2, 2, 2, 3, 3, 4],
    "cache.lost_invalidation": [1, 1, 1, 1, 1, 1, 1, 1],
    "cache.stale_set": [2, 1, 2, 2, 3, 3, 4, 4],
    "cache.evicted_before_flush": [2, 2, 2, 2, 3, 3, 4, 4],
}
"""The version that Redis has after each step. What was evicted is wrong by its amount."""
KINDS: dict[str, Doc] = {
    "cache.bounded_stale": {"lag_s": 30},
    "cache.lost_invalidation": {},
    "cache.stale_set": {"right_for_s": 10, "stale_s": 30},
    "cache.evicted_before_flush": {},
}


def tell(process: Process, fault: str, redis: Fake | Real | None) -> Told:
    """Tell the story of a fault in a new sandbox."""
    sandbox_id, key = process.sandbox(clock={"mode": "manual", "now": "2026-01-05T02:00:00Z"})
    loan = process.loan(key)
    process.done("PUT", "/-/rules/it", key, {"fault": fault, "with": KINDS[fault]})
    shown, held = [], []
    for n, step in enumerate(STEPS):
        if step == "pay":
            process.done("POST", f"/v1/loans/{loan}/repayments", key, ORDER, idem=f"{n}")
            process.done("POST", "/-/clock/advance", key, {"by": "PT5S"})
        else:
            process.done("POST", "/-/clock/advance", key, {"by": step})
        for _ in range(2):
            answer = process.open("GET", f"/v1/loans/{loan}", key)
            shown.append(answer.text.replace(loan, "LOAN"))
        if redis is not None:
            assert answer.headers["Mocklend-Cache"] == "hit"
            with redis.client() as client:
                (name,) = client.keys(f"mocklend:*:{sandbox_id}:*:{loan}")
                value: bytes = client.get(name)
            held.append(value.decode().partition(',"page":')[2].removesuffix("}").replace(loan, "LOAN"))
    return Told(shown, held, process.open("GET", "/-/answer-key", key).data.replace(sandbox_id.encode(), b"SANDBOX"))


@pytest.mark.parametrize("fault", KINDS)
def test_redis_has_what_a_fault_of_the_cache_shows_and_the_answer_key_is_the_same(
    postgresql: str, redis_server: Fake | Real, fault: str
) -> None:
    with processes(postgresql, 1) as (plain,):
        without = tell(plain, fault, None)
    with processes(postgresql, 1, redis_server.url) as (process,):
        beside = tell(process, fault, redis_server)

    assert beside.shown == without.shown
    assert beside.held == beside.shown[1::2]
    assert beside.key == without.key
    entries = json.loads(beside.key)["entries"]
    assert {entry["fault"] for entry in entries} == {fault}
    assert [orjson.loads(page)["version"] for page in beside.held] == HELD[fault]
    owed = [orjson.loads(page)["outstanding_minor"] for page in beside.held]
    assert (owed[4] == 99_000) is (fault in ("cache.bounded_stale", "cache.evicted_before_flush"))


def test_a_cache_that_does_not_know_until_when_is_found(
    postgresql: str, redis_server: Fake | Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    def for_good(cls: type[CachedPage], span: PageSpan) -> CachedPage:
        return cls(span.version, 0, NEVER_MS, span.stale, msgspec.Raw(span.doc.encode()))

    monkeypatch.setattr(CachedPage, "of", classmethod(for_good))

    with pytest.raises(AssertionError):
        test_redis_has_what_a_fault_of_the_cache_shows_and_the_answer_key_is_the_same(
            postgresql, redis_server, "cache.bounded_stale"
        )

"""GET /-/live/stream: a row a second over a connection that stays open, until something ends it, and for whom."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from flask.typing import ResponseReturnValue

from mocklend.api import live_stream
from mocklend.app import create_app
from mocklend.client import Client, ProblemError
from mocklend.config import Settings
from mocklend.door import Door
from mocklend.runtime import NewSandbox, Platform, find_layer
from mocklend.sandboxes.lifecycle import REVEALED, ChangeSandbox
from mocklend.storage.ground import GONE, Unavailable
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.rules import Rule
from support.caller import Caller, Documented
from support.door_place import until
from support.event_reader import Stream, doored
from support.story import MONDAY_MS, Clock

MOST = 4


@pytest.fixture
def platform(open_platform: Callable[..., Platform], clock: Clock) -> Platform:
    """A platform with faults, on the test's time."""
    return open_platform(find_layer(), real_ms=clock)


@pytest.fixture
def sandbox(platform: Platform) -> NewSandbox:
    return platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)


@pytest.fixture
def door(platform: Platform) -> Iterator[tuple[Door, int]]:
    """A door in front of the platform's API, for so many streams."""
    with doored(create_app(Settings(), platform).wsgi_app, MOST) as opened:
        yield opened


@pytest.fixture
def open_stream(door: tuple[Door, int], sandbox: NewSandbox) -> Iterator[Callable[..., Stream]]:
    """Open a stream of the sandbox."""
    opened: list[Stream] = []

    def open(path: str = "/-/live/stream", method: str = "GET", **headers: str) -> Stream:
        named = {"Authorization": f"Bearer {sandbox.api_key}"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        opened.append(Stream(door[1], path, named, method))
        return opened[-1]

    yield open
    for stream in opened:
        stream.close()


def test_a_row_comes_as_soon_as_its_second_is_over(
    open_stream: Callable[..., Stream], platform: Platform, sandbox: NewSandbox, clock: Clock
) -> None:
    stream = open_stream()
    events = stream.events()

    series = next(events)
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert "content-length" not in stream.headers
    assert (series.name, series.data["sandbox_id"], series.data["alone"]) == ("series", sandbox.id, True)
    for n in range(3):
        platform.live_series.count(sandbox.id, 200, 0.002)
        clock.ms += 1_000
        row = next(events)
        assert row.id == row.data["second"] == series.data["counted_since"] + n
        assert row.data["requests"] == 1
    assert row.data["injections"] == 0
    assert row.data == platform.live_series.rows(sandbox.id).rows[-1]


def test_a_client_goes_on_from_the_last_event_that_it_has(
    open_stream: Callable[..., Stream], platform: Platform, sandbox: NewSandbox, clock: Clock
) -> None:
    first = open_stream().events()
    since = next(first).data["counted_since"]
    clock.ms += 5_000
    assert [next(first).id for _ in range(5)] == list(range(since, since + 5))

    for stream in (
        open_stream(Last_Event_ID=str(since + 2)),
        open_stream(f"/-/live/stream?since={since + 2}"),
        open_stream(f"/-/live/stream?since={since}", Last_Event_ID=str(since + 2)),
    ):
        events = stream.events()
        assert next(events).name == "series"
        assert [next(events).id for _ in range(2)] == [since + 3, since + 4]
        stream.close()


def test_an_id_of_another_servers_time_is_not_waited_for(open_stream: Callable[..., Stream], clock: Clock) -> None:
    events = open_stream(Last_Event_ID="999999999999").events()
    since = next(events).data["counted_since"]

    clock.ms += 1_000

    assert next(events).id == since


def test_a_row_is_encoded_once_for_all_streams(
    open_stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    encoded: list[int | None] = []
    encode = live_stream.event

    def counted(data: object, id: int | None = None, name: str = "") -> bytes:
        encoded.append(id)
        return encode(data, id, name)

    monkeypatch.setattr(live_stream, "event", counted)
    streams = [open_stream().events() for _ in range(MOST)]
    since = {next(events).data["counted_since"] for events in streams}
    clock.ms += 1_000

    assert {next(events).id for events in streams} == since
    assert [id for id in encoded if id is not None] == list(since)


def test_streams_above_the_limit_are_refused_and_the_room_of_one_that_has_gone_is_free(
    open_stream: Callable[..., Stream], door: tuple[Door, int]
) -> None:
    streams = [open_stream() for _ in range(MOST)]

    refused = open_stream()

    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    problem = json.loads(refused.body())
    assert (problem["code"], problem["expected"]) == ("too_many_streams", f"at most {MOST}")
    streams[0].close()

    until(lambda: open_stream().status == 200)
    assert len(door[0].streams) == MOST


def test_no_thread_of_a_pool_waits_for_a_stream(open_stream: Callable[..., Stream]) -> None:
    for _ in range(MOST):
        next(open_stream().events())

    names = [thread.name for thread in threading.enumerate()]
    assert sum(name.startswith("mocklend-streams") for name in names) == 1
    until(lambda: open_stream("/-/clock").status == 200)


def test_a_stream_ends_with_its_sandbox(
    open_stream: Callable[..., Stream], platform: Platform, sandbox: NewSandbox, door: tuple[Door, int], clock: Clock
) -> None:
    stream = open_stream()
    next(stream.events())

    platform.delete_sandbox(sandbox.id)
    clock.ms += 1_000

    assert stream.part() == b""
    assert stream.ended, "its last chunk came: the connection was not broken"
    assert len(door[0].streams) == 0
    again = open_stream()
    assert (again.status, json.loads(again.body())["code"]) == (401, "credential_invalid")


def test_a_stream_of_a_sandbox_that_is_reset_ends_and_the_next_one_begins_anew(
    open_stream: Callable[..., Stream], platform: Platform, sandbox: NewSandbox, clock: Clock
) -> None:
    stream = open_stream()
    since = next(stream.events()).data["counted_since"]
    clock.ms += 3_000

    platform.reset_sandbox(sandbox.id)

    list(stream.events())
    assert stream.ended
    assert next(open_stream().events()).data["counted_since"] == since + 3


def test_a_key_that_opens_nothing_any_more_gets_no_row_more(
    open_stream: Callable[..., Stream], platform: Platform, sandbox: NewSandbox, clock: Clock
) -> None:
    stream = open_stream()
    next(stream.events())

    platform.give_key(sandbox.id, "mk_another_key_of_it")
    clock.ms += 1_000

    assert list(stream.events()) == []
    assert stream.ended


def test_a_truth_that_is_hidden_ends_the_streams_of_those_who_have_only_the_key(
    platform: Platform, sandbox: NewSandbox, clock: Clock
) -> None:
    settings = Settings()
    app = create_app(settings, platform)
    teacher = {"Authorization": f"Bearer {sandbox.api_key}", "X-Mocklend-Control": settings.control_token}
    caller = Caller(app, Documented(app), sandbox.api_key)
    caller.headers = {**caller.headers, **teacher}
    layer = platform.layer
    assert layer is not None
    rule = Rule.from_json("lag", {"fault": "cache.bounded_stale"}, layer.catalogue)  # type: ignore[attr-defined]
    platform.run(PutRule(sandbox.id, rule))
    with doored(app.wsgi_app, MOST) as (_, port):
        students = Stream(port, "/-/live/stream", {"Authorization": f"Bearer {sandbox.api_key}"})
        teachers = Stream(port, "/-/live/stream", teacher)
        next(students.events())
        next(teachers.events())

        caller.made(caller.call("PATCH", f"/-/sandboxes/{sandbox.id}", json={"truth": "hidden"}))
        clock.ms += 1_000

        assert next(teachers.events()).data["requests"] == 0
        assert list(students.events()) == []
        assert students.ended
        again = Stream(port, "/-/live/stream", {"Authorization": f"Bearer {sandbox.api_key}"})
        assert (again.status, json.loads(again.body())["code"]) == (403, "truth_hidden")
        for stream in (students, teachers, again):
            stream.close()


def test_a_truth_that_is_revealed_leaves_the_stream_of_who_has_only_the_key_open(
    platform: Platform, sandbox: NewSandbox, clock: Clock
) -> None:
    platform.run(ChangeSandbox(sandbox.id, None, REVEALED))
    with doored(create_app(Settings(), platform).wsgi_app, MOST) as (_, port):
        stream = Stream(port, "/-/live/stream", {"Authorization": f"Bearer {sandbox.api_key}"})
        events = stream.events()
        assert next(events).name == "series"

        for _ in range(2):
            clock.ms += 1_000
            assert next(events).data["requests"] == 0
        stream.close()


def test_a_stopping_server_ends_its_streams_at_once(platform: Platform, sandbox: NewSandbox) -> None:
    with doored(create_app(Settings(), platform).wsgi_app, MOST) as (door, port):
        stream = Stream(port, "/-/live/stream", {"Authorization": f"Bearer {sandbox.api_key}"})
        next(stream.events())

    assert stream.part() == b""
    assert stream.ended
    assert len(door.streams) == 0
    stream.close()


def test_a_quiet_stream_gets_comments(
    open_stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("mocklend.event_streams.QUIET_S", 0.0)
    stream = open_stream()
    next(stream.events())

    assert stream.part() == b":"


def test_a_database_that_does_not_answer_ends_no_stream(
    open_stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    events = open_stream().events()
    next(events)

    def gone(platform: Platform, sandbox_id: str) -> None:
        raise Unavailable(GONE)

    monkeypatch.setattr(live_stream, "look", gone)
    clock.ms += 1_000

    assert next(events).data["requests"] == 0


def test_a_failure_of_what_is_followed_ends_the_stream(
    open_stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    stream = open_stream()
    next(stream.events())

    def breaks(self: live_stream.LiveRows, rows: object) -> bytes:
        raise LookupError("a bug")

    monkeypatch.setattr(live_stream.LiveRows, "events", breaks)
    clock.ms += 1_000

    assert list(stream.events()) == []
    assert stream.ended


def test_an_answer_that_no_server_holds_ends_after_its_rows(platform: Platform, clock: Clock) -> None:
    app = create_app(Settings(), platform)
    client = app.test_client()
    client.get("/-/live")
    clock.ms += 2_000

    answered = client.get("/-/live/stream")

    assert answered.get_data(as_text=True).count("\n\n") == 4, "retry, series, and two rows"
    assert client.head("/-/live/stream").status_code == 200


@pytest.mark.parametrize("wrong", ["x", "-1", "1.5", "9" * 13, "１"])
def test_an_id_that_is_none_is_refused(platform: Platform, wrong: str) -> None:
    app = create_app(Settings(), platform)
    answered: ResponseReturnValue = app.test_client().get(
        "/-/live/stream", headers={"Last-Event-ID": wrong.encode("utf-8").decode("latin-1")}
    )

    assert answered.status_code == 422  # type: ignore[union-attr]
    assert answered.get_json()["code"] == "validation_failed"  # type: ignore[union-attr]


def test_a_head_request_is_answered_and_holds_nothing(
    open_stream: Callable[..., Stream], door: tuple[Door, int]
) -> None:
    head = open_stream(method="HEAD")

    assert head.status == 200
    assert len(door[0].streams) == 0


def test_the_client_gets_rows_as_they_come(
    door: tuple[Door, int], platform: Platform, sandbox: NewSandbox, clock: Clock
) -> None:
    with Client(f"http://127.0.0.1:{door[1]}", sandbox.api_key) as client:
        since = client.live()["counted_since"]
        clock.ms += 2_000
        rows = client.live_rows(since=since)

        assert next(rows)["second"] == since + 1
        clock.ms += 1_000
        assert next(rows) == client.live()["rows"][-1]
        clock.ms += 1_000
        platform.reset_sandbox(sandbox.id)
        assert [row["second"] for row in rows] in ([], [since + 3])
        door[0].streams.most = 0
        with pytest.raises(ProblemError, match="too_many_streams"):
            next(client.live_rows())

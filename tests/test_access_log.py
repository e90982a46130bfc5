"""The access log: nobody waits for it, and what it could not write it counts."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mocklend import access_log
from mocklend.access_log import AccessLog
from mocklend.client import Doc
from mocklend.event_streams import EventStreams, News, Opening

pytestmark = pytest.mark.security


@dataclass
class Scope:
    """A request, as the server has it."""

    method: str = "GET"
    path: str = "/v1/loans"
    query_string: str = ""
    client: str = "127.0.0.1:50000"


class Connection:
    """A connection that keeps the answers that go over it."""

    def __init__(self) -> None:
        self.answers: list[int] = []

    def response_bytes(self, status: int, _headers: object, _body: bytes) -> None:
        self.answers.append(status)


class Streaming:
    """A connection over which an answer goes on; it is the transport as well."""

    def response_stream(self, _status: int, _headers: object) -> Streaming:
        return self

    def send_bytes(self, _data: bytes) -> Streaming:
        return self

    def __await__(self) -> Generator[object, None, None]:
        yield from ()


class Nothing:
    """What is followed, and brings nothing."""

    def news(self, after: int) -> News | None:
        return None


def answer(access: AccessLog, count: int = 1, **scope: str) -> Connection:
    response = Connection()
    for _ in range(count):
        access.watched(Scope(**scope), response).response_bytes(200, [], b"done")
    return response


def lines(path: Path) -> list[Doc]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_lines_are_appended_to_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    was = os.umask(0)
    try:
        for n in range(2):
            access = AccessLog(str(tmp_path / "access.jsonl"))
            answer(access, path=f"/v1/{n}")
            access.close()
    finally:
        os.umask(was)

    assert [line["path"] for line in lines(tmp_path / "access.jsonl")] == ["/v1/0", "/v1/1"]
    assert stat.S_IMODE((tmp_path / "access.jsonl").stat().st_mode) == 0o600


def test_a_request_is_one_line_whatever_it_contains(tmp_path: Path) -> None:
    access = AccessLog(str(tmp_path / "access.jsonl"))
    for path in ('/v1/"\n{}\u2028', "/v1/" + "x" * 100_000, "/v1/中"):
        answer(access, path=path, query_string="a\n=b&" * 10_000, client="[::1]:5")
    access.close()

    text = (tmp_path / "access.jsonl").read_bytes()
    assert text.count(b"\n") == 3
    assert all(len(line) < 2_000 for line in text.splitlines())
    assert {line["client"] for line in lines(tmp_path / "access.jsonl")} == {"::1"}


def test_a_stream_is_one_line_once_it_has_ended(tmp_path: Path) -> None:
    file, streams = tmp_path / "access.jsonl", EventStreams()
    access = AccessLog(str(file))
    headers = [("Content-Type", "text/event-stream"), ("Mocklend-Request-Id", "req_1")]

    streams.begin(
        access.watched(Scope(path="/-/live/stream"), Streaming()), headers, b"first", Opening(Nothing(), 0, 0)
    )
    assert file.read_bytes() == b""
    streams.stop()
    access.close()

    [line] = lines(file)
    assert (line["path"], line["status"], line["bytes"], line["request_id"]) == ("/-/live/stream", 200, 5, "req_1")


def test_an_unread_pipe_delays_no_request_and_lost_lines_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "WAITING_MAX", 2_000)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    access = AccessLog(str(pipe))

    answered = answer(access, 10_000)

    assert len(answered.answers) == 10_000
    os.set_blocking(reader, True)
    read: list[bytes] = []
    reading = threading.Thread(target=lambda: read.extend(iter(lambda: os.read(reader, 65536), b"")))
    reading.start()
    access.close()
    reading.join(30)
    os.close(reader)
    documents = [json.loads(line) for line in b"".join(read).splitlines()]
    lost = sum(document.get("lost", 0) for document in documents)
    assert lost > 0
    assert lost + sum("path" in document for document in documents) == 10_000


def test_a_full_disk_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    access = AccessLog("/dev/full")

    answered = answer(access, 2_000)
    access.close()

    assert len(answered.answers) == 2_000
    assert capsys.readouterr().err.count("the access log cannot be written") == 1

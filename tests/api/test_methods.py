"""OPTIONS lists the methods of an address, HEAD answers like GET without a body, other methods are refused."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from granian.constants import HTTPModes, Interfaces
from sqlalchemy import inspect
from werkzeug.test import TestResponse

from mocklend.api.request_log import LoggedRequest, RequestLog
from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.door import Door
from mocklend.hosts import HostPolicy
from mocklend.runtime import Platform, find_layer
from mocklend.sandboxes.lifecycle import DEFAULT
from mocklend.serving import Server
from mocklend.storage.statements import Value
from support.sql import rows

Row = tuple[Value, ...]

pytestmark = pytest.mark.security

NO_METHODS = ("TRACE", "CONNECT", "PROPFIND", "FOO", "OPTION")
OFF_LOOPBACK = Settings(host="192.0.2.7")


class Everything:
    """A platform with its faults, and all that a request could change there."""

    def __init__(self, platform: Platform, settings: Settings) -> None:
        self.platform = platform
        self.app = create_app(settings, platform)
        self.client = self.app.test_client()
        self.headers: dict[str, str] = {}

    def ask(
        self, method: str, path: str, *, json: object = None, data: bytes | None = None, content_type: str | None = None
    ) -> TestResponse:
        return self.client.open(
            path, method=method, headers=self.headers, json=json, data=data, content_type=content_type
        )

    def addresses(self) -> Iterator[tuple[str, set[str]]]:
        """Each address, with the methods that it takes. An id is that of a sandbox, which some of them are about."""
        methods: dict[str, set[str]] = {}
        for rule in self.app.url_map.iter_rules():
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<id:{name}>", DEFAULT).replace(f"<{name}>", "favicon-32x32.png")
            methods.setdefault(path, set()).update(rule.methods or ())
        yield from methods.items()

    def stored(self) -> tuple[dict[str, list[Row]], tuple[list[LoggedRequest], bool]]:
        """Every row, and the logged requests."""
        with self.platform.read() as connection:
            tables = inspect(connection).get_table_names()
            stored_rows = {name: rows(connection, lambda *row: row, f"SELECT * FROM {name}") for name in tables}
        for own in ("real_time", "sandbox_uses"):  # The platform's pulse, and the minute of the latest request.
            stored_rows.pop(own, None)
        record: RequestLog = self.app.extensions["mocklend.request_log"]
        return stored_rows, record.of(DEFAULT)


@pytest.fixture
def everything(open_platform: Callable[..., Platform]) -> Everything:
    place = Everything(open_platform(find_layer()), Settings())
    assert place.ask("POST", "/v1/borrowers", json={"reference": "ada", "name": "Ada"}).status_code == 201
    return place


def _no_key(_: Everything) -> None:
    """The sandbox `default`, after a first request."""


def _key_of_nobody(place: Everything) -> None:
    place.headers = {"Authorization": "Bearer mk_nobody"}


def _key_of_a_deleted_sandbox(place: Everything) -> None:
    sandbox = place.ask("POST", "/-/sandboxes", json={"seed": 1}).get_json()
    place.headers = {"Authorization": f"Bearer {sandbox['api_key']}"}
    assert place.ask("DELETE", f"/-/sandboxes/{sandbox['id']}").status_code == 204


def _hold(place: Everything) -> None:
    assert place.ask("PUT", "/-/clock", json={"mode": "manual"}).status_code == 200


def _out_of_order(place: Everything) -> None:
    for fault in ("outage.full", "transport.abort", "transport.latency"):
        rule = {"fault": fault, "select": {"probability": 1}}
        assert place.ask("PUT", f"/-/rules/{fault}", json=rule).status_code in (200, 201)


STATES = (_no_key, _key_of_nobody, _key_of_a_deleted_sandbox, _hold, _out_of_order)


@pytest.mark.parametrize("state", STATES)
def test_options_lists_the_methods_of_each_address_and_does_nothing(
    everything: Everything, state: Callable[[Everything], None]
) -> None:
    state(everything)
    before = everything.stored()

    for path, methods in everything.addresses():
        bodies: tuple[dict[str, Any], ...] = ({}, {"json": {}}, {"data": b"\xff", "content_type": "application/json"})
        for body in bodies:
            answer = everything.ask("OPTIONS", path, **body)
            assert (answer.status_code, answer.data) == (204, b""), path
            assert methods <= set(answer.headers["Allow"].split(", ")), path
            assert answer.headers["Mocklend-Request-Id"]

    assert everything.stored() == before


def test_options_asks_for_no_credential(open_platform: Callable[..., Platform]) -> None:
    place = Everything(open_platform(find_layer()), OFF_LOOPBACK)

    for path, methods in place.addresses():
        answer = place.ask("OPTIONS", path)
        assert answer.status_code == 204, path
        assert methods <= set(answer.headers["Allow"].split(", ")), path


def test_options_at_an_unknown_address_is_not_found(everything: Everything) -> None:
    answer = everything.ask("OPTIONS", "/v1/loan")

    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("method", NO_METHODS)
def test_any_other_method_is_refused_and_does_nothing(
    everything: Everything, state: Callable[[Everything], None], method: str
) -> None:
    state(everything)
    before = everything.stored()

    for path, methods in everything.addresses():
        answer = everything.ask(method, path, json={})
        assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed"), path
        assert methods <= set(answer.headers["Allow"].split(", ")), path

    assert everything.stored() == before


@pytest.mark.parametrize("state", STATES[:-1])
def test_head_answers_like_get_without_a_body_and_does_nothing(
    everything: Everything, state: Callable[[Everything], None]
) -> None:
    state(everything)
    before = everything.stored()[0]
    recorded = len(everything.stored()[1][0])

    for path, methods in everything.addresses():
        head = everything.ask("HEAD", path)
        assert head.data == b""
        assert head.status_code == everything.ask("GET", path).status_code < 500, path
        if "GET" in methods:
            assert head.status_code != 405, path

    now, (requests, _) = everything.stored()
    assert now == before
    assert not [
        answer for answer in requests[recorded:] if answer.path.startswith("/-/")
    ]  # To look is no part of a story.


def test_unknown_methods_share_one_metrics_label(everything: Everything) -> None:
    for n in range(50):
        everything.ask(f"FOO{n}", "/v1/loans")

    metrics = everything.ask("GET", "/-/metrics").get_data(as_text=True)

    assert "FOO" not in metrics
    assert 'mocklend_requests_total{endpoint="none",method="other",status="405"} 50.0' in metrics


@pytest.fixture
def port(everything: Everything) -> Iterator[int]:
    """The server itself, with all of it behind its door."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    up = threading.Event()
    ready: list[Any] = []
    door = Door(everything.app.wsgi_app, hosts=HostPolicy(on_loopback=True), port=port)

    async def serve() -> None:
        server = Server(
            door, address="127.0.0.1", port=port, interface=Interfaces.RSGI, http=HTTPModes.http1, websockets=False,
            log_enabled=False,
        )  # fmt: skip
        ready.extend((server, asyncio.get_running_loop()))
        serving = asyncio.create_task(server.serve_door())
        while not serving.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0)
                continue
            writer.close()
            up.set()
            await serving

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert up.wait(30)
        yield port
    finally:
        server, loop = ready
        loop.call_soon_threadsafe(server.stop)
        thread.join(30)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("OPTIONS /-/requests", 204),
        ("OPTIONS /-/reset", 204),
        ("OPTIONS /-/sandboxes", 204),
        ("OPTIONS *", 404),
        ("TRACE /v1/loans", 405),
        ("FOO /v1/loans", 405),
        ("CONNECT /v1/loans", 405),
        ("HEAD /v1/loans", 200),
        ("HEAD /-/reset", 405),
    ],
)
def test_the_server_answers_each_method(everything: Everything, port: int, line: str, status: int) -> None:
    before = everything.stored()[0]

    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    head = answer.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    assert head[0].split()[1] == str(status), answer
    if status in (204, 405):
        assert any(item.startswith("allow: ") for item in head)
    assert everything.stored()[0] == before

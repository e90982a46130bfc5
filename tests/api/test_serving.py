"""The server as a process: it starts, prints its address, and on a signal answers open requests and stops."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from mocklend.config import Settings
from mocklend.server import refuse_taken
from support.databases import Databases

pytestmark = pytest.mark.security

SERVE = """
import sys
from mocklend.server import serve
from mocklend.config import Settings
serve(Settings(database=sys.argv[1], port=0, durability="fast"), lambda settings, _: print(settings.url, flush=True))
print("stopped", flush=True)
"""
TIMEOUT_S = 60
DRAIN_S = 20
"""Less than what a stopping server grants to requests under way."""


@pytest.fixture
def server(databases: Databases) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server, and its address."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SERVE, databases()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        watch = threading.Timer(TIMEOUT_S, process.kill)
        watch.start()
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()
            watch.cancel()


def test_a_server_answers_at_the_address_it_prints_and_stops_on_a_signal(
    server: tuple[subprocess.Popen[str], str],
) -> None:
    process, url = server
    assert requests.get(f"{url}/-/health", timeout=TIMEOUT_S).json()["status"] == "ok"

    process.send_signal(signal.SIGTERM)

    assert process.communicate(timeout=TIMEOUT_S)[0].endswith("stopped\n")
    assert process.returncode == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/-/health", timeout=TIMEOUT_S)


def test_open_streams_end_well_and_do_not_delay_a_stop(server: tuple[subprocess.Popen[str], str]) -> None:
    process, url = server
    with requests.get(f"{url}/-/live/stream", stream=True, timeout=TIMEOUT_S) as stream:
        lines = stream.iter_lines(chunk_size=1)
        assert next(lines) == b"retry: 2000"

        process.send_signal(signal.SIGTERM)

        assert b"event: series" in list(lines), "it raises if the last chunk does not come"
    assert process.communicate(timeout=DRAIN_S)[0].endswith("stopped\n")
    assert process.returncode == 0


UNTIL_IDLE_ONES_ARE_CLOSED_S = 15
"""The server does so after 30 s; until then whoever is kept out stays out."""
IDLE = 1_100
"""More than Granian serves unless it is told, and more than the files that a shell lets a process open."""


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may open enough of them, and what it starts may open few until it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * IDLE:
        pytest.skip(f"no more than {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * IDLE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_kept_connections_do_not_keep_the_next_client_out(
    many_files: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    few = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (512, r.getrlimit(r.RLIMIT_NOFILE)[1]))"
    monkeypatch.setitem(globals(), "SERVE", few + SERVE)
    _, url = request.getfixturevalue("server")
    host, _, port = url.removeprefix("http://").rpartition(":")

    with ExitStack() as left:
        for _ in range(IDLE):
            left.enter_context(socket.create_connection((host, int(port)), timeout=TIMEOUT_S))

        assert requests.get(f"{url}/-/health", timeout=UNTIL_IDLE_ONES_ARE_CLOSED_S).json()["status"] == "ok"


def test_many_requests_are_answered_at_once(server: tuple[subprocess.Popen[str], str]) -> None:
    _, url = server
    answers: list[int] = []

    def ask(n: int) -> None:
        ada = {"reference": f"ada {n}", "name": "Ada"}
        answers.append(requests.post(f"{url}/v1/borrowers", json=ada, timeout=30).status_code)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [201] * 32


def test_a_chunked_body_is_read_completely_and_has_the_same_limit(server: tuple[subprocess.Popen[str], str]) -> None:
    _, url = server
    headers = {"Content-Type": "application/json"}
    ada = json.dumps({"reference": "ada", "name": "Ada"}).encode()

    whole = requests.post(f"{url}/v1/borrowers", data=iter([ada[:10], ada[10:]]), headers=headers, timeout=TIMEOUT_S)
    too_much = requests.post(f"{url}/v1/borrowers", data=iter([b" " * 8192] * 9), headers=headers, timeout=TIMEOUT_S)

    assert whole.status_code == 201
    assert (too_much.status_code, too_much.json()["code"]) == (413, "body_too_large")


def test_a_malformed_request_target_is_not_found(server: tuple[subprocess.Popen[str], str]) -> None:
    host, _, port = server[1].removeprefix("http://").rpartition(":")
    for path in ("/v1/loans/%00", "/v1/loans/%ED%A0%80", "/v1/loans/%FF%FE", "/v1/loans/9223372036854775808"):
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda connection=connection: connection.recv(65536), b""))  # type: ignore[misc]

        assert answer.startswith(b"HTTP/1.1 404"), path
        assert b"application/problem+json" in answer, path


def test_a_port_in_use_is_refused_and_not_shared() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(OSError, match="in use"):
            refuse_taken(Settings(port=other.getsockname()[1]))


def test_a_running_clock_is_ticked_while_the_server_is_up(server: tuple[subprocess.Popen[str], str]) -> None:
    _, url = server
    sandbox: dict[str, Any] = requests.post(
        f"{url}/-/sandboxes", json={"seed": 1, "clock": {"mode": "wall", "speed": 3600}}, timeout=10
    ).json()
    client = requests.Session()
    client.headers["Authorization"] = f"Bearer {sandbox['api_key']}"
    ada = client.post(f"{url}/v1/borrowers", json={"reference": "ada", "name": "Ada"}, timeout=TIMEOUT_S).json()
    loan = client.post(
        f"{url}/v1/loans",
        json={"borrower_id": ada["id"], "principal_minor": 100_000, "product_id": "jiebei-like"},
        headers={"Idempotency-Key": "a"},
        timeout=10,
    ).json()
    repayment = client.post(
        f"{url}/v1/loans/{loan['id']}/repayments",
        json={"amount_minor": 1000, "channel": "wallet", "type": "OVD_AND_CURRENT"},
        headers={"Idempotency-Key": "b"},
        timeout=10,
    ).json()

    for _ in range(2000):
        status = client.get(f"{url}/v1/repayments/{repayment['id']}", timeout=TIMEOUT_S).json()["status"]
        if status != "PROCESSING":
            break

    assert status == "S"


BREAKS = {
    "abort": (b"", 0),
    "reset": (b"", 0),  # Granian hides its sockets: closed, where waitress sends RST (test_breaking.py).
    "empty": (b"HTTP/1.1 200", 0),
    "truncated": (b"HTTP/1.1 200", 0.5),
    "malformed": (b"HTTP/1.1 200", 0.5),
}


def test_each_break_is_seen_on_the_wire(server: tuple[subprocess.Popen[str], str]) -> None:
    _, url = server
    host, _, port = url.removeprefix("http://").rpartition(":")

    def ask() -> tuple[bytes, bytes]:
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
            connection.sendall(f"GET /v1/products HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
            return head, body

    whole = ask()[1]
    for how, (status, share) in BREAKS.items():
        requests.put(f"{url}/-/rules/break", json={"fault": f"transport.{how}"}, timeout=TIMEOUT_S).raise_for_status()
        for _ in range(20):
            head, body = ask()

            assert head.startswith(status), how
            assert bool(head) == bool(status), how
            assert body == whole[: int(len(whole) * share)], how
            length_lines = [line for line in head.lower().splitlines() if line.startswith(b"content-length:")]
            lengths = {"truncated": len(whole), "malformed": len(body), "empty": 0}
            assert how not in lengths or length_lines == [f"content-length: {lengths[how]}".encode()], how

    requests.post(f"{url}/-/rules/halt", json={}, timeout=TIMEOUT_S).raise_for_status()
    assert ask()[1] == whole


@pytest.mark.parametrize("how", [how for how in BREAKS if how not in ("empty", "malformed")])
def test_a_client_that_keeps_its_connection_does_not_wait_for_what_never_comes(
    server: tuple[subprocess.Popen[str], str], how: str
) -> None:
    _, url = server
    host, _, port = url.removeprefix("http://").rpartition(":")
    requests.put(f"{url}/-/rules/break", json={"fault": f"transport.{how}"}, timeout=TIMEOUT_S).raise_for_status()

    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
        connection.sendall(f"GET /v1/products HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        # Half of it, or nothing; then the end. A server that kept it open would close it after HEADERS_DEADLINE_MS.
        head = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")[0]

    assert (b"connection: close" in head.lower()) is (how == "truncated")

    requests.post(f"{url}/-/rules/halt", json={}, timeout=TIMEOUT_S).raise_for_status()

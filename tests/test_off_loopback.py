"""A server off loopback: the commands that it prints work, on another address and behind a proxy with a prefix."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from mocklend.client import Client, ProblemError
from support.databases import Databases

pytestmark = pytest.mark.security

BESIDE = str(Path(sys.executable).parent)
TIMEOUT_S = 120
needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


def clean_environment() -> dict[str, str]:
    """The environment of a new terminal: nothing of Mocklend's, and nothing that sends requests elsewhere."""
    environment = {name: value for name, value in os.environ.items() if not re.match("mocklend_|.*_proxy$", name, re.I)}
    return environment | {"PATH": os.pathsep.join([BESIDE, environment["PATH"]])}


@pytest.fixture(scope="module")
def announced(module_databases: Databases) -> Iterator[str]:
    """What `mocklend serve --host 0.0.0.0` prints."""
    database = module_databases("books")
    command = [sys.executable, "-m", "mocklend", "serve", "--host", "0.0.0.0", "--port", "0", "--database", database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment()) as process:
        assert process.stdout is not None
        watch = threading.Timer(TIMEOUT_S, process.kill)
        watch.start()
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if re.fullmatch(r"  \S*mocklend audit\n", line):
                    break
            yield "".join(lines)
        finally:
            process.kill()
            watch.cancel()


@pytest.fixture(scope="module")
def next_lines(announced: str) -> list[str]:
    """The lines below "Next", as they are typed."""
    return [line.strip() for line in announced.partition("Next, elsewhere:\n")[2].splitlines()]


@pytest.fixture(scope="module")
def terminal(next_lines: list[str]) -> dict[str, str]:
    """The environment of a terminal in which the `export` lines were typed."""
    exports = [line.removeprefix("export ").split("=", 1) for line in next_lines if line.startswith("export ")]
    return clean_environment() | dict(exports)


def typed(line: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line], env=environment, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S
    )


@needs_faults
def test_the_next_commands_work_as_printed(next_lines: list[str], terminal: dict[str, str], tmp_path: Path) -> None:
    commands = [line for line in next_lines if not line.startswith("export ")]
    done = {line.partition(" ")[2]: typed(line, terminal, tmp_path) for line in commands}

    assert len(done) == 4
    for line, result in done.items():
        assert result.returncode == 0, (line, result.stdout, result.stderr)
    curl, listed, on, audit = done.values()
    assert '"reference":"ada"' in curl.stdout
    assert "cache.bounded_stale" in listed.stdout
    assert on.stdout.startswith("armed cache.bounded_stale")
    assert "clean" in audit.stdout.splitlines()[0]


def test_without_what_is_exported_the_same_commands_are_refused(next_lines: list[str], tmp_path: Path) -> None:
    url = next(line for line in next_lines if line.startswith("export MOCKLEND_URL="))

    refused = typed(f"{url}; mocklend audit", clean_environment(), tmp_path)

    assert refused.returncode == 2
    assert "X-Mocklend-Control" in refused.stderr


def test_the_printed_address_can_be_reached_from_other_machines(terminal: dict[str, str]) -> None:
    host = urlsplit(terminal["MOCKLEND_URL"]).hostname

    assert host not in ("0.0.0.0", "127.0.0.1") or not _has_an_address_of_its_own()
    assert requests.get(f"{terminal['MOCKLEND_URL']}/-/health", timeout=10).json()["status"] == "ok"


def _has_an_address_of_its_own() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return False
        return not str(probe.getsockname()[0]).startswith("127.")


def story(terminal: dict[str, str]) -> Client:
    """A client in a sandbox of its own, with all tokens."""
    tokens: dict[str, Any] = {f"{plane}_token": terminal[f"MOCKLEND_{plane.upper()}_TOKEN"] for plane in
              ("control", "operator", "channel", "bureau")}  # fmt: skip
    with Client(terminal["MOCKLEND_URL"], **tokens) as anyone:
        client = anyone.sandbox(seed=7, now="2026-01-05T02:00:00Z")
    ada = client.add_borrower("ada", "Ada")
    loan = client.borrow(ada["id"], 100_000, product_id="jiebei-like")
    client.arm("callback.dropped")
    client.settle(client.repay_quote(client.quote(loan["id"]), "wallet"))
    return client


@pytest.mark.long
@needs_faults
def test_a_reconciler_looks_and_repairs_where_each_plane_asks_for_its_token(
    terminal: dict[str, str], tmp_path: Path
) -> None:
    with story(terminal) as client:
        client.advance("P2D")
        mine = terminal | {"MOCKLEND_API_KEY": client.api_key or ""}

        result = typed("mocklend reconcile --out findings.jsonl && mocklend score findings.jsonl", mine, tmp_path)
        repaired = typed("mocklend reconcile --repair", mine, tmp_path)

        assert result.returncode == 0, (result.stdout, result.stderr)
        assert "missing_in_books on " in result.stdout
        assert repaired.returncode == 0, (repaired.stdout, repaired.stderr)
        assert client.audit()["clean"]
    for plane, option in (("OPERATOR", "--operator-token"), ("CHANNEL", "--channel-token")):
        without = {name: value for name, value in mine.items() if name != f"MOCKLEND_{plane}_TOKEN"}
        refused = typed("mocklend reconcile", without, tmp_path)
        by_option = typed(f"mocklend {option} '{mine[f'MOCKLEND_{plane}_TOKEN']}' reconcile", without, tmp_path)
        assert (refused.returncode, by_option.returncode) == (2, 0), (plane, refused.stderr, by_option.stderr)


def test_webhooks_are_not_sent_to_the_server_itself(terminal: dict[str, str]) -> None:
    with Client(terminal["MOCKLEND_URL"], terminal["MOCKLEND_API_KEY"]) as client:
        for url in ("http://127.0.0.1:9/", "http://[::1]:9/", "http://169.254.169.254/"):
            with pytest.raises(ProblemError, match="address that MOCKLEND_CALLBACK_ALLOW permits"):
                client.add_webhook_endpoint(url)


# --- behind a proxy ---

PREFIX = "/lending/mock"


@pytest.fixture
def proxy(terminal: dict[str, str]) -> Iterator[str]:
    """The address of a reverse proxy that has the platform below a path, and nothing beside it."""

    class Proxy(BaseHTTPRequestHandler):
        def forward(self) -> None:
            if not self.path.startswith(f"{PREFIX}/"):
                return self.send_error(404)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            passed_headers = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")
            }
            url = terminal["MOCKLEND_URL"] + self.path.removeprefix(PREFIX)
            answer = requests.request(
                self.command, url, data=body, headers=passed_headers, timeout=30, allow_redirects=False
            )
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Content-Security-Policy"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_DELETE = forward

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}"
        server.shutdown()


@pytest.mark.parametrize("page", ["/docs", "/docs/problems"])
def test_a_page_and_all_its_parts_are_found_behind_a_prefix(proxy: str, page: str) -> None:
    text = requests.get(proxy + page, timeout=10).text

    parts = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert len(parts) >= 3
    for part in parts:
        url = urljoin(proxy + page, part)
        assert urlsplit(url).netloc == urlsplit(proxy).netloc
        assert requests.get(url, timeout=10).status_code == 200, part


def test_the_page_asks_for_the_api_behind_the_prefix(proxy: str) -> None:
    start = requests.get(f"{proxy}/docs/start.js", timeout=10).text
    address = urljoin(f"{proxy}/docs", re.findall(r'url: "([^"]+)"', start)[0])
    spec = requests.get(address, timeout=10).json()

    # As swagger-ui has it: relative to the document, without the slash at the end.
    server = urljoin(address, spec["servers"][0]["url"]).removesuffix("/")
    assert server == proxy
    assert requests.get(f"{server}/-/health", timeout=10).json()["status"] == "ok"


@needs_faults
def test_the_commands_and_the_client_work_behind_the_prefix(
    proxy: str, terminal: dict[str, str], tmp_path: Path
) -> None:
    with story(terminal | {"MOCKLEND_URL": proxy}) as client:
        mine = terminal | {"MOCKLEND_URL": proxy, "MOCKLEND_API_KEY": client.api_key or ""}

        listed = typed("mocklend faults list", mine, tmp_path)

    assert (listed.returncode, "injected 1" in listed.stdout) == (0, True), (listed.stdout, listed.stderr)

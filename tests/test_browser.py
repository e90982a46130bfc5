"""A page of another origin, in a real Chromium on this machine: it changes nothing and reads nothing.

        hostile page (127.0.0.1, localhost, evil.example) ─▶ fetch, forms, images, frames, beacons, sockets ─▶ the server
                                                          └▶ the same to a server that takes everything: what gets there

The second one shows that the attempts are real: what reaches it would have reached ours.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from mocklend.client import Doc

pytestmark = [pytest.mark.long, pytest.mark.security, pytest.mark.timeout(300)]

TIMEOUT_S = 120
SECRET = "Ada-whom-no-page-may-see"
NAMES = ("127.0.0.1", "localhost", "evil.example")
"""Where the page is from. The last one resolves to this machine, as a name does that was rebound."""

PAGE = """<!doctype html><meta charset="utf-8"><title>hostile</title><body><script>
const targets = TARGETS, read = [], tried = [];
const later = (promise) => Promise.race([promise, new Promise((done) => setTimeout(() => done("late"), 8000))]);
const order = JSON.stringify({reference: "mallory", name: "Mallory"});
const plain = {"Content-Type": "text/plain"}, asJson = {"Content-Type": "application/json"};
const jobs = [];
const attempt = (what, job) => jobs.push((async () => {
  try { const got = await later(job()); if (got && got !== "late") read.push(`${what}: ${got}`); } catch (_) { /* Refused. */ }
  tried.push(what);
})());
const asked = async (url, how) => {
  const answer = await fetch(url, how), text = await answer.text();
  return answer.type === "opaque" && !text ? "" : `${answer.type} ${answer.status} ${text.slice(0, 300)}`;
};
const made = (tag, fields) => new Promise((done) => {
  const one = document.createElement(tag);
  Object.assign(one, fields);
  one.onload = one.onerror = () => {
    let seen = "";
    try { seen = one.contentDocument ? one.contentDocument.body.innerText : ""; } catch (_) { /* Not ours to see. */ }
    done(seen);
  };
  document.body.append(one);
});
const form = (url, enctype, name, value) => new Promise((done) => {
  const frame = document.createElement("iframe"), sent = document.createElement("form"), input = document.createElement("input");
  frame.name = `f${Math.random()}`;
  Object.assign(sent, {action: url, method: "POST", enctype: enctype, target: frame.name});
  Object.assign(input, {name: name, value: value});
  sent.append(input);
  document.body.append(frame, sent);
  frame.onload = () => {
    let seen = "";
    try { seen = frame.contentDocument.body.innerText; } catch (_) { /* Not ours to see. */ }
    if (seen !== "" || frame.contentDocument === null) done(seen);
  };
  sent.submit();
});
for (const at of targets) {
  for (const mode of ["cors", "no-cors"]) {
    for (const path of ["/v1/loans", "/-/answer-key", "/-/requests", "/-/clock", "/openapi.json", "/-/staff-key"])
      attempt(`${mode} GET ${at}${path}`, () => asked(at + path, {mode, credentials: "include"}));
    for (const headers of [plain, asJson, {}]) {
      attempt(`${mode} POST borrower`, () => asked(at + "/v1/borrowers", {mode, method: "POST", headers, body: order}));
      attempt(`${mode} POST reset`, () => asked(at + "/-/reset", {mode, method: "POST", headers}));
      attempt(`${mode} POST halt`, () => asked(at + "/-/rules/halt", {mode, method: "POST", headers}));
      attempt(`${mode} POST advance`, () => asked(at + "/-/clock/advance", {mode, method: "POST", headers, body: '{"by":"P1D"}'}));
      attempt(`${mode} POST sandbox`, () => asked(at + "/-/sandboxes", {mode, method: "POST", headers, body: '{"seed":1}'}));
    }
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"])
      attempt(`${mode} ${method} rule`, () => asked(at + "/-/rules/theirs", {mode, method, headers: asJson, body: "{}"}));
  }
  for (const enctype of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    attempt(`form ${enctype} borrower`, () => form(at + "/v1/borrowers", enctype, '{"reference":"m","name":"M","a":"', '"}'));
    attempt(`form ${enctype} reset`, () => form(at + "/-/reset", enctype, "{", "}"));
  }
  for (const path of ["/v1/loans", "/-/answer-key", "/-/requests"]) {
    for (const tag of ["img", "script", "iframe"]) attempt(`${tag} ${path}`, () => made(tag, {src: at + path}));
    attempt(`object ${path}`, () => made("object", {data: at + path}));
    attempt(`style ${path}`, () => made("link", {rel: "stylesheet", href: at + path}));
    attempt(`events ${path}`, () => new Promise((done, no) => {
      const events = new EventSource(at + path);
      events.onmessage = (event) => done(event.data);
      events.onerror = () => { events.close(); no(); };
    }));
    attempt(`popup ${path}`, () => new Promise((done) => {
      const popup = window.open(at + path);
      setTimeout(() => {
        let seen = "";
        try { seen = popup.document.body.innerText; } catch (_) { /* Not ours to see. */ }
        done(seen);
      }, 2000);
    }));
  }
  attempt("socket", () => new Promise((done, no) => {
    const socket = new WebSocket(at.replace("http", "ws") + "/v1/loans");
    socket.onopen = () => done("open");
    socket.onmessage = (event) => done(event.data);
    socket.onerror = () => no();
  }));
  for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
    navigator.sendBeacon(at + "/v1/borrowers", new Blob([order], {type}));
    navigator.sendBeacon(at + "/-/reset", new Blob([""], {type}));
  }
}
Promise.all(jobs).then(async () => {
  for (const one of performance.getEntriesByType("resource"))
    if (targets.some((at) => one.name.startsWith(at)) && one.encodedBodySize) read.push(`size of ${one.name}: ${one.encodedBodySize}`);
  await fetch("/told", {method: "POST", body: JSON.stringify({read, tried})});
});
</script>"""


class Place:
    """A server of the test's own: it serves the page, hears what the page tells, and notes all that it is asked."""

    def __init__(self) -> None:
        self.page = ""
        self.told: dict[str, Any] = {}
        self.over = threading.Event()
        self.asked: list[tuple[str, str]] = []
        place = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                place.asked.append((self.command, self.path))
                if (self.command, self.path) == ("POST", "/told"):
                    place.told = json.loads(body)
                    place.over.set()
                content = place.page.encode() if self.path == "/" else b"{}"
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8" if self.path == "/" else "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _any

            def log_message(self, *_: Any) -> None:
                """Nothing is said."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def place() -> Iterator[Place]:
    foreign_place = Place()
    yield foreign_place
    foreign_place.server.shutdown()
    foreign_place.server.server_close()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Its program. Without one these tests are skipped, but never in CI."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium: scripts/chromium installs Debian's")
        pytest.skip("there is no Chromium: scripts/chromium installs Debian's")
    return binary


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return tmp_path / "mocklend.db"


@pytest.fixture
def url(books: Path) -> Iterator[str]:
    """The server, with somebody in its sandbox `default`, whose clock stands."""
    command = [sys.executable, "-m", "mocklend", "serve", "--port", "0", "--json", "--database", str(books)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            assert requests.put(f"{url}/-/clock", json={"mode": "manual"}, timeout=30).ok
            ada = {"reference": SECRET, "name": SECRET}
            assert requests.post(f"{url}/v1/borrowers", json=ada, timeout=30).status_code == 201
            assert requests.put(f"{url}/-/rules/theirs", json={"fault": "callback.dropped"}, timeout=30).ok
            yield url
        finally:
            process.terminate()
            process.wait(60)


def everything(url: str, books: Path) -> tuple[dict[str, list[str]], Doc]:
    """All rows, and all requests on record: not even a refused one of a page may be there."""
    with closing(sqlite3.connect(f"file:{books}?mode=ro", uri=True)) as database:
        names = [
            row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        rows = {name: sorted(map(str, database.execute(f"SELECT * FROM {name}"))) for name in names}
    for own in ("real_time", "sandbox_uses"):  # The platform's pulse, and the minute in which the test itself asked.
        rows.pop(own, None)
    return rows, requests.get(f"{url}/-/requests", timeout=30).json()


def browse(chromium: str, folder: Path, *arguments: str) -> list[str]:
    """The command for a browser that nobody sees, as new as after its installation."""
    return [
        chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-popup-blocking", "--disable-background-networking", "--disable-component-update",
        "--host-resolver-rules=MAP evil.example 127.0.0.1", f"--user-data-dir={folder}", *arguments,
    ]  # fmt: skip


def visit(chromium: str, folder: Path, place: Place, name: str, targets: list[str]) -> Doc:
    """Open the page from a host of that name, with those servers as its targets; what it has read."""
    place.page = PAGE.replace("TARGETS", json.dumps(targets))
    place.over.clear()
    address = f"http://{name}:{place.port}/"
    with subprocess.Popen(
        browse(chromium, folder, address), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as browser:
        try:
            assert place.over.wait(TIMEOUT_S), "the page did not come to its end"
        finally:
            browser.terminate()
            try:
                browser.wait(20)
            except subprocess.TimeoutExpired:
                browser.kill()
    return place.told


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_another_origin_changes_nothing_and_reads_nothing(
    chromium: str, place: Place, url: str, books: Path, tmp_path: Path, name: str
) -> None:
    before = everything(url, books)
    targets = [url, url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "evil.example")]

    report = visit(chromium, tmp_path / "profile", place, name, targets)

    assert len(report["tried"]) > 200
    assert report["read"] == []
    assert everything(url, books) == before


def test_the_attempts_of_the_page_do_reach_a_server_that_takes_everything(
    chromium: str, place: Place, tmp_path: Path
) -> None:
    victim = Place()

    visit(chromium, tmp_path / "profile", place, "localhost", [f"http://127.0.0.1:{victim.port}"])

    victim.server.shutdown()
    victim.server.server_close()
    paths = set(victim.asked)
    assert {
        ("POST", "/v1/borrowers"),
        ("POST", "/-/reset"),
        ("POST", "/-/clock/advance"),
        ("GET", "/-/answer-key"),
    } <= paths
    assert ("OPTIONS", "/-/rules/theirs") in paths
    assert victim.asked.count(("POST", "/v1/borrowers")) >= 6  # By fetch, by forms and by beacons.
    assert victim.asked.count(("GET", "/v1/loans")) >= 6  # By fetch, pictures, scripts, frames, events and pop-ups.


@pytest.mark.parametrize("path", ["/v1/loans", "/-/requests", "/docs", "/openapi.json"])
def test_a_rebound_host_name_is_refused(chromium: str, url: str, tmp_path: Path, path: str) -> None:
    rebound = url.replace("127.0.0.1", "evil.example") + path
    assert requests.get(url + path, headers={"Host": "evil.example"}, timeout=30).status_code == 421

    done = subprocess.run(
        browse(chromium, tmp_path / "profile", "--dump-dom", rebound),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )

    assert "host_not_allowed" in done.stdout
    assert SECRET not in done.stdout


def test_a_page_of_the_server_itself_is_answered(chromium: str, url: str, tmp_path: Path) -> None:
    page = browse(chromium, tmp_path / "profile", "--virtual-time-budget=20000", "--dump-dom", f"{url}/docs")

    done = subprocess.run(page, capture_output=True, text=True, timeout=TIMEOUT_S)

    assert "/v1/borrowers" in done.stdout  # Drawn by the page's script, from what it has read.

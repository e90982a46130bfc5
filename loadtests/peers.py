"""Other mock servers, each started on the server's core and loaded as the platform is.

They are installed into a folder of the user's cache at the first use, from npm and PyPI, in the versions named here:
none of them is a part of the project. They keep no ledger: what they read and write is as close to a status query and a
repayment as they come. A write of a peer is durable if it reaches a file before its answer; none of them calls fsync.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request

import wrk
from server import on_core, until_2xx
from tool import NotRun, say

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mocklend" / "peers"
NPM = ("wiremock@3.13.2", "mountebank@2.9.1", "json-server@0.17.4")
PYPI = ("moto[server]==5.2.5", "localstripe==1.15.10")
PORT, SECOND_PORT = 18_331, 18_332
UP_WITHIN_S = 60.0
LOAN = {"id": "1", "status": "USING", "figures": {f"field_{n}": n * 1_000 for n in range(25)}}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to a peer; with a body it is a write."""

    path: str
    port: int = PORT
    method: str = "GET"
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] | None = None

    def request(self) -> Request:
        """The request itself."""
        body = None if self.body is None else json.dumps(self.body).encode()
        headers = {**(JSON if body else {}), **(self.headers or {})}
        return Request(f"http://127.0.0.1:{self.port}{self.path}", data=body, headers=headers, method=self.method)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another mock server: how it is started, made ready, read and written.

    In a command `{npm}`, `{py}` and `{folder}` stand for the installed packages and an empty folder of its own.
    """

    name: str
    command: Sequence[str]
    files: Mapping[str, str]
    prepare: Sequence[Ask]
    read: Ask
    write: Ask
    durable: bool
    """Whether a write is in a file before it is answered."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the peer, ready to be loaded."""
        with tempfile.TemporaryDirectory(prefix="mocklend-peer-") as folder:
            for name, text in self.files.items():
                (Path(folder) / name).write_text(text)
            places = {"npm": CACHE / "npm" / "node_modules", "py": CACHE / "py" / "bin", "folder": folder}
            command = [*on_core(wrk.SERVER_CORE), *(part.format(**places) for part in self.command)]
            with (Path(folder) / "log").open("wb") as log:
                process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
            try:
                for ask in (*self.prepare, self.read):
                    until_2xx(ask.request(), self.name, within_s=UP_WITHIN_S)
                yield
            finally:
                process.kill()
                process.wait()

    def load(self, ask: Ask, connections: int, seconds: float) -> wrk.Load:
        """One load of the peer, which is running."""
        return wrk.load(
            f"http://127.0.0.1:{ask.port}", [ask.path], connections=connections, seconds=seconds, method=ask.method,
            body=ask.body, headers=ask.headers,
        )  # fmt: skip


def install() -> None:
    """Install all peers into the cache, unless they are there. Raises NotRun if that fails."""
    wanted = "\n".join([*NPM, *PYPI])
    marker = CACHE / "installed"
    if marker.exists() and marker.read_text() == wanted:
        return
    for program in ("npm", "node", "java"):
        if shutil.which(program) is None:
            raise NotRun(f"{program} is not installed; on Debian: apt-get install npm default-jre-headless")
    shutil.rmtree(CACHE, ignore_errors=True)
    (CACHE / "npm").mkdir(parents=True)
    say(f"installing {len(NPM) + len(PYPI)} peers into {CACHE}")
    _run("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(CACHE / "npm"), *NPM)
    _run(sys.executable, "-m", "venv", str(CACHE / "py"))
    _run(str(CACHE / "py" / "bin" / "python"), "-m", "pip", "install", "--quiet", *PYPI)
    marker.write_text(wanted)


def _run(*command: str) -> None:
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise NotRun(f"{command[0]} could not install the peers: {ran.stderr.strip()[-300:]}")


STRIPE = {"Authorization": "Basic c2tfdGVzdF8xMjM0NTo="}
IMPOSTER = {
    "port": SECOND_PORT,
    "protocol": "http",
    "recordRequests": True,
    "stubs": [{"responses": [{"is": {"statusCode": 200, "headers": JSON, "body": LOAN}}]}],
}
STUBS = tuple(
    {"request": {"method": method, "urlPath": path}, "response": {"status": 200, "headers": JSON, "jsonBody": LOAN}}
    for method, path in (("GET", "/loans/1"), ("POST", "/repayments"))
)
PRODUCT = {"id": "loan", "name": "loan", "type": "service"}
ORDER = {"amount_minor": 1_000, "channel": "bank_transfer", "type": "OVD_AND_CURRENT"}

PEERS: Sequence[Peer] = (
    Peer(
        "WireMock",
        ("java", "-jar", "{npm}/wiremock/build/wiremock-standalone-3.13.2.jar", "--port", str(PORT),
         "--disable-banner", "--bind-address", "127.0.0.1"),
        files={},
        prepare=[Ask("/__admin/mappings", method="POST", body=stub) for stub in STUBS],
        read=Ask("/loans/1"),
        write=Ask("/repayments", method="POST", body=ORDER),
        durable=False,
    ),
    Peer(
        "mountebank",
        ("node", "{npm}/mountebank/bin/mb", "--port", str(PORT), "--nologfile", "--loglevel", "error", "--localOnly"),
        files={},
        prepare=[Ask("/imposters", method="POST", body=IMPOSTER)],
        read=Ask("/loans/1", port=SECOND_PORT),
        write=Ask("/repayments", port=SECOND_PORT, method="POST", body=ORDER),
        durable=False,
    ),
    Peer(
        "json-server",
        ("node", "{npm}/.bin/json-server", "--quiet", "--host", "127.0.0.1", "--port", str(PORT), "db.json"),
        files={"db.json": '{"loans": [{"id": 1, "status": "USING"}], "repayments": []}'},
        prepare=[],
        read=Ask("/loans/1"),
        write=Ask("/repayments", method="POST", body=ORDER),
        durable=True,
    ),
    Peer(
        "moto",
        ("{py}/moto_server", "-H", "127.0.0.1", "-p", str(PORT)),
        files={},
        prepare=[
            Ask("/bench", method="PUT"),
            Ask("/bench/loan", method="PUT", body=LOAN, headers={"x-amz-acl": "public-read"}),
        ],
        read=Ask("/bench/loan"),
        write=Ask("/bench/repayment", method="PUT", body=ORDER, headers={"x-amz-acl": "public-read"}),
        durable=False,
    ),
    Peer(
        "localstripe",
        ("{py}/localstripe", "--port", str(PORT), "--from-scratch"),
        files={},
        prepare=[Ask("/v1/products", method="POST", body=PRODUCT, headers=STRIPE)],
        read=Ask("/v1/products/loan", headers=STRIPE),
        write=Ask("/v1/customers", method="POST", body={"description": "ada"}, headers=STRIPE),
        durable=True,
    ),
)  # fmt: skip

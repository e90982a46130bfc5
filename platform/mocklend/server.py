"""Serves a platform over HTTP: it answers health once the database is open, and everything else once the app is built.

        settings ─▶ database open ─▶ listening, health answered ─▶ "is up" ─▶ platform and app ─▶ every request
                                                                       other requests wait ───────┘

What decides commands, the fault layer, the web framework and the endpoints are two thirds of a start. Nothing here
imports them before.
"""

from __future__ import annotations

import gc
import http.client
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from mocklend.access_log import AccessLog
from mocklend.config import Settings, address_of
from mocklend.domain.problems import Refused
from mocklend.door import Door, WsgiApp
from mocklend.exit_codes import ExitCode
from mocklend.hosts import HostPolicy
from mocklend.logs import adopt_libraries, conceal, get_logger
from mocklend.plugins import installed
from mocklend.pulse import HealthDoc, Pulse
from mocklend.serving import Parent, run
from mocklend.storage.engines import ground_of, open_engine, reading, writing
from mocklend.storage.opening import CannotOpen, refuse_sqlite
from mocklend.storage.redis_link import open_link
from mocklend.supervisor import READY, command_for, ignore_the_terminal, listen, supervise
from mocklend.workers import yield_slot

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from mocklend.runtime import Platform
    from mocklend.scheduling.jobs import SteadyScheduler

SWITCH_S = 0.0005
"""Python's thread switch interval, instead of 5 ms: an answer needs the interpreter lock several times."""
ASKS_HEALTH = ("GET", "/-/health", "")
"""Method, path and query of a request for the server's health."""
REQUEST_ID = "Mocklend-Request-Id"

StartResponse = Callable[[str, list[tuple[str, str]]], object]

log = get_logger()


class LateApp:
    """The app, built at its first request, or by `built`. Until then it answers health by itself. Thread-safe."""

    def __init__(self, build: Callable[[], WsgiApp], health: Callable[[], HealthDoc]) -> None:
        self._build: Callable[[], WsgiApp] | None = build
        self._health = health
        self._app: WsgiApp | None = None
        self._building = threading.Lock()

    def __call__(self, environ: dict[str, object], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        app = self._app
        if app is None:
            try:
                if (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ASKS_HEALTH:
                    return _answer(start_response, 200, "application/json", self._health())
                app = self.built()
            except Refused as refused:
                return _answer(start_response, refused.problem.status, "application/problem+json", refused.to_json())
        return app(environ, start_response)

    def built(self) -> WsgiApp:
        """Return the app, after building it if nobody has. Raises Refused `server_stopping` after `stop`."""
        with yield_slot(), self._building:
            if self._app is None:
                if self._build is None:
                    raise Refused("server_stopping", "the server is stopping")
                self._app = self._build()
            return self._app

    def stop(self) -> None:
        """Wait until it is built if somebody builds it, and let nobody begin to."""
        with self._building:
            self._build = None


def _answer(start_response: StartResponse, status: int, content_type: str, document: object) -> Iterable[bytes]:
    body = orjson.dumps(document)
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    headers.append((REQUEST_ID, f"req_{secrets.token_hex(10)}"))
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return (body,)


class EarlyHealth:
    """The health of a server that has opened its database, and nothing else."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pulse = Pulse(self._look, ground_of(engine))

    def __call__(self) -> HealthDoc:
        """Check that the database can be read and written. Raises Refused."""
        return self._pulse.health(self._engine.dialect.name, layer=any(installed("mocklend.layer")))

    def _look(self) -> None:
        with reading(self._engine) as connection:
            connection.exec_driver_sql("SELECT 1")
        with writing(self._engine):
            pass

    def close(self) -> None:
        """Stop checking."""
        self._pulse.close()


def opened(settings: Settings, engine: Engine | None = None) -> Platform:
    """Open the settings' platform, as `runtime.open_platform` does, with its sandbox `default`. Raises Refused, too."""
    from mocklend.runtime import open_platform

    platform = open_platform(settings, engine)
    try:
        platform.ensure_default(settings.default_seed)
    except BaseException:
        platform.close()
        raise
    return platform


def give_default_key(settings: Settings, platform: Platform) -> None:
    """Let the key of the settings open the sandbox `default`. Raises Refused if it opens another one."""
    from mocklend.sandboxes.lifecycle import DEFAULT

    platform.give_key(DEFAULT, settings.default_key)


def serve(settings: Settings, ready: Callable[[Settings, str], None] | None = None) -> None:
    """Serve until a signal is received; requests in progress are answered first (see `serving`).

    `ready` is called once the server answers, with the settings as resolved (port 0 replaced by the real port) and the
    API key of the sandbox `default`, which is needed if the server is not on loopback. Raises CannotOpen, OSError.
    """
    adopt_libraries()
    _conceal_secrets(settings)
    # The server takes addresses only, and whether it is on loopback depends on the address, not on the host's name.
    settings = settings.model_copy(update={"host": address_of(settings.host)})
    if not settings.ticker:
        refuse_sqlite(settings.database, "without a ticker its clocks never run", "Leave --no-ticker out")
    if settings.redis_url:
        open_link(settings.database, settings.redis_url).close()
    if settings.workers > 1:
        _serve_with_several(settings, ready)
        return
    settings = settings.model_copy(update={"port": settings.port or _free_port(settings.host)})
    refuse_taken(settings)

    def announce(_health: object) -> None:
        if ready is not None:
            _when_ready(settings, lambda: ready(settings, settings.default_key))

    _serve_alone(settings, announce, parent=None)


def _conceal_secrets(settings: Settings) -> None:
    conceal(getattr(settings, f"{plane}_token") for plane in ("control", "operator", "channel", "bureau"))
    conceal([settings.default_key])
    conceal([urlsplit(settings.redis_url).password or ""])


@contextmanager
def without_gc() -> Iterator[None]:
    """A block, or a function, in which no garbage is collected: while modules are imported, little of it is any."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@without_gc()
def _serve_alone(settings: Settings, ready: Callable[[Callable[[], object]], None], *, parent: Parent | None) -> None:
    """Serve in this process. `ready` is called with the check of health, in a thread, once connections are accepted.

    One of several processes builds its app first, since its parent announces it only when all of it is ready.
    """
    access = AccessLog(settings.access_log) if settings.access_log else None
    engine = open_engine(
        settings.database,
        fast=settings.durability == "fast",
        alone=parent is None,
        statement_wait_s=settings.statement_timeout_s,
    )
    health = EarlyHealth(engine)
    platforms: list[Platform] = []
    tickers: list[SteadyScheduler] = []
    failures: list[BaseException] = []

    def build() -> WsgiApp:
        from mocklend.api.hot import HotPaths
        from mocklend.app import create_app
        from mocklend.scheduling.jobs import start_jobs
        from mocklend.scheduling.processes import SERVER

        platform = opened(settings, engine)
        platforms.append(platform)
        if parent is None:
            give_default_key(settings, platform)
        flask = create_app(settings, platform)
        processes = platform.join(SERVER, runs_clocks=settings.ticker)
        tickers.append(start_jobs(platform.run_clocks, None if processes is None else processes.beat))
        door.hot = HotPaths(flask, platform, on_loopback=settings.on_loopback)
        # Objects created so far stay: a full collection that need not visit them takes 3 ms instead of 90.
        gc.freeze()
        gc.enable()
        return flask.wsgi_app

    def build_or_end() -> WsgiApp:
        try:
            return build()
        except BaseException as failure:  # Such as a key that opens another sandbox, or a kind that is not valid.
            failures.append(failure)
            signal.raise_signal(signal.SIGTERM)
            raise Refused("server_stopping", "the server could not start") from None

    app = LateApp(build_or_end if parent is None else build, health)
    hosts = HostPolicy(on_loopback=settings.on_loopback, allowed=settings.allowed_hosts_listed)
    door = Door(app, hosts=hosts, port=settings.port, access=access, streams_max=settings.live_streams)

    def ready_then_built() -> None:
        ready(health)
        with suppress(Refused):
            app.built()

    def stop_clocks() -> None:
        for platform in platforms:
            platform.stop_clocks()

    def close() -> None:
        app.stop()
        for ticker in tickers:
            ticker.shutdown()
        for platform in platforms:
            platform.close()
        health.close()
        engine.dispose()
        if access is not None:
            access.close()

    sys.setswitchinterval(SWITCH_S)
    if parent is not None:
        try:
            app.built()
        except BaseException:
            close()
            raise
    run(
        door,
        host=settings.host,
        port=settings.port,
        ready=ready_then_built,
        stopping=stop_clocks,
        close=close,
        parent=parent,
    )
    if failures:
        raise failures[0]


def _serve_with_several(settings: Settings, ready: Callable[[Settings, str], None] | None) -> None:
    """Serve with several processes (see `supervisor`): this one only starts and watches them."""
    refuse_sqlite(settings.database, f"{settings.workers} processes cannot serve it", "Leave --workers out")
    with listen(settings.host, settings.port) as listening:
        settings = settings.model_copy(update={"port": listening.getsockname()[1]})
        if settings.access_log:
            AccessLog(settings.access_log).close()  # Now, so that a file that cannot be written is reported here.
        platform = opened(settings)
        try:
            give_default_key(settings, platform)
        finally:
            platform.close()

        def announce() -> None:
            if ready is not None:
                _when_ready(settings, lambda: ready(settings, settings.default_key))

        command = command_for("mocklend.server:serve_part")
        supervise(command, settings.model_dump_json().encode(), listening, settings.workers, announce)


def serve_part(listens_at: int) -> None:
    """Serve as one of several processes. The parent started it with the listening socket; see `supervisor`."""
    ignore_the_terminal()
    says_ready, from_parent = os.dup(1), sys.stdin.fileno()
    os.dup2(2, 1)  # Whatever else is printed is not for the parent.
    settings = Settings(**json.loads(sys.stdin.buffer.readline()))
    adopt_libraries()
    _conceal_secrets(settings)

    def report(health: Callable[[], object]) -> None:
        while not _is_healthy(health):
            time.sleep(0.02)
        os.write(says_ready, READY)
        os.close(says_ready)

    try:
        _serve_alone(settings, report, parent=Parent(listens_at, from_parent))
    except CannotOpen as reason:
        log.error("a process of the server cannot start", why=reason.message)
        raise SystemExit(ExitCode.WRONG_USE) from None


def _is_healthy(health: Callable[[], object]) -> bool:
    try:
        health()
    except Refused:
        return False
    return True


def refuse_taken(settings: Settings) -> None:
    """Raises OSError if another process listens on the port: the server itself would share the port with it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((settings.host, settings.port))


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _when_ready(settings: Settings, ready: Callable[[], None]) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    while True:
        try:
            connection = http.client.HTTPConnection(host, settings.port, timeout=5)
            connection.request("GET", "/-/health")
            if connection.getresponse().status == 200:
                return ready()
        except OSError:
            time.sleep(0.02)

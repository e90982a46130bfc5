"""A Redis for as long as a test needs one: a real `redis-server`, or one of fakeredis, on a port of loopback.

Both are asked over TCP by the same driver. A real one can also be killed, stopped, and started again with what it saved.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import redis
from fakeredis import TcpFakeServer
from fakeredis._commands import command
from fakeredis._socket import FakeSocket

FAKE, REAL = "fakeredis", "redis-server"


class NotHere(Exception):
    """There is no Redis to start, and why."""


RUN_IDS: WeakKeyDictionary[object, str] = WeakKeyDictionary()


def info(self: FakeSocket, *_sections: bytes) -> bytes:
    """The reply to INFO, which fakeredis does not know: a server's run_id."""
    run_id = RUN_IDS.setdefault(self._server, uuid.uuid4().hex)
    return f"# Server\r\nrun_id:{run_id}\r\n".encode()


def teach_info() -> None:
    """Let fakeredis know INFO."""
    command((), (bytes,), name="info")(info)
    FakeSocket.info = info  # type: ignore[attr-defined]


class Fake:
    """A Redis of fakeredis."""

    def __init__(self) -> None:
        teach_info()
        self._server = TcpFakeServer(("127.0.0.1", 0))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://127.0.0.1:{self._server.server_address[1]}/0"

    def client(self) -> redis.Redis:
        """A client."""
        return redis.Redis.from_url(self.url)

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Real:
    """A `redis-server` in a folder of its own. It saves nothing by itself."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which(REAL)
        if program is None:
            raise NotHere("redis-server is not installed (scripts/redis installs it)")
        self._program, self._folder, self._port = program, folder, _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Its URL, the same after another start."""
        return f"redis://127.0.0.1:{self._port}/0"

    def client(self) -> redis.Redis:
        """A client."""
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Start it, with what it saved. Returns once it answers."""
        self._process = subprocess.Popen(
            [self._program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = 400
        while not _answers(self.client()):
            until -= 1
            assert self._process.poll() is None
            assert until, "redis-server does not answer"
            threading.Event().wait(0.02)

    def kill(self) -> None:
        """Kill it: what it did not save is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Let it stand still: connections are accepted by the system, and nothing is answered."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on with what was sent to it meanwhile."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def fake() -> Iterator[Fake]:
    """A Redis of fakeredis."""
    server = Fake()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def real() -> Iterator[Real]:
    """A `redis-server`. Raises NotHere where there is none."""
    with tempfile.TemporaryDirectory(prefix="mocklend-redis-") as folder:
        server = Real(Path(folder))
        try:
            yield server
        finally:
            server.kill()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

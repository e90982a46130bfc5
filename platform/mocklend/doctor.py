"""Would `serve` start on this machine, and with what? Each check says what it saw."""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

PARTS = ("flask", "apiflask", "pydantic", "sqlalchemy", "granian", "waitress", "requests")

Check = tuple[bool, str]
"""Whether all is well, and what was seen."""


def examine(*, host: str, port: int, database: str) -> list[dict[str, Any]]:
    """All checks, in the order in which starting would meet them: with the settings that `serve` would start with."""
    checks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("python", python),
        ("versions", versions),
        ("settings", lambda: settings(host, port, database)),
        ("database", lambda: writable(database)),
        ("port", lambda: free(host, port)),
        ("fault layer", layer),
        ("faults", kinds),
    )
    found = []
    for name, look in checks:
        ok, detail = look()
        found.append({"name": name, "ok": ok, "detail": detail})
    return found


def python() -> Check:
    """The interpreter."""
    return sys.version_info >= (
        3,
        11,
    ), f"{platform.python_implementation()} {platform.python_version()}, 3.11 needed"


def versions() -> Check:
    """Our own version, and those of the parts."""
    from mocklend import __version__

    found, missing = [f"mocklend {__version__}"], []
    for part in PARTS:
        try:
            found.append(f"{part} {version(part)}")
        except PackageNotFoundError:
            missing.append(part)
    said = ", ".join(found)
    return not missing, said + (f"; missing: {', '.join(missing)}" if missing else "")


def settings(host: str, port: int, database: str) -> Check:
    """The flags and the MOCKLEND_ variables, tokens and all."""
    from pydantic import ValidationError

    from mocklend.config import Settings, wrong_settings

    try:
        Settings(host=host, port=port, database=database)
    except ValidationError as wrong:
        return False, wrong_settings(wrong)
    return True, "flags and MOCKLEND_ variables can be used"


def writable(database: str) -> Check:
    """The database takes a write. Nothing is left behind."""
    from mocklend.storage.opening import CannotOpen, look_at, shown
    from mocklend.storage.opening import database as as_url

    try:
        url = as_url(database)
        look_at(url, to_write=True)
    except CannotOpen as reason:
        return False, f"{reason.said} {reason.remedy}"
    engine = url.get_backend_name()
    if engine == "sqlite" and not Path(url.database or "").exists():
        return True, f"{shown(url)} will be made ({engine})"
    return True, f"{shown(url)} takes writes ({engine})"


def free(host: str, port: int) -> Check:
    """Nobody else listens there."""
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
    """The fault layer, found as the platform finds it. Having none is no failure: the platform is honest."""
    found = list(entry_points(group="mocklend.layer"))
    if not found:
        return True, "none installed: the platform is honest"
    try:
        found[0].load()
    except ImportError as failure:
        return False, f"{found[0].value} does not load: {failure}"
    return True, found[0].value


def kinds() -> Check:
    """The kinds of fault that are installed."""
    names = sorted(entry.name for entry in entry_points(group="mocklend.faults"))
    return True, f"{len(names)}: {', '.join(names)}" if names else "none installed"

"""Would `serve` start on this machine, and with what? Each check says what it saw."""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

PARTS = ("flask", "apiflask", "pydantic", "sqlalchemy", "granian", "waitress", "apscheduler", "requests")

Check = tuple[bool, str]
"""Whether all is well, and what was seen."""


def examine(*, database: str, port: int) -> list[dict[str, Any]]:
    """All checks, in the order in which starting would meet them."""
    checks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("python", python),
        ("versions", versions),
        ("database", lambda: writable(database)),
        ("port", lambda: free(port)),
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


def writable(database: str) -> Check:
    """The database takes a write. Nothing is left behind."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    if "://" not in database and not Path(database).exists():
        folder = Path(database).absolute().parent
        return _folder(folder, database)
    url = database if "://" in database else f"sqlite:///{Path(database).absolute()}"
    try:
        engine = create_engine(url)
    except (SQLAlchemyError, ModuleNotFoundError) as failure:
        return False, f"{type(failure).__name__}: {failure}"
    try:
        with engine.connect() as connection:
            connection.execute(text("CREATE TEMPORARY TABLE mocklend_doctor (id INTEGER)"))
            if engine.dialect.name == "sqlite":
                # A temporary table lives elsewhere: the write lock shows that the file itself can be written.
                connection.rollback()
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.rollback()
    except SQLAlchemyError as failure:
        return False, f"{engine.url.render_as_string()}: {str(failure).splitlines()[0]}"
    finally:
        engine.dispose()
    return True, f"{engine.url.render_as_string()} takes writes ({engine.dialect.name})"


def _folder(folder: Path, database: str) -> Check:
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            return True, f"{database} will be made (sqlite)"
    except OSError as failure:
        return False, f"{database} cannot be made: {failure.strerror}"


def free(port: int) -> Check:
    """Nobody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as failure:
            return False, f"{port} on 127.0.0.1: {failure.strerror}; give `serve` another with --port"
    return True, f"{port} on 127.0.0.1 is free"


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

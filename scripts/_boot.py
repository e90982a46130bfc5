"""Gives every script the environment it needs, from a bare Python and its pip.

The first run makes `.venv`, filled from `requirements.lock` with every hash checked, and installs this
checkout in it; later runs find two markers in place and cost a few milliseconds. A marker is written last and
says what the environment was made from, so a run that was cut short, a new lock, another Python and a moved
folder all lead to the same place: it is made anew. Standard library only: nothing else is there yet.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
PASS, FAIL, WRONG_USE = 0, 1, 2
"""As in `mocklend.exit_codes`, which cannot be imported before there is an environment."""


def prepare() -> None:
    """Make the environment, unless it is there. Two at once is fine: the second waits, then finds it done."""
    _demand(os.name == "posix", "the scripts run on Linux and macOS; on Windows, use WSL")
    _demand(
        sys.version_info >= (3, 11),
        f"Python 3.11 or newer is needed, and this is {sys.version.split()[0]} ({sys.executable}). "
        f"Name a newer one: python3.11 {sys.argv[0]} …",
    )
    wanted = _wanted()
    if _found() == wanted:
        return
    import fcntl

    with LOCK.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another run is setting up; waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        try:
            if _found()[0] != wanted[0]:
                _install_the_lock(wanted[0])
            if _found()[1] != wanted[1]:
                _install_the_project(wanted[1])
        except KeyboardInterrupt:
            _stop("interrupted; the next run starts the set-up again")


def become(*command: str, at_root: bool = True) -> None:
    """Turn this process into `python -m command` with the arguments of the script; never returns.

    A command that ends in `.py` is a file of this checkout. `at_root=False` stays in the caller's folder, for
    commands that take paths from the caller.
    """
    prepare()
    _keep_what_is_compiled()
    if at_root:
        os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(PYTHON, _line(command, sys.argv[1:]))


def each(**commands: Sequence[str]) -> None:
    """Run all commands, or those that the script's arguments name; leave with FAIL if any of them failed."""
    chosen = sys.argv[1:] or list(commands)
    unknown = [name for name in chosen if name not in commands]
    _demand(not unknown, f"unknown: {', '.join(unknown)}; known: {', '.join(commands)}")
    prepare()
    import subprocess

    failed = []
    for name in chosen:
        print(f"== {name}", flush=True)
        if subprocess.run(_line(commands[name], []), cwd=ROOT).returncode:
            failed.append(name)
    print(f"== failed: {', '.join(failed)}" if failed else "== all is well", flush=True)
    sys.exit(FAIL if failed else PASS)


def _keep_what_is_compiled() -> None:
    """Where no bytecode is to be written among the sources, it is kept in `.venv`: else each process compiles anew.

    That is the tests and pytest's own plug-ins in each of its workers, and the platform in each command they start.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "pycache"))


def _line(command: Sequence[str], arguments: Sequence[str]) -> list[str]:
    if command[0].endswith(".py"):
        what = [str(ROOT / command[0])]
    elif "-" in command[0]:
        what = [str(PYTHON.parent / command[0])]  # No module's name, so a tool's own script.
    else:
        what = ["-P", "-m", command[0]]  # -P keeps the folder we happen to stand in off the import path.
    return [str(PYTHON), *what, *command[1:], *arguments]


def _wanted() -> tuple[str, str]:
    """Return what the two markers must say: one for the dependencies, one for this project's own metadata."""
    place = f"{sys.version} {sys.base_prefix} {ROOT}".encode()
    lock = hashlib.sha256(place + LOCK.read_bytes()).hexdigest()
    return lock, hashlib.sha256(lock.encode() + PROJECT.read_bytes()).hexdigest()


def _found() -> tuple[str, str]:
    return _read(VENV / "lock.sha256"), _read(VENV / "project.sha256")


def _read(marker: Path) -> str:
    try:
        return marker.read_text()
    except OSError:
        return ""


def _install_the_lock(marker: str) -> None:
    import importlib.util
    import venv

    count = sum(1 for line in LOCK.read_text().splitlines() if "==" in line and not line.startswith("#"))
    _say(f"setting up .venv with {count} packages, each checked against its hash: once, about a minute …")
    # Our own pip can fill it, so it needs none: ensurepip costs seconds, and some systems do not ship it.
    bring_pip = importlib.util.find_spec("pip") is None
    try:
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=bring_pip).create(VENV)
    except Exception as error:
        _stop(f"could not make {VENV}: {error}. If it lacks ensurepip, install pip for this Python.")
    _pip("--no-deps", "--require-hashes", "--only-binary=:all:", "--requirement", str(LOCK))
    (VENV / "lock.sha256").write_text(marker)


def _install_the_project(marker: str) -> None:
    _say("installing mocklend itself, editable …")
    _pip("--no-deps", "--no-index", "--no-build-isolation", "--force-reinstall", "--editable", str(ROOT))
    (VENV / "project.sha256").write_text(marker)


def _pip(*arguments: str) -> None:
    import importlib.util
    import subprocess

    if importlib.util.find_spec("pip") is None:
        pip = [str(PYTHON), "-m", "pip"]
    else:
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    quiet = ["--quiet", "--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    if os.geteuid() == 0:
        quiet.append("--root-user-action=ignore")
    # What pip says belongs to the log, not to the output of a command that was asked for JSON.
    done = subprocess.run([*pip, "install", *quiet, *arguments], stdout=sys.stderr, cwd=ROOT)
    _demand(
        done.returncode == 0,
        "pip could not install; its own words are above. It needs the network, or a mirror that it knows of "
        "(`pip config list` shows what it uses). Nothing is half done: run this again when it is there.",
    )


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        _stop(otherwise)


def _stop(why: str) -> None:
    _say(why)
    sys.exit(WRONG_USE)


def _say(words: str) -> None:
    print(f"mocklend: {words}", file=sys.stderr, flush=True)

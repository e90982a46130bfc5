"""Makes the environment that every script needs, with nothing but Python and its pip.

The first run makes `.venv` from `requirements.lock`, checks every hash, and installs this checkout in it. Later runs
compare two markers, which takes a few milliseconds. A marker is written last and holds a hash of what the environment
was made from, so the environment is made again after a run that was cut short, and for a new lock, another Python or a
moved folder. This file uses the standard library only, because nothing else is installed yet.
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
    """Make the environment, unless it is up to date. Of two concurrent runs the second waits for the first."""
    _demand(os.name == "posix", "the scripts run on Linux and macOS; on Windows, use WSL")
    _demand(
        sys.version_info >= (3, 11),
        f"Python 3.11 or newer is needed, and this is {sys.version.split()[0]} ({sys.executable}). "
        f"Name a newer one: python3.11 {sys.argv[0]} …",
    )
    expected = _expected_markers()
    if _markers() == expected:
        return
    import fcntl

    with LOCK.open() as lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another run is setting up; waiting for it")
            fcntl.flock(lock_file, fcntl.LOCK_EX)
        try:
            if _markers()[0] != expected[0]:
                _install_the_lock(expected[0])
            if _markers()[1] != expected[1]:
                _install_the_project(expected[1])
        except KeyboardInterrupt:
            _stop("interrupted; the next run starts the set-up again")


def become(*command: str, at_root: bool = True) -> None:
    """Replace this process by `python -m command` with the arguments of the script; never returns.

    A command that ends in `.py` is a file of this checkout. `at_root=False` stays in the caller's folder, for
    commands that take paths from the caller.
    """
    prepare()
    _keep_bytecode()
    if at_root:
        os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(PYTHON, _line(command, sys.argv[1:]))


def each(**commands: Sequence[str]) -> None:
    """Run all commands, or those that the script's arguments name; exit with FAIL if any of them failed."""
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
    print(f"== failed: {', '.join(failed)}" if failed else "== all passed", flush=True)
    sys.exit(FAIL if failed else PASS)


def _keep_bytecode() -> None:
    """If PYTHONDONTWRITEBYTECODE is set, keep the bytecode in `.venv`: otherwise each process compiles all modules."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "pycache"))


def _line(command: Sequence[str], arguments: Sequence[str]) -> list[str]:
    if command[0].endswith(".py"):
        what = [str(ROOT / command[0])]
    elif "-" in command[0]:
        what = [str(PYTHON.parent / command[0])]  # No module's name, so a tool's own script.
    else:
        what = ["-P", "-m", command[0]]  # -P keeps the current folder off the import path.
    return [str(PYTHON), *what, *command[1:], *arguments]


def _expected_markers() -> tuple[str, str]:
    """The two markers of an up-to-date environment: one for the dependencies, one for this project's own metadata."""
    place = f"{sys.version} {sys.base_prefix} {ROOT}".encode()
    lock = hashlib.sha256(place + LOCK.read_bytes()).hexdigest()
    return lock, hashlib.sha256(lock.encode() + PROJECT.read_bytes()).hexdigest()


def _markers() -> tuple[str, str]:
    """The two markers of the environment as it is; empty where there is none."""
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
    # This Python's own pip can fill it. Installing pip in it would take seconds, and some systems lack ensurepip.
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
    # pip's messages go to standard error: the command's standard output may have to be JSON only.
    done = subprocess.run([*pip, "install", *quiet, *arguments], stdout=sys.stderr, cwd=ROOT)
    _demand(
        done.returncode == 0,
        "pip could not install; its messages are above. It needs the network, or a configured mirror "
        "(`pip config list` shows it). It is safe to run this again.",
    )


def _demand(condition: bool, message: str) -> None:
    if not condition:
        _stop(message)


def _stop(reason: str) -> None:
    _say(reason)
    sys.exit(WRONG_USE)


def _say(message: str) -> None:
    print(f"mocklend: {message}", file=sys.stderr, flush=True)

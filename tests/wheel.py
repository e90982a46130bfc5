"""Builds the wheel, installs it alone into an empty environment, runs the demo and serves from there: [--keep FOLDER].

What is missing in the wheel is found here: in a checkout each file is there, and so is each entry point. It serves twice:
without the console's extra, where the API answers and `/` says what it needs, and with it, where `/` is a page.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from mocklend import __version__
from mocklend.exit_codes import ExitCode

ROOT = Path(__file__).resolve().parent.parent
EXTRA = "mocklend[console]"
"""What `/` says that it needs."""


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """PASS where the installed wheel does all that it should; INCONCLUSIVE where it could not be installed."""
    parser = argparse.ArgumentParser(prog="scripts/wheel", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the wheel there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mocklend-wheel-") as name:
        return _judged(Path(name), options.keep)


def _judged(folder: Path, keep: Path | None) -> ExitCode:
    pip = [sys.executable, "-m", "pip"] if _has_pip(sys.executable) else [_python_with_pip(), "-m", "pip"]
    build = ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    if _ran([*pip, "--python", sys.executable, "wheel", "--quiet", *build]):
        print("FAIL: the wheel could not be built; pip's own words are above")
        return ExitCode.FAIL
    (wheel,) = folder.glob("*.whl")
    venv.EnvBuilder(symlinks=True).create(folder / "env")
    python = folder / "env" / "bin" / "python"
    locked = ["--constraint", str(_constraints(folder)), "--only-binary=:all:"]
    if _ran([*pip, "--python", str(python), "install", "--quiet", *locked, str(wheel)]):
        print("INCONCLUSIVE: pip could not install it; it needs the network, or a mirror that it knows of")
        return ExitCode.INCONCLUSIVE
    mocklend = python.with_name("mocklend")
    wrong = _wrong_with(mocklend, folder) or _wrong_served(mocklend, folder, 404, EXTRA)
    if not wrong:
        if _ran([*pip, "--python", str(python), "install", "--quiet", *locked, f"{wheel}[console]"]):
            print("INCONCLUSIVE: pip could not install the console's extra")
            return ExitCode.INCONCLUSIVE
        wrong = _wrong_served(mocklend, folder, 200, "<h1>")
    if wrong:
        print(f"FAIL: {wrong}")
        return ExitCode.FAIL
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, keep)
    print(
        f"PASS: {wheel.name}, {wheel.stat().st_size:,} bytes, installed alone, tells the whole demo and serves, with the console and without"
    )
    return ExitCode.PASS


def _wrong_with(mocklend: Path, folder: Path) -> str | None:
    """What the installed command does wrong, far from this checkout."""
    environment = _environment()
    for arguments in (["--version"], ["demo", "--json"]):
        done = subprocess.run([str(mocklend), *arguments], cwd=folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            return f"mocklend {' '.join(arguments)} left with {done.returncode}: {done.stderr[-2_000:]}"
        if arguments == ["--version"] and done.stdout != f"mocklend {__version__}\n":
            return f"it says that it is {done.stdout.strip()!r}, and pyproject.toml says {__version__}"
    try:
        return None if json.loads(done.stdout) else "the demo told nothing"
    except ValueError:
        return f"the demo printed no JSON: {done.stdout[:500]!r}"


def _wrong_served(mocklend: Path, folder: Path, status: int, text: str) -> str | None:
    """What the installed server does wrong: the API must answer, and `/` with this status and with this in its text."""
    command = [str(mocklend), "serve", "--json", "--port", "0", "--database", str(folder / "served.db")]
    with subprocess.Popen(
        command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not line:
                return f"mocklend serve left with {server.wait()} before it said its address"
            url = json.loads(line)["url"]
            asked = {path: _asked(url + path) for path in ("/", "/-/clock")}
        finally:
            server.terminate()
    if asked["/-/clock"][0] != 200:
        return f"the server answers GET /-/clock with {asked['/-/clock']}"
    if asked["/"][0] != status or text not in asked["/"][1]:
        return f"the server answers GET / with {asked['/'][0]}, not with {status} and {text!r}: {asked['/'][1][:500]!r}"
    return None if server.returncode == 0 else f"the server left with {server.returncode}"


def _asked(url: str) -> tuple[int, str]:
    """The status and text of an answer, of the page that it leads to if it leads to one."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MOCKLEND"))}


def _constraints(folder: Path) -> Path:
    """The versions of the lock, without hashes: a wheel of our own has none in it."""
    path = folder / "constraints.txt"
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line.partition(" \\")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))]
    path.write_text("\n".join(pin.partition("[")[0] + pin.partition("]")[2] if "[" in pin else pin for pin in pins))
    return path


def _python_with_pip() -> str:
    """The Python that this environment was made from, which has filled it."""
    return str(Path(sys.base_prefix, "bin", "python3"))


def _has_pip(python: str) -> bool:
    return subprocess.run([python, "-c", "import pip"], capture_output=True).returncode == 0


def _ran(command: Sequence[str]) -> int:
    return subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode


if __name__ == "__main__":
    sys.exit(main())

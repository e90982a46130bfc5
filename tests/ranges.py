"""Tests both ends of each dependency's range, each in an environment of its own: [lowest] [newest] [beside].

        lowest   every direct dependency at the lower bound of its range
        newest   the newest versions that pip finds, and so the upper ends
        beside   older versions that other packages need: sqlalchemy<2.1, flask<3.1, urllib3<2

It needs pip and the network, and minutes: the environments are thrown away afterwards.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

from mocklend.exit_codes import ExitCode

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ("sqlalchemy<2.1", "flask<3.1", "urllib3<2")
TOOLS = ("pytest>=8.3", "pytest-timeout>=2.3", "pytest-xdist>=3.6", "hypothesis>=6.120")
QUICK = ("tests/testing",)
TESTS = (
    *QUICK,
    *("tests/domain", "tests/storage/test_stores.py", "tests/storage/test_statements.py", "tests/test_demo.py"),
    *("tests/test_client.py", "tests/test_writer.py", "tests/test_writer_idempotency.py"),
    *("tests/test_audit.py", "tests/test_off_loopback.py"),
    *(f"tests/api/test_{name}.py" for name in ("request_context", "bad_input", "broken_responses", "loans")),
    *(f"tests/api/test_{name}.py" for name in ("docs_pages", "problems", "repayments", "sandboxes", "serving")),
    *(f"tests/api/test_{name}.py" for name in ("schedules", "idempotency")),
)


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Make each environment, and run the tests in it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    pins = {"lowest": lowest(), "newest": [], "beside": list(BESIDE)}
    parser.add_argument("end", nargs="*", help=f"of {', '.join(pins)}; all where none is named")
    parser.add_argument("--quick", action="store_true", help="only the tests of the pytest plug-in")
    options = parser.parse_args(arguments)
    if unknown := set(options.end) - set(pins):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(pins)}")
    tests = QUICK if options.quick else TESTS
    outcomes = {name: tried(name, pins[name], tests) for name in options.end or pins}
    for name, outcome in outcomes.items():
        print(f"== {name}: {outcome.name}", flush=True)
    return max(outcomes.values(), key=(ExitCode.PASS, ExitCode.INCONCLUSIVE, ExitCode.FAIL).index)


def lowest() -> list[str]:
    """The lower bound of each direct dependency, as a pin."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pins = []
    for item in named:
        match = re.fullmatch(r"([a-z0-9-]+)>=([0-9.]+)(?:,<[0-9.]+)?", item)
        assert match is not None, f"{item!r} has no lower bound that can be tested: write name>=X or name>=X,<Y"
        pins.append(f"{match[1]}=={match[2]}")
    return pins


def tried(name: str, pins: list[str], tests: tuple[str, ...]) -> ExitCode:
    """What the tests say with these versions; INCONCLUSIVE where they cannot be installed together."""
    print(f"== {name}: {' '.join(pins) or 'no pins'}", flush=True)
    with tempfile.TemporaryDirectory(prefix="mocklend-ranges-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--prefer-binary"]
        # Not editable: what is tested is what somebody else gets.
        install = [python, "-m", "pip", "install", *quiet, str(ROOT), *TOOLS, *pins]
        if subprocess.run(install).returncode:
            return ExitCode.INCONCLUSIVE
        subprocess.run([python, "-m", "pip", "check", "--disable-pip-version-check"], check=True)
        frozen = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
        print(
            "  " + " ".join(line for line in frozen.splitlines() if line.startswith(("SQL", "Flask=", "pyd", "urllib")))
        )
        run = [python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--numprocesses=2", "--dist=worksteal"]
        return ExitCode.FAIL if subprocess.run([*run, *tests], cwd=ROOT).returncode else ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())

"""Runs the tests on each Python from 3.11 up that this machine has: [FILE …].

Each has a copy of this checkout to itself, in which `scripts/test` makes an environment from the lock: a minute, and the
network. A Python that this machine does not have is named, and is not an error.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mocklend.exit_codes import ExitCode

ROOT = Path(__file__).resolve().parent.parent
MINORS = range(11, 15)
"""From the one that `requires-python` names to the newest that has been released."""
LEFT_BEHIND = shutil.ignore_patterns(".*_cache", ".git", ".hypothesis", ".venv", "__pycache__")


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """FAIL where the tests fail on any of them, INCONCLUSIVE where there is none but this one."""
    options = argparse.ArgumentParser(prog="scripts/pythons", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("tests", nargs="*", help="files and folders of tests; all where none is named")
    options = options.parse_args(arguments).tests
    pythons = {minor: python for minor in MINORS if (python := _python(minor))}
    print("not here: " + (", ".join(f"3.{minor}" for minor in MINORS if minor not in pythons) or "none"), flush=True)
    failed = [minor for minor, python in pythons.items() if _fail_on(python, options)]
    for minor, python in pythons.items():
        print(f"== 3.{minor}: {'FAIL' if minor in failed else 'PASS'} ({python})")
    if failed:
        return ExitCode.FAIL
    return ExitCode.PASS if pythons.keys() - {sys.version_info.minor} else ExitCode.INCONCLUSIVE


def _python(minor: int) -> str | None:
    """A Python of this version that runs: the one on the path, or one of pyenv's."""
    beside = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3"))
    for candidate in (shutil.which(f"python3.{minor}"), *map(str, beside)):
        check = f"import sys; sys.exit(sys.version_info[:2] != (3, {minor}))"
        if candidate and subprocess.run([candidate, "-c", check], capture_output=True).returncode == 0:
            return candidate
    return None


def _fail_on(python: str, tests: Sequence[str]) -> bool:
    with tempfile.TemporaryDirectory(prefix="mocklend-python-") as name:
        copy = shutil.copytree(ROOT, Path(name, "checkout"), ignore=LEFT_BEHIND)
        return bool(subprocess.run([python, str(copy / "scripts" / "test"), *tests], cwd=copy).returncode)


if __name__ == "__main__":
    sys.exit(main())

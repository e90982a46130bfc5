"""The repository keeps its own shape: what would break it quietly is said here loudly."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import mocklend

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
SCRIPTS = (
    *(
        "check",
        "bench",
        "chromium",
        "coverage",
        "crash",
        "demo",
        "determinism",
        "ground",
        "identity",
        "idle",
        "latency",
        "load",
        "lock",
        "pooler",
        "redis",
        "serve",
        "setup",
    ),
    *(
        "neighbours",
        "pages",
        "pythons",
        "ranges",
        "same",
        "screenshots",
        "security",
        "streams",
        "test",
        "test-long",
        "typed",
        "wheel",
        "writer",
        "year",
    ),
)
TOP_LEVEL = {
    *(".ci", ".editorconfig", ".gitattributes", ".github", ".gitignore", ".pre-commit-config.yaml"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"),
    *(
        "SECURITY.md",
        "THIRD_PARTY.md",
        "docs",
        "examples",
        "faults",
        "loadtests",
        "platform",
        "pyproject.toml",
        "requirements.lock",
    ),
    *("scripts", "tests"),
}


LINES_MAX = 500
FLOOR = 95
"""The floor under branch coverage is not lowered."""
LONG = {
    "platform/mocklend/client.py": "whoever takes this file elsewhere needs nothing else of ours",
}
"""Files that may have more lines, and why."""


def _tracked() -> list[Path]:
    """Return what git has, or would take: the files of the repository, without what running left behind."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _python(*arguments: str) -> str:
    """Run this Python at the root, with the root itself on the import path as a bare `python -c` has it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_source_root_holds_one_package_and_is_not_a_package() -> None:
    roots = {
        root: sorted(path.name for path in (ROOT / root).iterdir() if path.name != "__pycache__")
        for root in ("platform", "faults")
    }

    assert roots == {"platform": ["mocklend"], "faults": ["mocklend_faults"]}


def test_python_started_at_the_root_still_has_its_own_platform_module() -> None:
    where = _python("-c", "import platform; platform.system(); print(platform.__file__)")

    assert not Path(where).is_relative_to(ROOT)


@pytest.mark.parametrize("module", ["pytest", "flask", "locust", "mypy"])
def test_a_tool_started_at_the_root_works(module: str) -> None:
    assert _python("-m", module, "--version")


def test_no_folder_of_tests_is_a_package_or_shadows_the_standard_library() -> None:
    packages = list((ROOT / "tests").rglob("__init__.py"))
    platforms = [path for path in (ROOT / "tests").rglob("platform") if path.is_dir()]

    assert packages == []
    assert platforms == []


def test_no_file_has_more_than_500_lines() -> None:
    lines = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n")
        for path in _tracked()
        if path.suffix == ".py"
    }

    long = {name for name, count in lines.items() if count > LINES_MAX}

    assert long - LONG.keys() == set(), f"more than {LINES_MAX} lines: split them by subject"
    assert LONG.keys() - long == set(), "not that long any more: take them out of LONG"


def test_pytest_imports_tests_by_file_and_not_by_path() -> None:
    assert "--import-mode=importlib" in PROJECT["tool"]["pytest"]["ini_options"]["addopts"]


def test_ruff_keeps_its_default_source_folders() -> None:
    assert "src" not in PROJECT["tool"]["ruff"]


def test_the_top_level_holds_what_it_should_and_nothing_else() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in _tracked()}

    assert top <= TOP_LEVEL, f"new at the top level: {sorted(top - TOP_LEVEL)}"


def test_every_fault_is_one_file_and_every_file_one_fault() -> None:
    entries = PROJECT["project"]["entry-points"]["mocklend.faults"]
    kinds = ROOT / "faults" / "mocklend_faults" / "kinds"

    files = {path.stem for path in kinds.glob("*.py")} - {"__init__"}

    assert entries == {name: f"mocklend_faults.kinds.{name.replace('.', '_')}" for name in entries}
    assert files == {name.replace(".", "_") for name in entries}


def test_no_file_names_a_machine_or_a_registry() -> None:
    # Spelled in pieces, so that this file does not find itself.
    hosts = ["pypi" + ".org", "python" + "hosted", "registry." + "npmjs", "registry." + "yarnpkg"]
    folders = ["/work/" + "main", "/work/" + "shared", "/ro" + "ot/", "/tmp/" + "venv", "/opt/" + "pypi"]
    unwanted = re.compile("|".join(map(re.escape, hosts + folders)))

    named = {}
    for path in _tracked():
        match = unwanted.search(path.read_text(encoding="utf-8", errors="replace"))
        if match:
            named[str(path.relative_to(ROOT))] = match[0]

    assert named == {}


def test_the_lock_pins_every_package_by_hash_and_holds_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]

    assert "://" not in lock
    assert all(re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", line) for line in packages)
    assert lock.count("==") >= len(packages) <= lock.count("--hash=sha256:")
    assert not (ROOT / "uv.lock").exists()
    assert not (ROOT / "pylock.toml").exists()


def test_the_lock_holds_every_dependency_that_the_project_names() -> None:
    project = PROJECT["project"]
    named = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
        *PROJECT["dependency-groups"]["dev"],
    ]
    lock = (ROOT / "requirements.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9._-]+)", lock, flags=re.MULTILINE))

    required = {re.split(r"[\[<>=~!; ]", name)[0].lower() for name in named}

    assert required <= locked, f"run scripts/lock: {sorted(required - locked)}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_executable_and_short(name: str) -> None:
    script = ROOT / "scripts" / name

    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!")
    assert len(script.read_text().splitlines()) <= 15


def test_every_script_is_in_the_list() -> None:
    scripts = {path.name for path in _tracked() if path.parent == ROOT / "scripts"}

    assert scripts == {*SCRIPTS, "_boot.py"}


def test_ci_runs_the_scripts_of_contributors() -> None:
    ci = (ROOT / ".ci" / "run").read_text()

    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "set -euo pipefail" in ci
    assert {
        "scripts/pooler",
        "scripts/redis",
        "scripts/chromium",
        "scripts/check",
        "scripts/test",
        "scripts/coverage",
        "scripts/test-long",
    } <= set(ci.split())


def test_coverage_has_a_floor_and_counts_branches() -> None:
    coverage = PROJECT["tool"]["coverage"]

    assert coverage["run"]["branch"]
    assert coverage["report"]["fail_under"] >= FLOOR
    assert '["coverage", "report"]' in (ROOT / "scripts" / "coverage").read_text()


def test_the_boot_script_needs_the_standard_library_alone() -> None:
    source = (ROOT / "scripts" / "_boot.py").read_text()

    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", source, flags=re.MULTILINE))

    assert imported <= sys.stdlib_module_names


def test_bytecode_is_kept_outside_the_sources() -> None:
    program = "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"
    script = f"import sys, _boot; sys.argv[1:] = []; _boot.become('timeit', '-n1', '-r1', {program!r})"
    environment = {"PYTHONPATH": str(ROOT / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}

    done = subprocess.run([sys.executable, "-c", script], env=inherited | environment, capture_output=True, text=True)

    assert done.stdout.splitlines()[0] == f"False {ROOT / '.venv' / 'pycache'}", done.stderr


def test_the_version_stands_in_one_place() -> None:
    number = PROJECT["project"]["version"]
    code = [path for path in _tracked() if path.suffix == ".py" and path.parts[-2:] != ("tests", "test_repository.py")]

    assert mocklend.__version__ == number
    assert [str(path) for path in code if f'"{number}"' in path.read_text(encoding="utf-8")] == []


def test_the_changelog_begins_with_unreleased_and_then_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    headings = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    first = text.partition("## [0.1.0]")[2]

    assert headings[:2] == ["Unreleased", PROJECT["project"]["version"]]
    assert all(part.startswith("Added: ") for part in re.findall(r"^### (.+)$", first, re.MULTILINE))

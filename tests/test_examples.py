"""The example of somebody else's fault: built and installed as a package, found by entry point, tested by its own test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "bad-news-first"
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
FAULT = "cache.bad_news_first"

pytestmark = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package's wheel is installed in. It is of pure Python: to unpack it is to install it."""
    folder = tmp_path_factory.mktemp("example")
    source, site = folder / "source", folder / "site"
    shutil.copytree(EXAMPLE, source)
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=source, check=True, capture_output=True, text=True
    )
    with zipfile.ZipFile(folder / built.stdout.strip().splitlines()[-1]) as wheel:
        wheel.extractall(site)
    return site


def _python(folder: Path, *arguments: str, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run this Python elsewhere, with the installed package beside Mocklend, or without it."""
    paths = [*([str(site)] if site else []), *(path for path in sys.path if path)]
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        # Whatever else is installed beside us need not be loaded for one test.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )


def _its_own_test(folder: Path, site: Path | None) -> subprocess.CompletedProcess[str]:
    test = shutil.copy(EXAMPLE / "test_bad_news_first.py", folder)
    Path(folder, "pytest.ini").write_text("[pytest]\n")
    return _python(folder, "-m", "pytest", "-q", "-p", "mocklend.testing", str(test), site=site)


def test_the_package_has_one_module_and_its_metadata(installed: Path) -> None:
    files = sorted(path.name for path in installed.rglob("*") if path.is_file())

    assert files == ["METADATA", "RECORD", "WHEEL", "bad_news_first.py", "entry_points.txt"]


def test_a_fault_of_another_package_is_listed(installed: Path, tmp_path: Path) -> None:
    program = "from mocklend_faults.engine.catalogue import installed; print(*installed())"

    with_it, without_it = _python(tmp_path, "-c", program, site=installed), _python(tmp_path, "-c", program)

    assert set(with_it.stdout.split()) - set(without_it.stdout.split()) == {FAULT}
    assert "cache.bounded_stale" in with_it.stdout.split()


@pytest.mark.long
def test_the_packages_own_test_passes_on_a_platform_that_finds_it(installed: Path, tmp_path: Path) -> None:
    done = _its_own_test(tmp_path, installed)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.long
def test_without_the_package_the_platform_does_not_know_the_fault(tmp_path: Path) -> None:
    done = _its_own_test(tmp_path, None)

    assert done.returncode == 1
    assert f"unknown fault '{FAULT}'" in done.stdout

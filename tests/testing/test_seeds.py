"""The seed of a test: it follows from the test's name, wherever it is started."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import entry_points

import pytest

from mocklend.testing import seed_of, stable_name

pytest_plugins = ["pytester"]


needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


def test_the_seed_follows_from_the_tests_name_and_can_be_given(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        def test_seed(mocklend, request):
            given = request.config.getoption("--mocklend-seed")
            from mocklend.testing import seed_of, stable_name
            assert mocklend.seed == (seed_of(request.node.nodeid) if given is None else given)
            print("made", mocklend.add_borrower("ada", "Ada")["id"])
        """
    )

    def made_id(*arguments: str) -> str:
        result = suite.runpytest_inprocess("-s", *arguments)
        result.assert_outcomes(passed=1)
        return next(line for line in result.outlines if "made" in line).split("made ")[1]

    assert made_id() == made_id()
    assert made_id("--mocklend-seed", "7") == made_id("--mocklend-seed=7") != made_id()


@needs_faults
def test_a_seed_replays_the_same_faults_on_the_same_loans(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import json

        def test_twenty_loans(mocklend):
            ada = mocklend.add_borrower("ada", "Ada")
            mocklend.arm("cache.bounded_stale", probability=0.5)
            for _ in range(20):
                loan = mocklend.borrow(ada["id"], 10_000, product_id="jiebei-like")
                mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
            print("key", json.dumps(mocklend.answer_key()["entries"]))
        """
    )

    def key(*arguments: str) -> str:
        result = suite.runpytest_inprocess("-s", *arguments)
        result.assert_outcomes(passed=1)
        return next(line for line in result.outlines if "key [" in line).split("key ")[1]

    first = key("--mocklend-seed", "11")
    assert 0 < len(json.loads(first)) < 20
    assert key("--mocklend-seed", "11") == first
    assert key("--mocklend-seed", "12") != first


def test_a_seed_is_the_same_everywhere() -> None:
    assert seed_of("tests/test_ada.py::test_repays") == 3620761415


SEED = """
def test_seed(mocklend):
    print("seed is", mocklend.seed)
"""


def seeds(suite: pytest.Pytester, *arguments: str) -> list[int]:
    """The seeds that a run says."""
    result = suite.runpytest_inprocess("-s", "-p", "no:cacheprovider", *arguments)
    seeds_printed = [int(line.split("seed is ")[1].rstrip(".F")) for line in result.outlines if "seed is " in line]
    assert seeds_printed, result.stdout.str()
    return seeds_printed


@pytest.mark.parametrize(
    ("project", "mode"),
    [
        (None, "prepend"),
        (None, "importlib"),
        ("pyproject.toml", "importlib"),
        ("pytest.ini", "prepend"),
        (".git/HEAD", "prepend"),
    ],
)
def test_a_test_has_one_name_from_whatever_folder_it_is_started(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, project: str | None, mode: str
) -> None:
    top = suite.mkdir("work")
    tests = top / "project" / "tests"
    tests.mkdir(parents=True)
    (tests / "conftest.py").touch()
    (tests / "test_seed.py").write_text(SEED)
    if project:
        (top / "project" / project).parent.mkdir(exist_ok=True)
        (top / "project" / project).write_text("[pytest]\n" if project == "pytest.ini" else "")
    names, node_ids = set(), set()
    for folder, argument in (
        (top / "project", "tests/test_seed.py"), (top / "project", "."), (tests, "test_seed.py::test_seed"),
        (top, "project/tests/test_seed.py"), (top, f"--rootdir={top} project"), (tests, "--confcutdir=. ."),
    ):  # fmt: skip
        monkeypatch.chdir(folder)
        items, _ = suite.inline_genitems(f"--import-mode={mode}", "-p", "no:cacheprovider", *argument.split())
        names |= {stable_name(item) for item in items}
        node_ids |= {item.nodeid for item in items}

    in_project = project is not None and not project.startswith(".git")
    assert names == {("tests/" if in_project else "") + "test_seed.py::test_seed"}
    assert len(node_ids) > 1, "pytest's own names do differ here"


def test_a_test_has_one_seed_wherever_it_is_started(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = suite.mkdir("project") / "tests"
    tests.mkdir()
    (tests / "test_seed.py").write_text(SEED)
    seeds_printed = []
    for folder, argument in ((tests, "test_seed.py"), (suite.path, "project/tests/test_seed.py")):
        monkeypatch.chdir(folder)
        seeds_printed += seeds(suite, argument)

    assert seeds_printed == [seed_of("test_seed.py::test_seed")] * 2


def test_a_package_of_tests_has_the_same_seeds_installed_and_in_its_project(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds_printed = []
    for place in ("project/src", "environment/lib/site-packages"):
        package = suite.path / place / "ledger" / "tests"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").touch()
        (package / "__init__.py").touch()
        (package / "test_seed.py").write_text(SEED)
    (suite.path / "project" / "pyproject.toml").touch()
    in_project, _ = suite.inline_genitems("project/src/ledger/tests")
    seeds_printed += [stable_name(item) for item in in_project]
    monkeypatch.syspath_prepend(suite.path / "environment/lib/site-packages")
    installed, _ = suite.inline_genitems("--pyargs", "ledger.tests")
    seeds_printed += [stable_name(item) for item in installed]

    assert seeds_printed == ["ledger/tests/test_seed.py::test_seed"] * 2
    assert in_project[0].path != installed[0].path


def test_each_test_of_a_project_has_a_seed_of_its_own(suite: pytest.Pytester) -> None:
    suite.makepyprojecttoml("[tool.pytest.ini_options]\naddopts = ['--import-mode=importlib']")
    for folder in ("one", "two"):
        (suite.mkdir(folder) / "test_seed.py").write_text(
            """
import pytest

def test_seed(mocklend):
    print("seed is", mocklend.seed)

class TestAda:
    @pytest.mark.parametrize("n", [1, 2])
    def test_seed(self, mocklend, n):
        print("seed is", mocklend.seed)
"""
        )

    seeds_printed = seeds(suite)

    assert len(set(seeds_printed)) == len(seeds_printed) == 6
    assert seed_of("one/test_seed.py::TestAda::test_seed[2]") in seeds_printed


def test_the_replay_can_be_typed_where_the_run_was_started(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = suite.mkdir("tests")
    suite.makeini("[pytest]")
    (tests / "test_price.py").write_text(
        "import pytest\n\n\n@pytest.mark.parametrize('price', ['$5', \"a'b\"])\ndef test_price(mocklend, price):\n    assert 0\n"
    )
    monkeypatch.chdir(tests)
    outcome = suite.runpytest_inprocess("-p", "no:cacheprovider")
    replays = [shlex.split(line.partition("replay: ")[2]) for line in outcome.outlines if line.startswith("seed ")]

    again = [suite.runpytest_inprocess("-p", "no:cacheprovider", *arguments[1:]) for arguments in replays]

    assert len(again) == 2
    for result in again:
        result.assert_outcomes(failed=1)

"""The pytest plug-in, as somebody else's test suite meets it: each test here runs a small suite of its own."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

# Loaded before any inner run, as said below.
import mocklend.app
import mocklend.client
import mocklend.local  # noqa: F401
from mocklend.client import Client
from mocklend.runtime import find_layer
from mocklend.testing import seed_of, stable_name

# What an inner run imports is forgotten after it, and a table cannot be declared twice: so import it all before.
find_layer()

INSTALLED = bool(entry_points(group="pytest11", name="mocklend"))
pytest_plugins = ["pytester"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)

README_TEST = """
def test_a_settled_loan_may_still_show_as_unpaid(mocklend):
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")
    mocklend.arm("cache.bounded_stale", lag_s=60)

    quote = mocklend.quote(loan["id"], "CLEAR")
    mocklend.settle(mocklend.repay_quote(quote, "wallet"))

    assert mocklend.loan(loan["id"])["status"] == "USING"   # what the page says
    assert mocklend.books(loan["id"])["status"] == "CLEAR"  # what is true
    mocklend.advance("PT1M")
    assert mocklend.loan(loan["id"])["status"] == "CLEAR"
    assert mocklend.audit()["clean"]
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the plug-in in force, whether it is installed or only on the path."""
    if not INSTALLED:
        pytester.makeconftest('pytest_plugins = ["mocklend.testing"]')
    return pytester


@needs_faults
def test_the_test_of_the_readme_passes_as_it_stands(suite: pytest.Pytester) -> None:
    suite.makepyfile(README_TEST)

    suite.runpytest_inprocess().assert_outcomes(passed=1)


def test_each_test_starts_with_an_empty_sandbox_on_a_monday_morning(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", [1, 2])
        def test_alone(mocklend, n):
            mocklend.add_borrower("ada", f"Ada the {n}.")
            mocklend.advance("P1D")
            assert mocklend.clock()["now"] == "2026-01-06T02:00:00.000Z"
        """
    )

    suite.runpytest_inprocess().assert_outcomes(passed=2)


def test_nothing_is_left_of_a_sandbox_after_its_test(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from mocklend.client import Client, ProblemError

        ids = []

        def test_first(mocklend):
            ids.append((mocklend.sandbox_id, mocklend.api_key))

        def test_second(mocklend, mocklend_server):
            (id, key), = ids
            try:
                mocklend.describe_sandbox(id)
                assert False, "still there"
            except ProblemError as problem:
                assert problem.code == "sandbox_unknown"
            try:
                Client(mocklend_server, key).clock()
                assert False, "the key still opens something"
            except ProblemError as problem:
                assert problem.code == "credential_invalid"
        """
    )

    suite.runpytest_inprocess().assert_outcomes(passed=2)


@needs_faults
def test_a_failure_says_which_seed_replays_it_and_what_was_a_lie(suite: pytest.Pytester) -> None:
    suite.makepyfile(README_TEST.replace('"USING"', '"CLEAR"'))

    result = suite.runpytest_inprocess()

    node_id = next(line.split('"')[1] for line in result.outlines if line.startswith("seed "))
    result.stdout.fnmatch_lines(
        [
            "*- mocklend -*",
            f'seed {seed_of(node_id)}; replay: pytest "{node_id}" --mocklend-seed {seed_of(node_id)}',
            "the clock says 2026-01-05T02:00:02.000Z",
            "lies at this moment, by the answer key: 1",
            "injections of this test: 1 (1 active)",
            "  inj_* cache.bounded_stale on loan_*: served {*'status': 'USING'*",
        ]
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

    def made(*arguments: str) -> str:
        result = suite.runpytest_inprocess("-s", *arguments)
        result.assert_outcomes(passed=1)
        return next(line for line in result.outlines if "made" in line).split("made ")[1]

    assert made() == made()
    assert made("--mocklend-seed", "7") == made("--mocklend-seed=7") != made()


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


def test_a_suite_that_does_not_ask_pays_for_no_server() -> None:
    heavy = {"flask", "sqlalchemy", "requests", "pydantic", "waitress"}
    script = f"import sys, mocklend.testing; print(sorted({heavy!r} & set(sys.modules)))"

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert said == "[]\n"


def test_a_seed_is_the_same_everywhere() -> None:
    assert seed_of("tests/test_ada.py::test_repays") == 3620761415


# --- what goes wrong while a failure is told ---

DOUBLES = {
    "requests_mock": "monkeypatch.setattr('requests.Session.get_adapter', broken)",
    "responses": "monkeypatch.setattr('requests.adapters.HTTPAdapter.send', broken)",
    "a session of one's own": "monkeypatch.setattr('requests.Session.request', broken)",
    "httpretty": "monkeypatch.setattr('socket.create_connection', broken)",
    "pytest-socket": "monkeypatch.setattr('socket.socket', broken); mocklend.close()",
    "a loop that fails": "monkeypatch.setattr('waitress.wasyncore.poll2', broken)",
    "a frozen clock": "monkeypatch.setattr('time.time', lambda: 0.0); monkeypatch.setattr('time.monotonic', lambda: 0.0)",
}


def test_a_double_in_the_place_of_http_neither_hides_the_failure_nor_ends_the_run(suite: pytest.Pytester) -> None:
    tests = "".join(
        f"""
def test_that_fails_{n}(mocklend, monkeypatch):
    mocklend.add_borrower("ada", "Ada")
    {double}
    assert "ada" == "bob {n}"

def test_whose_double_came_first_{n}(monkeypatch, mocklend):
    {double}

def test_after_them_{n}(mocklend):
    assert mocklend.add_borrower("ada", "Ada")["reference"] == "ada"
"""
        for n, double in enumerate(DOUBLES.values())
    )
    suite.makepyfile("def broken(*args, **kwargs):\n    raise RuntimeError('a double was asked')\n" + tests)

    result = suite.runpytest_inprocess()

    result.assert_outcomes(failed=len(DOUBLES), passed=2 * len(DOUBLES))
    for n in range(len(DOUBLES)):
        told = [f"*assert 'ada' == 'bob {n}'*", "seed *", "the clock says 2026-01-05T02:00:00.000Z"]
        result.stdout.fnmatch_lines(told)
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


TROUBLES = [
    "raise RuntimeError('gone')",
    "raise SystemExit('gone')",
    "raise Unsayable",
    "pytest.fail('gone')",
    "return 200, {}",
    "return 200, 'no object'",
    "return 500, {'detail': 'gone'}",
    "threading.Event().wait(60)",
]


def test_a_platform_that_gives_no_account_does_not_hide_the_failure(suite: pytest.Pytester) -> None:
    tests = "".join(
        f"""
def test_that_fails_{n}(mocklend, monkeypatch):
    def trouble():
        {trouble}
    monkeypatch.setattr(testing, "ACCOUNT_WITHIN_S", 0.2)
    troubles[:] = [trouble]
    assert "ada" == "bob {n}"

def test_after_it_{n}(mocklend):
    pass
"""
        for n, trouble in enumerate(TROUBLES)
    )
    suite.makepyfile(
        """
import threading
import pytest
from mocklend import local, testing

troubles = []
real = local.Local.ask

class Unsayable(Exception):
    def __str__(self):
        raise ValueError("no text")

@pytest.fixture(autouse=True)
def a_platform_in_trouble(monkeypatch):
    def ask(self, method, path, body=None, api_key=None):
        return troubles[0]() if troubles and method == "GET" else real(self, method, path, body, api_key)
    monkeypatch.setattr(local.Local, "ask", ask)
    yield
    troubles.clear()
"""
        + tests
    )

    result = suite.runpytest_inprocess()

    result.assert_outcomes(failed=len(TROUBLES), passed=len(TROUBLES))
    for n in range(len(TROUBLES)):
        told = [f"*assert 'ada' == 'bob {n}'*", "seed *; replay: *", "the platform gave no account: *"]
        result.stdout.fnmatch_lines(told)
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("stop", ["KeyboardInterrupt", "pytest.exit.Exception('enough')"])
def test_who_stops_the_run_while_a_failure_is_told_stops_it(suite: pytest.Pytester, stop: str) -> None:
    suite.makepyfile(
        f"""
        import pytest

        def test_that_fails(mocklend, monkeypatch):
            def stopped(item):
                raise {stop}
            monkeypatch.setattr("mocklend.testing._as_typed", stopped)
            assert "ada" == "bob"

        def test_after_it(mocklend):
            pass
        """
    )

    result = suite.runpytest_inprocess(no_reraise_ctrlc=True)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.parseoutcomes().get("passed", 0) == 0


def test_a_test_may_remove_its_sandbox_itself(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        def test_that_passes(mocklend):
            mocklend.delete_sandbox()

        def test_that_fails(mocklend):
            mocklend.delete_sandbox()
            assert "ada" == "bob"
        """
    )

    result = suite.runpytest_inprocess()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the platform gave no account: * (was the sandbox deleted by the test?)"])


@needs_faults
def test_the_account_has_every_injection_and_every_rule_with_its_counts(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        def test_slow_pages(mocklend):
            ada = mocklend.add_borrower("ada", "Ada")
            loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")
            mocklend.arm("transport.latency", delay_ms=1, times=3, match={"operation": "getLoan"}, rule_id="slow")
            mocklend.arm("callback.dropped", rule_id="idle")
            for _ in range(5):
                mocklend.loan(loan["id"])
            with mocklend.arm("cache.bounded_stale", lag_s=60):
                mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
                assert "ada" == "bob"
        """.replace('"callback.dropped"', '"operator.wrong_amount"')
    )

    result = suite.runpytest_inprocess()

    result.stdout.fnmatch_lines(
        [
            "lies at this moment, by the answer key: 1",
            "rules armed: 2, disarmed by now: 1",
            "  idle: operator.wrong_amount, armed; evaluated 0, matched 0, selected 0, injected 0",
            "  slow: transport.latency, armed; evaluated *, matched 5, selected 3, injected 3",
            "  cache.bounded_stale: disarmed; injected 1",
            "injections of this test: 4 (1 active, 3 healed)",
        ]
    )
    listed = [line for line in result.outlines if line.startswith("  inj_")]
    assert sum("transport.latency on" in line and "rule slow, healed" in line for line in listed) == 3
    assert sum("cache.bounded_stale on" in line and "active" in line for line in listed) == 1
    assert len(listed) == 4


@needs_faults
def test_a_failure_in_a_fixture_after_the_sandbox_is_told_too(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.fixture
        def armed(mocklend):
            mocklend.arm("transport.latency", delay_ms=1)
            mocklend.loans()
            raise ValueError("in set-up")

        def test_never_runs(armed):
            pass
        """
    )

    result = suite.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ValueError: in set-up", "injections of this test: 1 (1 healed)"])


@needs_faults
def test_a_fault_that_breaks_is_named_with_its_rule_and_seed_before_anything_else(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest
        from mocklend.client import ProblemError
        from mocklend_faults.kinds.cache_bounded_stale import BoundedStale

        @pytest.fixture(autouse=True)
        def a_bug_in_the_fault(monkeypatch):
            def broken(self, given):
                raise ZeroDivisionError("the author's bug\\n" * 500)
            monkeypatch.setattr(BoundedStale, "view_refresh", broken)

        def settle(mocklend):
            ada = mocklend.add_borrower("ada", "Ada")
            loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")
            mocklend.arm("cache.bounded_stale", lag_s=60, rule_id="mine")
            mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))

        def test_that_hears_of_it(mocklend):
            settle(mocklend)

        def test_whose_code_swallows_it(mocklend):
            try:
                settle(mocklend)
            except ProblemError as problem:
                assert problem.code != "fault_broke"
        """
    )

    result = suite.runpytest_inprocess("--mocklend-seed=11")

    result.assert_outcomes(failed=2)
    said = "fault cache.bounded_stale of rule mine broke at view.refresh of loan_*, seed 11: ZeroDivisionError: the author*"
    result.stdout.fnmatch_lines([f"E*ProblemError: 500 fault_broke: {said}", "*- mocklend -*", said, "*- Captured *"])
    told = result.outlines[: next(n for n, line in enumerate(result.outlines) if "fault_broke" in line)]
    assert len(told) < 60, "the first mention of what broke comes late"
    assert result.stdout.str().count("\nfault cache.bounded_stale of rule mine broke") == 2, (
        "each account begins with it"
    )


# --- the seed ---

SEED = """
def test_seed(mocklend):
    print("seed is", mocklend.seed)
"""


def seeds(suite: pytest.Pytester, *arguments: str) -> list[int]:
    """The seeds that a run says."""
    result = suite.runpytest_inprocess("-s", "-p", "no:cacheprovider", *arguments)
    found = [int(line.split("seed is ")[1].rstrip(".F")) for line in result.outlines if "seed is " in line]
    assert found, result.stdout.str()
    return found


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
    found = []
    for folder, argument in ((tests, "test_seed.py"), (suite.path, "project/tests/test_seed.py")):
        monkeypatch.chdir(folder)
        found += seeds(suite, argument)

    assert found == [seed_of("test_seed.py::test_seed")] * 2


def test_a_package_of_tests_has_the_same_seeds_installed_and_in_its_project(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for place in ("project/src", "environment/lib/site-packages"):
        package = suite.path / place / "ledger" / "tests"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").touch()
        (package / "__init__.py").touch()
        (package / "test_seed.py").write_text(SEED)
    (suite.path / "project" / "pyproject.toml").touch()
    in_project, _ = suite.inline_genitems("project/src/ledger/tests")
    found += [stable_name(item) for item in in_project]
    monkeypatch.syspath_prepend(suite.path / "environment/lib/site-packages")
    installed, _ = suite.inline_genitems("--pyargs", "ledger.tests")
    found += [stable_name(item) for item in installed]

    assert found == ["ledger/tests/test_seed.py::test_seed"] * 2
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

    found = seeds(suite)

    assert len(set(found)) == len(found) == 6
    assert seed_of("one/test_seed.py::TestAda::test_seed[2]") in found


def test_the_replay_can_be_typed_where_the_run_was_started(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = suite.mkdir("tests")
    suite.makeini("[pytest]")
    (tests / "test_price.py").write_text(
        "import pytest\n\n\n@pytest.mark.parametrize('price', ['$5', \"a'b\"])\ndef test_price(mocklend, price):\n    assert 0\n"
    )
    monkeypatch.chdir(tests)
    told = suite.runpytest_inprocess("-p", "no:cacheprovider")
    replays = [shlex.split(line.partition("replay: ")[2]) for line in told.outlines if line.startswith("seed ")]

    again = [suite.runpytest_inprocess("-p", "no:cacheprovider", *arguments[1:]) for arguments in replays]

    assert len(again) == 2
    for result in again:
        result.assert_outcomes(failed=1)


# --- a fault for as long as a block ---


@needs_faults
def test_a_fault_is_armed_for_as_long_as_the_block_lasts(mocklend: Client) -> None:
    with mocklend.arm(
        "transport.latency", probability=1, times=2, delay_ms=1, match={"operation": "listLoans"}
    ) as rule:
        for _ in range(3):
            mocklend.loans()
        assert rule.refresh()["injected"] == 2
        assert [one["id"] for one in mocklend.rules()["rules"]] == ["transport.latency"]

    assert mocklend.rules()["rules"] == []
    assert (rule["fault"], rule["select"]["times"], rule["injected"]) == ("transport.latency", 2, 2)
    assert len(mocklend.answer_key()["entries"]) == 2, "what it did stays on the answer key"


@needs_faults
def test_a_fault_that_is_armed_without_a_block_stays_armed(mocklend: Client) -> None:
    rule = mocklend.arm("callback.dropped", select={"times": 3, "probability": 0.5})

    assert json.loads(json.dumps(rule)) == mocklend.rule("callback.dropped")
    assert rule["select"] == {"probability": 0.5, "unit": "occurrence", "times": 3}
    assert mocklend.arm("callback.dropped")["select"] == {"probability": 1, "unit": "occurrence"}


@needs_faults
def test_what_ends_the_block_is_told_whatever_the_disarming_meets(
    mocklend: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for end in (mocklend.halt, lambda: mocklend.disarm("callback.dropped"), mocklend.reset, mocklend.delete_sandbox):
        with mocklend.arm("callback.dropped"):
            end()  # The block ends without a word though the rule is gone.

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a double was asked")

    with pytest.raises(ValueError, match="the news"), Client(mocklend.base_url).arm("callback.dropped"):
        monkeypatch.setattr("requests.Session.request", broken)
        raise ValueError("the news")

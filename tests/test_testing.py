"""The pytest plug-in, as somebody else's test suite meets it: each test here runs a small suite of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import mocklend.app  # noqa: F401  (loaded before any inner run, as said below)
from mocklend.lender import find_layer
from mocklend.testing import seed_of

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
            "  inj_* cache.bounded_stale on loan_*: served {*'status': 'USING'*",
        ]
    )


def test_the_seed_follows_from_the_tests_name_and_can_be_given(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        def test_seed(mocklend, request):
            given = request.config.getoption("--mocklend-seed")
            from mocklend.testing import seed_of
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

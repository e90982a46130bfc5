"""The pytest plug-in as another project uses it: each test here runs a small suite of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

from mocklend.client import Client
from mocklend.testing import seed_of

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


def test_a_sandbox_is_deleted_after_its_test(suite: pytest.Pytester) -> None:
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
            "active injections, by the answer key: 1",
            "injections of this test: 1 (1 active)",
            "  inj_* cache.bounded_stale on loan_*: served {*'status': 'USING'*",
        ]
    )


def test_a_suite_without_the_fixture_starts_no_server() -> None:
    heavy = {"flask", "sqlalchemy", "requests", "pydantic", "waitress"}
    script = f"import sys, mocklend.testing; print(sorted({heavy!r} & set(sys.modules)))"

    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert output == "[]\n"


@needs_faults
def test_a_fault_is_armed_for_as_long_as_the_block_lasts(mocklend: Client) -> None:
    with mocklend.arm(
        "transport.latency", probability=1, times=2, delay_ms=1, match={"operation": "listLoans"}
    ) as rule:
        for _ in range(3):
            mocklend.loans()
        assert rule.refresh()["injected"] == 2
        assert [rule["id"] for rule in mocklend.rules()["rules"]] == ["transport.latency"]

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
def test_the_exception_of_a_block_is_raised_whatever_disarming_raises(
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

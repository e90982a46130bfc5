"""The report of a failed test: its seed, the injections, and that a failing report does not hide the failure."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]


needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


DOUBLES = {
    "requests_mock": "monkeypatch.setattr('requests.Session.get_adapter', broken)",
    "responses": "monkeypatch.setattr('requests.adapters.HTTPAdapter.send', broken)",
    "a session of one's own": "monkeypatch.setattr('requests.Session.request', broken)",
    "httpretty": "monkeypatch.setattr('socket.create_connection', broken)",
    "pytest-socket": "monkeypatch.setattr('socket.socket', broken); mocklend.close()",
    "a loop that fails": "monkeypatch.setattr('waitress.wasyncore.poll2', broken)",
    "a frozen clock": "monkeypatch.setattr('time.time', lambda: 0.0); monkeypatch.setattr('time.monotonic', lambda: 0.0)",
}


def test_a_mocked_http_library_neither_hides_the_failure_nor_ends_the_run(suite: pytest.Pytester) -> None:
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
        patterns = [f"*assert 'ada' == 'bob {n}'*", "seed *", "the clock says 2026-01-05T02:00:00.000Z"]
        result.stdout.fnmatch_lines(patterns)
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


def test_a_failing_report_does_not_hide_the_failure(suite: pytest.Pytester) -> None:
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
        patterns = [f"*assert 'ada' == 'bob {n}'*", "seed *; replay: *", "the platform gave no account: *"]
        result.stdout.fnmatch_lines(patterns)
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("stop", ["KeyboardInterrupt", "pytest.exit.Exception('enough')"])
def test_ctrl_c_during_the_report_stops_the_run(suite: pytest.Pytester, stop: str) -> None:
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
def test_the_report_has_every_injection_and_every_rule_with_its_counters(suite: pytest.Pytester) -> None:
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
            "active injections, by the answer key: 1",
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
def test_a_failure_in_a_later_fixture_is_reported_too(suite: pytest.Pytester) -> None:
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
    message = "fault cache.bounded_stale of rule mine broke at view.refresh of loan_*, seed 11: ZeroDivisionError: the author*"
    result.stdout.fnmatch_lines(
        [f"E*ProblemError: 500 fault_broke: {message}", "*- mocklend -*", message, "*- Captured *"]
    )
    lines = result.outlines[: next(n for n, line in enumerate(result.outlines) if "fault_broke" in line)]
    assert len(lines) < 60, "the first mention of what broke comes late"
    assert result.stdout.str().count("\nfault cache.bounded_stale of rule mine broke") == 2, (
        "each account begins with it"
    )

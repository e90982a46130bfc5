"""A user's reconciler runs in a process of its own, without the answer key, and its failures are reported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mocklend.client import Client
from mocklend.reconcilers.alone import ReconcilerFailed, run_alone
from mocklend.reconcilers.found import Found
from mocklend.reconcilers.named import UnknownReconciler

FOUND = "from mocklend.reconcilers.found import Found\n"


@pytest.fixture
def run(mocklend: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Found]]:
    """Run the code of a reconciler, as `mocklend reconcile` does, where all keys are in the environment."""
    monkeypatch.setenv("MOCKLEND_API_KEY", mocklend.api_key or "")
    monkeypatch.setenv("MOCKLEND_CONTROL_TOKEN", "secret-of-control")

    def run(code: str) -> list[Found]:
        file = tmp_path / "mine.py"
        file.write_text(FOUND + code, encoding="utf-8")
        return run_alone(str(file), mocklend.base_url, timeout_s=60, api_key=mocklend.staff_key(), tokens={})

    return run


def test_the_findings_of_a_reconciler_are_returned(
    run: Callable[[str], list[Found]], mocklend: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")

    [findings] = run("""
def reconcile(client):
    print("looking")
    return [Found("stale_view", one["id"], one["id"], 5, "wait", "王") for one in client.every("loans")
            if client.books(one["id"])["status"]]
""")

    assert (findings.finding_class, findings.entity, findings.amount_minor, findings.detail) == (
        "stale_view",
        loan["id"],
        5,
        "王",
    )
    out, err = capfd.readouterr()
    assert (out, err) == ("", "looking\n")  # What it prints is for people.


@pytest.mark.parametrize(
    "ask",
    [
        "client.answer_key()", "client.rules()", "client.audit()", "client.score([])", "client.explain('loan_1')",
        "client.requests_made()", "client.halt()", "client.staff_key()", "client.sandbox(seed=1)", "client.reset()",
        "client.advance('P1D')", "client.request('GET', '/v1/../-/answer-key')", "client.request('GET', '/-/%61nswer-key')",
        "client.request('GET', '/-//answer-key')",
    ],
)  # fmt: skip
def test_a_reconciler_cannot_read_the_answer_key(run: Callable[[str], list[Found]], mocklend: Client, ask: str) -> None:
    code = f"""
from mocklend.client import ProblemError
def reconcile(client):
    try:
        {ask}
    except ProblemError as problem:
        return [Found(problem.code, "x", None, problem.status, "none", "")]
    return []
"""

    [finding] = run(code)

    assert (finding.finding_class, finding.amount_minor) in (("key_of_staff", 403), ("not_found", 404))
    assert mocklend.clock()["now"] == "2026-01-05T02:00:00.000Z"


def test_a_reconciler_has_no_key_or_token_in_its_environment(
    run: Callable[[str], list[Found]], mocklend: Client
) -> None:
    [findings] = run("""
import os, sys
def reconcile(client):
    return [Found("x", "x", None, 0, "none", repr(sorted(os.environ.items())) + repr(sys.argv) + repr(vars(client)))]
""")

    assert (mocklend.api_key or "?") not in findings.detail
    assert "secret-of-control" not in findings.detail
    assert "MOCKLEND_" not in findings.detail
    assert os.environ["MOCKLEND_API_KEY"] == mocklend.api_key


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def reconcile(client):\n    raise LookupError('no such row')\n", "LookupError: no such row"),
        ("def reconcile(client):\n    return [{'class': 'x'}]\n", "AttributeError"),
        ("def reconcile(client):\n    return 5\n", "TypeError"),
        ("def reconcile(client):\n    import os; os._exit(3)\n", "ended with 3"),
        ("import no_such_module\n", "ModuleNotFoundError"),
        ("raise SystemExit(4)\n", "ended with 4"),
    ],
)
def test_a_failing_reconciler_has_its_failure_reported(run: Callable[[str], list[Found]], code: str, why: str) -> None:
    with pytest.raises(ReconcilerFailed, match=why):
        run(code)


def test_a_file_without_the_function_is_refused(run: Callable[[str], list[Found]]) -> None:
    with pytest.raises(UnknownReconciler, match="defines no reconcile"):
        run("x = 1\n")

"""Once a dispute is CORRECTED its loan is right, whatever fault it is about; until then it lists what is left to do."""

from __future__ import annotations

import pytest

from mocklend.servicing.disputes import CLAIMS
from mocklend.storage.values import LEFT_TO_DO
from mocklend_faults.engine.catalogue import installed
from support import paired_runs
from support.disputes import decided

KINDS = sorted(installed())
TOO_EARLY = {"dispute.deadline_missed"}
"""Kinds whose disputes operations have not decided."""
RENEWED = ("wrong_bureau",)
"""Discrepancies that remain until the bureau publishes the corrected records."""


def wrong_with(run: paired_runs.StoryRun, loan_id: str) -> list[tuple[str, str]]:
    """The discrepancies of a loan, without those of its views."""
    return [
        (discrepancy["class"], discrepancy["entity"])
        for discrepancy in run.client.audit()["discrepancies"]
        if discrepancy["loan_id"] == loan_id and discrepancy["class"] not in RENEWED
    ]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[] if n % 8 == 0 else pytest.mark.long)
        for n, kind in enumerate(kind for kind in KINDS if kind not in TOO_EARLY)
    ],
)
def test_a_dispute_decided_as_corrected_has_corrected_the_loan(kind: str, mocklend_server: str) -> None:
    lesson, turn = paired_runs.lesson_of(kind), KINDS.index(kind) % len(CLAIMS)
    with paired_runs.story_run(mocklend_server, **lesson.sandbox) as run:
        run.client.arm(kind, rule_id="lesson", match=lesson.match, select=lesson.select, **lesson.settings)
        lesson.story(run)
        run.client.halt()

        for claim in (*CLAIMS[turn:], *CLAIMS[:turn]):
            for loan_id in run.loans:
                before = wrong_with(run, loan_id)
                answer = decided(run, loan_id, claim)
                after = wrong_with(run, loan_id)

                if answer["state"] == "CORRECTED":
                    assert (after, answer["left_to_do"], answer["marked"]) == ([], [], False), before
                    page, books = run.client.loan(loan_id), run.client.books(loan_id)
                    assert (page["status"], page["outstanding_minor"]) == (books["status"], books["outstanding_minor"])
                else:
                    assert (answer["state"], answer["marked"]) == ("UPHELD", True)
                    assert answer["left_to_do"]
                    assert {task["what"] for task in answer["left_to_do"]} <= set(LEFT_TO_DO)
                assert not [
                    discrepancy
                    for discrepancy in run.client.audit()["discrepancies"]
                    if discrepancy["class"] == "untrue_decision"
                ]

        run.client.advance("P3D")
        audit = run.client.audit()
        assert [discrepancy for discrepancy in audit["discrepancies"] if discrepancy["explained_by"] is None] == []
        assert audit["unobserved"] == []

"""What a client gets: single answers that were wrong, and what the armed rules are certain to make of an answer now.

injections at the seam of the answer ─▶ a row per wrong answer: it is over, and the next answer is right
layer.certain(the request of a view) ─▶ what whoever asks for the view now gets instead of it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mocklend.audit.chain.docs import AnswerDoc, View
from mocklend.audit.chain.rows import Row
from mocklend.audit.chain.subject import Subject
from mocklend.domain.finding import TIMING
from mocklend.domain.problems import PROBLEMS
from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.layer import Foreseen, TracedInjection
from mocklend.storage.snapshot import PlatformLayer

ANSWERS_MAX = 10
"""How many wrong answers have a row, the newest."""
LATE, WHOLE = "late", "none"
ASKED: Mapping[View, tuple[str, str]] = {
    View.BOOKS: ("getBookedLoan", "/operator/loans/{loan_id}"),
    View.PAGE: ("getLoan", "/v1/loans/{loan_id}"),
    View.LIST: ("listLoans", "/v1/loans"),
    View.INSTALMENTS: ("listInstalments", "/v1/loans/{loan_id}/instalments"),
    View.REPORT: ("getCreditReport", "/bureau/borrowers/{borrower_id}/report"),
    View.SCORE: ("getCreditScore", "/bureau/borrowers/{borrower_id}/score"),
}
"""The operation that shows a view, and its path."""
DRAWS = tuple(n * 10_000 + n for n in range(100))
"""Draws of a hundred requests, spread evenly, so that a share of them is a share of all."""
FEW = (DRAWS[0], DRAWS[50], DRAWS[99])
"""The draws that tell whether a view is affected at all."""


def wrong_answers(traced: Iterable[TracedInjection]) -> list[tuple[Row, TracedInjection]]:
    """A row for each of the newest answers that were wrong, oldest first, with the injection that made it so."""
    of_answers = [each for each in traced if each.seam == ApiAnswer.seam and each.finding.finding_class == TIMING]
    return [
        (Row(View.CLIENT, each.entity, None, None, _served(each), as_of_ms=each.at_ms), each)
        for each in of_answers[-ANSWERS_MAX:]
    ]


def _served(injection: TracedInjection) -> str:
    """What the client got: a problem's code, how the answer broke, or `late`."""
    after = {change.field: change.after for change in injection.changes}
    return after.get("answer_code") or after.get("break_how") or LATE


def answers_now(layer: PlatformLayer | None, subject: Subject) -> dict[View, AnswerDoc]:
    """What whoever asks for a view now is certain to get instead of it; views that are answered right are left out."""
    if layer is None:
        return {}
    tried = _foreseen(layer, subject, tuple(ASKED), FEW)
    affected = tuple(view for view, outcomes in tried.items() if any(each.rules for each in outcomes))
    found = _foreseen(layer, subject, affected, DRAWS) if affected else {}
    return {view: answer for view, outcomes in found.items() if (answer := _worst(outcomes)) is not None}


def _foreseen(
    layer: PlatformLayer, subject: Subject, views: Sequence[View], draws: Sequence[int]
) -> dict[View, list[Foreseen[ApiAnswer]]]:
    """What becomes of requests for each view with each draw."""
    events = [(view, event) for view in views for event in _events(subject, view, draws)]
    found: dict[View, list[Foreseen[ApiAnswer]]] = {}
    outcomes = layer.certain(subject.snapshot, [event for _, event in events])
    for (view, _), outcome in zip(events, outcomes, strict=True):
        found.setdefault(view, []).append(outcome)
    return found


def _events(subject: Subject, view: View, draws: Sequence[int]) -> Iterator[ApiAnswer]:
    operation, path = ASKED[view]
    ids = {"loan_id": subject.loan.id, "borrower_id": subject.loan.borrower_id}
    entity = next((id for name, id in ids.items() if f"{{{name}}}" in path), operation)
    for draw in draws:
        yield ApiAnswer(
            entity=entity,
            occurrence=1,
            now_ms=subject.snapshot.now_ms,
            currency="CNY",
            loan_id=subject.loan.id if "{loan_id}" in path else "",
            plane=path.split("/")[1],
            method="GET",
            operation=operation,
            path=path,
            writes=False,
            channel=None,
            draw=draw,
        )


def _worst(outcomes: Sequence[Foreseen[ApiAnswer]]) -> AnswerDoc | None:
    """The gravest answer among those of all draws, and its share; None if all are right and on time."""
    kinds = Counter((each.answer_code, each.break_how, each.delay_ms) for each, _ in outcomes)
    wrong = [kind for kind in kinds if kind != (None, WHOLE, 0)]
    if not wrong:
        return None
    worst = max(wrong, key=lambda kind: (kind[0] is not None or kind[1] != WHOLE, kinds[kind]))
    code, broken, delay_ms = worst
    rules = next(rules for each, rules in outcomes if (each.answer_code, each.break_how, each.delay_ms) == worst)
    return AnswerDoc(
        status=200 if code is None else PROBLEMS[code].status,
        code=code,
        broken=broken,
        delay_ms=delay_ms,
        percent=round(100 * kinds[worst] / len(outcomes)),
        rules=list(rules),
    )

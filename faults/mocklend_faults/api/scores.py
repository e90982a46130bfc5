"""POST /-/scores: a reconciler's findings against the answer key.

Nothing is stored: the same findings at the same moment have the same score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BeforeValidator, FailFast, Field, ValidationError, create_model
from sqlalchemy import Connection

from mocklend.api.answers import rendered
from mocklend.api.asking import snapshot
from mocklend.api.audit import audited
from mocklend.api.fields import Body, Choice, Doc, Id, Moment, RelativeMinor, Share, Text, Whole
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.domain.finding import CLASSES, FINDINGS_MAX
from mocklend.domain.problems import Refused
from mocklend.sandboxes.moments import FIRST_MS, rfc3339
from mocklend_faults.api.rules import rules_told
from mocklend_faults.engine.counting import tallies
from mocklend_faults.engine.hints import OVER_BY_ITSELF, no_lies
from mocklend_faults.engine.layer import stored_of
from mocklend_faults.engine.records import acts, harmful, look, refused
from mocklend_faults.engine.scoring import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    TIMING,
    Records,
    Reported,
    Thresholds,
    Window,
    score,
)

scores = APIBlueprint("scores", __name__, tag="Faults")

LISTED_MOST = 1_000
LOOKS_MOST = 10_000
SCORED = {"findings": [{"class": "stale_view", "entity": "loan_of_a_borrower", "amount_minor": 5_000}]}
"""The example of the documentation."""
BOUND_MOST_S = 3_660 * 86_400

Ratio = Annotated[Decimal, Share()]
Count = Annotated[int, Whole(0, 10**6)]

# `class` is a word of Python's own, so this model cannot be written as a class.
_FINDING_FIELDS: dict[str, Any] = {
    "class": (Annotated[str, Choice(tuple(dict.fromkeys((*CLASSES, TIMING))))], ...),
    "entity": (Id, ...),
    "loan_id": (Id | None, None),
    "amount_minor": (RelativeMinor | None, None),
    "action": (Annotated[str, Text(80)] | None, None),
    "detail": (Annotated[str, Text(1_000, shortest=0)] | None, None),
    "found_at": (Moment | None, None),
}
_FINDING_DOC = "What a reconciler found: a class of break on an entity. Only those two are needed."
FindingBody = create_model("FindingBody", __base__=Body, __doc__=_FINDING_DOC, **_FINDING_FIELDS)

# `from` is another.
_WINDOW_FIELDS: dict[str, Any] = {"from": (Moment | None, None), "to": (Moment | None, None)}
_WINDOW_DOC = "From when to when the reconciler is judged, both included: all that ever was, unless told."
WindowBody = create_model("WindowBody", __base__=Body, __doc__=_WINDOW_DOC, **_WINDOW_FIELDS)


def _one_by_one(findings: Any) -> Any:
    """Findings that are read already, up to the first that is wrong; refused where they are too many.

    Pydantic reads a list in one call, during which no other thread of the process works: a second, where it is long.
    """
    if not isinstance(findings, list):
        return findings
    if len(findings) > FINDINGS_MAX:
        raise Refused(
            "too_many_findings",
            "there are more findings than are scored at once",
            expected=f"at most {FINDINGS_MAX}",
            received=len(findings),
        )
    found: list[Any] = []
    for one in findings:
        try:
            found.append(FindingBody.model_validate(one))
        except ValidationError:
            return [*found, one]
    return found


class ThresholdsBody(Body):
    """What is asked of a reconciler; null asks nothing."""

    precision_min: Ratio | None = Decimal(1)
    recall_min: Ratio | None = Decimal(1)
    f1_min: Ratio | None = None
    kind_accuracy_min: Ratio | None = None
    amount_accuracy_min: Ratio | None = None
    money_recall_min: Ratio | None = None
    harmful_repairs_max: Count | None = 0
    silent_rules_max: Count | None = 0


class NewScore(Body):
    """Findings to be scored. `operators` are those whose acts are judged as repairs: everybody's, unless told.

    `looks` are the moments at which the reconciler looked: what was told at none of them is not demanded.
    """

    findings: Annotated[
        list[FindingBody],  # type: ignore[valid-type]
        FailFast(),  # The errors of one: those of millions of wrong names took gigabytes.
        BeforeValidator(_one_by_one),
        Field(json_schema_extra={"maxItems": FINDINGS_MAX}),
    ]
    thresholds: ThresholdsBody = ThresholdsBody()
    window: WindowBody = WindowBody()  # type: ignore[valid-type]
    bound_s: Annotated[int, Whole(0, BOUND_MOST_S)] | None = None
    looks: list[Moment] | None = Field(default=None, max_length=LOOKS_MOST)
    operators: list[Annotated[str, Text(200)]] | None = Field(default=None, max_length=100)
    listed_most: Annotated[int, Whole(0, FINDINGS_MAX)] = LISTED_MOST


class ScoreDoc(Doc):
    """A score. Each number and each list is defined in docs/scoring.md.

    `hint` says, where nothing was to be found, why that is so and what to do.
    """

    verdict: Annotated[str, Choice((PASS, FAIL, INCONCLUSIVE))]
    reasons: list[str]
    hint: str | None
    scored_at: str
    window: dict[str, Any]
    thresholds: dict[str, Any]
    counts: dict[str, int]
    precision: float | None
    recall: float | None
    f1: float | None
    kind_accuracy: float | None
    amount_accuracy: float | None
    by_class: dict[str, Any]
    money: dict[str, Any]
    time_to_detect_s: dict[str, int | None]
    time_to_repair_s: dict[str, int | None]
    borrower_harm: dict[str, float]
    timing_noise: int
    penalty_points: int
    silent_rules: list[str]
    lists: dict[str, list[Any]]
    lists_cut: list[str]


@scores.post("/-/scores")
@scores.input(NewScore, arg_name="new")
@scores.output(ScoreDoc)
@scores.doc(**described("score", "too_many_findings", example=SCORED))
def post_score(new: NewScore) -> Response:
    """How good the findings are: precision, recall, time, money, harm, and a verdict."""
    with snapshot() as (connection, sandbox, now_ms):
        window = _window(new.window, new.looks, now_ms)
        reported = [_reported(n, one, now_ms) for n, one in enumerate(new.findings)]
        lies, records = _looked(connection, sandbox, now_ms, window, new.operators)
    told = score(
        lies,
        reported,
        window=window,
        thresholds=Thresholds(**dict(new.thresholds)),
        records=records,
        bound_s=new.bound_s,
        listed_most=new.listed_most,
    )
    hint = None
    if not told["counts"]["demanded"]:
        hint = OVER_BY_ITSELF if lies else no_lies(rules_told())
    return rendered(told | {"scored_at": rfc3339(now_ms), "hint": hint})


def _looked(
    connection: Connection, sandbox: str, now_ms: int, window: Window, operators: Iterable[str] | None
) -> tuple[list[Any], Records]:
    done = acts(connection, sandbox)
    looked = look(connection, sandbox, now_ms, done)
    judged = [
        act
        for act in done
        if window.from_ms <= act.at_ms <= window.to_ms and (operators is None or act.operator in operators)
    ]
    # An audit looks at every loan: it is worth that only where somebody has acted.
    discrepancies: list[Mapping[str, Any]] = audited(connection, sandbox, now_ms)["discrepancies"] if judged else []
    counted = tallies(connection, sandbox, stored_of(connection, sandbox), ())
    silent = [id for id, tally in counted.items() if not tally.injected]
    records = Records(
        harmful_repairs=harmful(judged, looked, discrepancies, named=operators is not None),
        refused_applications=refused(connection, sandbox, looked.lies, window),
        silent_rules=silent,
    )
    return looked.lies, records


def _window(given: Any, looks_ms: Sequence[int] | None, now_ms: int) -> Window:
    from_ms, to_ms = getattr(given, "from"), given.to
    looked = None if looks_ms is None else tuple(sorted(set(looks_ms)))
    window = Window(FIRST_MS if from_ms is None else from_ms, now_ms if to_ms is None else to_ms, looked)
    if window.to_ms > now_ms:
        raise field_problem("window.to", f"a moment up to now, {rfc3339(now_ms)}", rfc3339(window.to_ms))
    if window.from_ms > window.to_ms:
        raise field_problem("window.from", f"a moment up to {rfc3339(window.to_ms)}", rfc3339(window.from_ms))
    for n, look_ms in enumerate(looks_ms or ()):
        if not window.from_ms <= look_ms <= window.to_ms:
            expected = f"a moment of the window, {rfc3339(window.from_ms)} to {rfc3339(window.to_ms)}"
            raise field_problem(f"looks.{n}", expected, rfc3339(look_ms))
    return window


def _reported(n: int, given: Any, now_ms: int) -> Reported:
    found_ms = now_ms if given.found_at is None else given.found_at
    if found_ms > now_ms:
        expected = f"a moment up to now, {rfc3339(now_ms)}, on the sandbox's clock"
        raise field_problem(f"findings.{n}.found_at", expected, rfc3339(found_ms))
    return Reported(
        n=n,
        finding_class=getattr(given, "class"),
        entity=given.entity,
        found_ms=found_ms,
        amount_minor=given.amount_minor,
        action=given.action,
        loan_id=given.loan_id,
    )

"""/-/scores: a reconciler's findings against the answer key, and the scores that are kept.

The same findings at the same moment have the same score. Each is kept, with who handed in: see `engine.kept_scores`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, TypedDict, cast

from apiflask import APIBlueprint
from flask import Response
from pydantic import BeforeValidator, FailFast, Field, ValidationError, create_model

from mocklend.api.documents import document
from mocklend.api.fields import Doc, Id, Moment, RelativeMinor
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.problems import field_problem
from mocklend.api.request_context import (
    current_platform,
    for_students,
    leaves_truth_out,
    open_snapshot,
    shows_truth,
    truth_hidden,
)
from mocklend.api.responses import rendered
from mocklend.audit import audit
from mocklend.domain.finding import CLASSES, FINDINGS_MAX, TIMING, Discrepancy
from mocklend.domain.nouns import JsonObject, NextCursor, says
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import LABEL_MAX
from mocklend.sandboxes.timestamps import FIRST_MS, rfc3339
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Sandbox
from mocklend.validation import Body, OneOf, Ratio, bounded_int, bounded_str
from mocklend.views.reads import cursor
from mocklend_faults.api.rules import rule_documents
from mocklend_faults.api.sentences import SentenceDoc
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.counting import tallies
from mocklend_faults.engine.hints import OVER_BY_ITSELF, why_empty
from mocklend_faults.engine.kept_scores import (
    NUMBER_MAX,
    KeepScore,
    KeptScore,
    KeptScoreDoc,
    kept_doc,
    newest,
    number_of,
    score_of,
)
from mocklend_faults.engine.layer import FaultLayer
from mocklend_faults.engine.loaded_rules import stored_of
from mocklend_faults.engine.near import near_pairs
from mocklend_faults.engine.records import harmful, refused, staff_actions, view_key
from mocklend_faults.engine.score_verdict import FAIL, INCONCLUSIVE, PASS, Thresholds
from mocklend_faults.engine.scoring import Break, Records, ReportedFinding, Window, score

scores = APIBlueprint("scores", __name__, tag="Faults")

LISTED_MAX = 1_000
SCORES = "scores"
"""The name of the list of kept scores in its cursors."""
CHECKS_MAX = 10_000
WITHOUT_LISTS: JsonObject = {
    "hint": None, "reasons": [], "sentences": [], "silent_rules": [], "by_class": {}, "lists": {}, "lists_cut": [],
    "near": [], "money": {}, "time_to_detect_s": {}, "time_to_repair_s": {}, "borrower_harm": {},
}  # fmt: skip
"""What a score leaves out for whoever may not see the truth: all but the counts and their ratios."""
THE_TEACHERS = ("thresholds", "window", "min_visible_s", "checked_at", "operators")
"""What changes what is demanded: while the truth is hidden, a student does not say it."""
SCORED = {
    "findings": [{"class": "stale_view", "entity": "loan_of_a_borrower", "amount_minor": 5_000}],
    "label": "Group 7",
}
"""The example of the documentation."""
BOUND_S_MAX = 3_660 * 86_400

Count = Annotated[int, bounded_int(0, 10**6)]

# `class` is a keyword of Python, so this model cannot be written as a class.
_FINDING_FIELDS: JsonObject = {
    "class": (
        Annotated[str, OneOf(tuple(dict.fromkeys((*CLASSES, TIMING))))],
        Field(description="The finding class; `timing` for a difference that ends by itself."),
    ),
    "entity": (
        Id,
        Field(description="The id of the entity that is wrong, as specific as possible: a repayment, an edit, a loan."),
    ),
    "loan_id": (LoanId | None, None),
    "amount_minor": (
        RelativeMinor | None,
        Field(default=None, description="The amount of the difference, in minor units."),
    ),
    "action": (
        Annotated[str, bounded_str(80)] | None,
        Field(default=None, description="A proposed repair. It is not judged."),
    ),
    "detail": (
        Annotated[str, bounded_str(1_000, shortest=0)] | None,
        Field(default=None, description="An explanation for people. It is not judged."),
    ),
    "found_at": (
        Moment | None,
        Field(
            default=None, description="When it was found, on the sandbox's clock; the moment of scoring if not given."
        ),
    ),
}
_FINDING_DOC = "A finding of a reconciler: a finding class on an entity. Only these two are required."
FindingBody = create_model("FindingBody", __base__=Body, __doc__=_FINDING_DOC, **_FINDING_FIELDS)

# `from` is a keyword, too.
_WINDOW_FIELDS: JsonObject = {
    "from": (Moment | None, Field(default=None, description="The first moment that counts, on the sandbox's clock.")),
    "to": (Moment | None, Field(default=None, description="The last moment that counts, on the sandbox's clock.")),
}
_WINDOW_DOC = "The time for which the reconciler is judged, both ends included; the whole story by default."
WindowBody = create_model("WindowBody", __base__=Body, __doc__=_WINDOW_DOC, **_WINDOW_FIELDS)


def _one_by_one(findings: object) -> object:
    """The findings, validated one by one up to the first that is wrong. Raises Refused `too_many_findings`.

    Pydantic validates a list in one call, during which no other thread of the process runs: a second for a long list.
    """
    if not isinstance(findings, list):
        return findings
    if len(findings) > FINDINGS_MAX:
        raise Refused(
            "too_many_findings",
            "the request has too many findings",
            expected=f"at most {FINDINGS_MAX}",
            received=len(findings),
        )
    valid: list[Body] = []
    for finding in findings:
        try:
            valid.append(FindingBody.model_validate(finding))
        except ValidationError:
            return [*valid, finding]
    return valid


class ThresholdsBody(Body):
    """What a reconciler has to reach; null demands nothing."""

    precision_min: Ratio | None = Field(default=Decimal(1), description="The least precision that passes, 0 to 1.")
    recall_min: Ratio | None = Field(default=Decimal(1), description="The least recall that passes, 0 to 1.")
    f1_min: Ratio | None = Field(default=None, description="The least F1 that passes, 0 to 1.")
    kind_accuracy_min: Ratio | None = Field(
        default=None, description="The least share of hits with the right class that passes, 0 to 1."
    )
    amount_accuracy_min: Ratio | None = Field(
        default=None, description="The least share of right amounts that passes, 0 to 1."
    )
    money_recall_min: Ratio | None = Field(
        default=None, description="The least recall of money that passes in every currency, 0 to 1."
    )
    harmful_repairs_max: Count | None = Field(default=0, description="The most harmful repairs that pass.")
    silent_rules_max: Count | None = Field(
        default=0, description="The most rules without an injection that do not make the verdict INCONCLUSIVE."
    )


class NewScore(Body):
    """Findings to be scored."""

    findings: Annotated[
        list[FindingBody],  # type: ignore[valid-type]
        FailFast(),  # Only the first error is kept: a list of millions of errors took gigabytes.
        BeforeValidator(_one_by_one),
        Field(json_schema_extra={"maxItems": FINDINGS_MAX}),
    ] = Field(description="What the reconciler reported, in any order.")
    thresholds: ThresholdsBody = Field(default=ThresholdsBody(), description="The thresholds of PASS.")
    window: WindowBody = Field(  # type: ignore[valid-type]
        default=WindowBody(), description="The time for which the reconciler is judged."
    )
    min_visible_s: Annotated[int, bounded_int(0, BOUND_S_MAX)] | None = Field(
        default=None,
        description="A break that was visible for at least this many seconds is demanded even if it ended by itself.",
    )
    checked_at: list[Moment] | None = Field(
        default=None,
        max_length=CHECKS_MAX,
        description="The times at which the reconciler checked. A break that none of them could show is not demanded.",
    )
    operators: list[Annotated[str, bounded_str(200)]] | None = Field(
        default=None,
        max_length=100,
        description="The operators whose actions are judged as repairs; all operators if not given.",
    )
    listed_max: Annotated[int, bounded_int(0, FINDINGS_MAX)] = Field(
        default=LISTED_MAX,
        description="The greatest length of each list of the answer. The counts include what is cut off.",
    )
    label: Annotated[str, bounded_str(LABEL_MAX)] | None = Field(
        default=None, description="Who hands in; the sandbox's label if not given."
    )


class JudgedWindow(Doc):
    """The window of a score."""

    from_: str = Field(alias="from", description="The first moment that counts. RFC 3339, on the sandbox's clock.")
    to: str = Field(description="The last moment that counts. RFC 3339, on the sandbox's clock.")
    min_visible_s: int | None = Field(description="The `min_visible_s` of the request; null if it had none.")
    checked_at: int | None = Field(description="The number of moments in `checked_at`; null if it was not given.")


class ThresholdsDoc(Doc):
    """What the reconciler had to reach; null demands nothing."""

    precision_min: float | None = Field(description="The least precision that passes, 0 to 1.")
    recall_min: float | None = Field(description="The least recall that passes, 0 to 1.")
    f1_min: float | None = Field(description="The least F1 that passes, 0 to 1.")
    kind_accuracy_min: float | None = Field(description="The least share of right classes that passes, 0 to 1.")
    amount_accuracy_min: float | None = Field(description="The least share of right amounts that passes, 0 to 1.")
    money_recall_min: float | None = Field(description="The least recall of money that passes, 0 to 1.")
    harmful_repairs_max: int | None = Field(description="The most harmful repairs that pass.")
    silent_rules_max: int | None = Field(description="The most silent rules that pass.")


class ClassScore(Doc):
    """How well the breaks of one finding class were found."""

    demanded: int = Field(description="The number of demanded breaks of the class.")
    found: int = Field(description="How many of them were found.")
    wrong: int = Field(description="The number of wrong findings with the class.")
    precision: float | None = Field(description="Found / (found + wrong), 0 to 1.")
    recall: float | None = Field(description="Found / demanded, 0 to 1.")
    f1: float | None = Field(description="2 found / (found + wrong + demanded), 0 to 1.")


class MoneyScore(Doc):
    """How much of the wrong money was found, in one currency."""

    demanded_minor: int = Field(description="The sum of the amounts of the demanded breaks, in minor units.")
    found_minor: int = Field(description="The sum of the amounts of those that were found, in minor units.")
    recall: float | None = Field(description="Found / demanded, 0 to 1.")
    at_risk_minor_hours: int = Field(description="The sum over all breaks of amount times hours of visibility.")


class NearPair(Doc):
    """A finding that hits the loan or the entity of a break, with another class."""

    n: int = Field(description="The place of the finding in the request, from 0.")
    said: str = Field(description="The class of the finding.")
    actual: str = Field(description="The class of the break.")
    entity: str = Field(description="The entity of the finding.")
    loan_id: str | None = Field(description="The loan of the break; null if it has none.")
    injection: str = Field(description="The entry of the answer key.")


class ScoreDoc(Doc):
    """A score. docs/scoring.md defines each number and each list."""

    id: str = Field(description="The id under which the score is kept: GET /-/scores/{score_id}.")
    label: str = Field(description="Who handed in; empty if nobody said.")
    verdict: Annotated[str, OneOf((PASS, FAIL, INCONCLUSIVE))] = Field(
        description="PASS, FAIL (a threshold was missed), or INCONCLUSIVE (too little happened to judge)."
    )
    reasons: list[str] = Field(description="Why the verdict is not PASS, a sentence each.")
    sentences: list[SentenceDoc] = Field(
        description="The reasons as texts with placeholders, and their values: what another language is made of."
    )
    hint: str | None = Field(description="If no break was demanded: why, and what to do. Null otherwise.")
    scored_at: str = Field(description="When it was scored. RFC 3339, on the sandbox's clock.")
    window: JudgedWindow = Field(description="The window of the score, both ends included.")
    thresholds: ThresholdsDoc = Field(description="The thresholds of the request, with the defaults.")
    counts: dict[str, int] = Field(
        description="How many breaks were demanded, hit and missed, how many findings were wrong, and so on."
    )
    precision: float | None = Field(
        description="Hits / (hits + false + wrong class), 0 to 1; null if nothing was reported and nothing demanded."
    )
    recall: float | None = Field(description="Hits / demanded, 0 to 1; null if nothing was demanded.")
    f1: float | None = Field(description="2 hits / (2 hits + false + wrong class + missed), 0 to 1.")
    kind_accuracy: float | None = Field(description="Hits / (hits + wrong class), 0 to 1.")
    amount_accuracy: float | None = Field(description="Hits with the right amount / hits that give one, 0 to 1.")
    by_class: dict[str, ClassScore] = Field(description="Precision, recall and F1 by finding class.")
    money: dict[str, MoneyScore] = Field(description="By currency: amounts demanded, found and at risk.")
    time_to_detect_s: dict[str, int | None] = Field(
        description="Seconds from visible to found: `n` hits, their median `p50`, and `p95` by nearest rank."
    )
    time_to_repair_s: dict[str, int | None] = Field(
        description="Seconds from visible to ended: `n` that staff ended, their median `p50`, and `p95` by "
        "nearest rank."
    )
    borrower_harm: dict[str, float] = Field(
        description="The harm to borrowers: `unpaid_hours`, `wrong_report_days`, `refused_applications`."
    )
    timing_noise: int = Field(
        description="The number of findings of breaks that ended by themselves; they count neither as right nor wrong."
    )
    penalty_points: int = Field(description="Missed + false + wrong class + 10 for each harmful repair.")
    silent_rules: list[str] = Field(description="The ids of the rules that never injected.")
    near: list[NearPair] = Field(
        description="Of the listed findings, those that hit the loan or the entity of a break with another class."
    )
    lists: dict[str, list[Any]] = Field(description="The items that the counts count, a list for each.")
    lists_cut: list[str] = Field(description="The names of the lists that are longer than `listed_max`.")


class KeptScoreList(TypedDict):
    """A list page of kept scores, the newest first."""

    scores: Annotated[list[KeptScoreDoc], says("The scores of this page.")]
    next_cursor: NextCursor | None


@scores.post("/-/scores")
@scores.input(NewScore, arg_name="new")
@scores.output(ScoreDoc)
@scores.doc(**operation("score", "too_many_findings", "truth_hidden", example=SCORED))
@leaves_truth_out
@for_students
def post_score(new: NewScore) -> Response:
    """Score findings: precision, recall, times, money, harm, and a verdict. The score is kept: see `GET /-/scores`.

    While the truth is hidden, whoever has the sandbox's key alone sends `findings` and `label`, and gets counts and
    ratios, without classes, reasons, lists, money and times: what changes what is demanded is refused, `truth_hidden`.
    """
    with open_snapshot() as snapshot:
        shown = shows_truth(snapshot.sandbox)
        document, demands_nothing = scored(snapshot, fault_layer(), new if shown else handed_in(new))
    if demands_nothing:
        document["hint"] = why_empty(rule_documents())
    document = keep(current_platform(), snapshot.sandbox, snapshot.now_ms, document, new.label)
    return rendered(document if shown else document | WITHOUT_LISTS)


@scores.get("/-/scores")
@scores.input(Paged, location="query", arg_name="query")
@scores.output(document(KeptScoreList))
@scores.doc(**operation("listScores"))
@leaves_truth_out
@for_students
def list_scores(query: Paged) -> Response:
    """The scores of the sandbox, the newest first: the last 100 are kept."""
    after = decode_cursor(SCORES, query.cursor)
    if after and not number_of(after):
        raise field_problem("cursor", "a next_cursor of this list", query.cursor)
    with open_snapshot() as snapshot:
        kept = newest(snapshot, number_of(after) if after else NUMBER_MAX, query.limit + 1)
    page = kept[: query.limit]
    return rendered(
        KeptScoreList(
            scores=[kept_doc(score) for score in page],
            next_cursor=cursor(SCORES, page[-1].id) if len(kept) > query.limit else None,
        )
    )


@scores.get("/-/scores/<id:score_id>")
@scores.output(ScoreDoc)
@scores.doc(**operation("getScore", "score_unknown", parameters={"score_id": "scr_1"}))
@leaves_truth_out
@for_students
def get_score(score_id: str) -> Response:
    """One kept score, with the first 50 items of each list; while the truth is hidden, as `POST /-/scores` answers."""
    with open_snapshot() as snapshot:
        document = full_doc(score_of(snapshot, score_id))
    return rendered(document if shows_truth(snapshot.sandbox) else document | WITHOUT_LISTS)


def handed_in(new: NewScore) -> NewScore:
    """What a student hands in while the truth is hidden. The lists are the teacher's, and so is their length.

    Raises Refused `truth_hidden` if the request changes what is demanded.
    """
    usual = NewScore(findings=[])
    for name in THE_TEACHERS:
        if getattr(new, name) != getattr(usual, name):
            raise truth_hidden(f"`{name}` changes what is demanded, which the teacher says: leave it out")
    return new.model_copy(update={"listed_max": LISTED_MAX})


def full_doc(kept: KeptScore) -> JsonObject:
    """A kept score as POST /-/scores answered it, with the first items of its lists."""
    return {"id": kept.id, "label": kept.label, **json.loads(kept.doc)}


def keep(platform: Platform, sandbox: Sandbox, now_ms: int, score: JsonObject, label: str | None) -> JsonObject:
    """Keep a score of this moment. Returns it with its id and label: the sandbox's, if nobody says who hands in.

    Raises what any command is refused with, like Refused `unavailable`.
    """
    said = label or sandbox.label or ""
    kept = platform.run(KeepScore(sandbox.id, score, said, now_ms, platform.real_ms()))
    return {"id": kept.body["id"], "label": said, **score}


def scored(snapshot: Snapshot, layer: FaultLayer, new: NewScore) -> tuple[JsonObject, bool]:
    """The score of findings as POST /-/scores returns it, and whether the key has no break at all.

    Raises Refused `validation_failed` for a time to come.
    """
    now_ms = snapshot.now_ms
    window = _window(new.window, new.checked_at, now_ms)
    reported = [_reported(n, finding, now_ms) for n, finding in enumerate(new.findings)]
    breaks, records = _breaks_and_records(snapshot, layer, window, new.operators)
    document = score(
        breaks,
        reported,
        window=window,
        thresholds=Thresholds(**dict(new.thresholds)),
        records=records,
        min_visible_s=new.min_visible_s,
        listed_max=new.listed_max,
    )
    hint = OVER_BY_ITSELF if breaks and not document["counts"]["demanded"] else None
    near = near_pairs(cast("Mapping[str, Iterable[JsonObject]]", document["lists"]))
    return {**document, "near": near, "scored_at": rfc3339(now_ms), "hint": hint}, not breaks


def _breaks_and_records(
    snapshot: Snapshot, layer: FaultLayer, window: Window, operators: Iterable[str] | None
) -> tuple[list[Break], Records]:
    actions = staff_actions(snapshot)
    view = view_key(snapshot, actions)
    judged = [
        action
        for action in actions
        if window.from_ms <= action.at_ms <= window.to_ms and (operators is None or action.operator in operators)
    ]
    # An audit reads every loan, so it runs only if there is an action to judge.
    unexplained = _unexplained(snapshot, layer) if judged else []
    counted = tallies(snapshot, stored_of(snapshot), ())
    silent = [id for id, tally in counted.items() if not tally.injected]
    records = Records(
        harmful_repairs=harmful(judged, view, unexplained, named=operators is not None),
        refused_applications=refused(snapshot, view.breaks, window),
        silent_rules=silent,
    )
    return view.breaks, records


def _unexplained(snapshot: Snapshot, layer: FaultLayer) -> list[Discrepancy]:
    """The discrepancies of an audit that no injection explains."""
    discrepancies = audit(snapshot).discrepancies
    match = layer.explain_audit(snapshot, [discrepancy.finding for discrepancy in discrepancies])
    return [
        discrepancy
        for discrepancy, injection in zip(discrepancies, match.explained_by, strict=True)
        if injection is None
    ]


def _window(body: Any, checked_ms: Sequence[int] | None, now_ms: int) -> Window:
    from_ms, to_ms = getattr(body, "from"), body.to
    checks = None if checked_ms is None else tuple(sorted(set(checked_ms)))
    window = Window(FIRST_MS if from_ms is None else from_ms, now_ms if to_ms is None else to_ms, checks)
    if window.to_ms > now_ms:
        raise field_problem("window.to", f"a moment up to now, {rfc3339(now_ms)}", rfc3339(window.to_ms))
    if window.from_ms > window.to_ms:
        raise field_problem("window.from", f"a moment up to {rfc3339(window.to_ms)}", rfc3339(window.from_ms))
    for n, check_ms in enumerate(checked_ms or ()):
        if not window.from_ms <= check_ms <= window.to_ms:
            expected = f"a moment of the window, {rfc3339(window.from_ms)} to {rfc3339(window.to_ms)}"
            raise field_problem(f"checked_at.{n}", expected, rfc3339(check_ms))
    return window


def _reported(n: int, body: Any, now_ms: int) -> ReportedFinding:
    found_ms = now_ms if body.found_at is None else body.found_at
    if found_ms > now_ms:
        expected = f"a moment up to now, {rfc3339(now_ms)}, on the sandbox's clock"
        raise field_problem(f"findings.{n}.found_at", expected, rfc3339(found_ms))
    return ReportedFinding(
        n=n,
        finding_class=getattr(body, "class"),
        entity=body.entity,
        found_ms=found_ms,
        amount_minor=body.amount_minor,
        action=body.action,
        loan_id=body.loan_id,
    )

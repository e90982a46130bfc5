"""The page Score: findings of a reconciler, typed or pasted as JSON, against the answer key; and the kept scores.

A student may hand in, too, and sees the counts of the own scores: no class, no reason and no list.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from pydantic import ValidationError

from mocklend.api.json_body import parse
from mocklend.api.problems import field_problem, invalid
from mocklend.console.forms import Filled
from mocklend.console.visit import open_snapshot, platform, visit
from mocklend.console.words import VERDICTS
from mocklend.domain.finding import CLASSES
from mocklend.domain.problems import Refused
from mocklend.language import message
from mocklend.received import LONG_BODIES
from mocklend.scenarios.documents import PlayedChapter
from mocklend.scenarios.runs import run_of
from mocklend.scenarios.shown import run_doc
from mocklend_faults.api.scores import WITHOUT_LISTS, NewScore, full_doc, handed_in, keep, scored
from mocklend_faults.api.this_layer import layer_of
from mocklend_faults.engine.kept_scores import LISTED_MAX, NUMBER_MAX, kept_doc, newest, number_of, score_of

score_pages = Blueprint("score", __name__, template_folder="templates")

PAGE = 50
FINDINGS = "a JSON list of findings, or one per line; [] for none"
EXAMPLE = '[{"class": "stale_view", "entity": "loan_…"}]'
RATIOS = (
    ("precision", message("Precision")),
    ("recall", message("Recall")),
    ("f1", "F1"),
    ("kind_accuracy", message("Right class")),
)


@score_pages.get("/score")
def score() -> str:
    """The form, and the scores that are kept."""
    return _page(Filled())


@score_pages.get("/score/<score_id>")
def kept(score_id: str) -> str:
    """A kept score."""
    with open_snapshot() as snapshot:
        document = full_doc(score_of(snapshot, score_id))
    return _page(Filled({"label": str(document["label"])}), document)


@score_pages.post("/score")
def judge() -> str | tuple[str, int]:
    """The score of the findings, which is kept."""
    typed = {name: request.form.get(name, "").strip() for name in ("findings", "label")}
    try:
        new = _read(typed["findings"], typed["label"])
        if not visit().may_show_truth:
            new = handed_in(new)
        with open_snapshot() as snapshot:
            document, _ = scored(snapshot, layer_of(platform()), new)
        document = keep(platform(), snapshot.sandbox, snapshot.now_ms, document, new.label)
    except Refused as refused:
        errors = {"label" if each["field"] == "label" else "findings": each for each in refused.ids.get("errors", ())}
        return _page(Filled(typed, errors, refused)), refused.problem.status
    return _page(Filled(typed), document)


def _read(typed: str, label: str) -> NewScore:
    """Findings: a JSON list, a JSON object with `findings`, or a JSON object per line. Who found none writes `[]`."""
    if not typed:
        raise field_problem("findings", FINDINGS, "nothing")
    body, most = typed.encode("utf-8", "replace"), LONG_BODIES["/-/scores"]
    if len(body) > most:
        raise field_problem("findings", f"at most {most} bytes", len(body))
    try:
        read = parse(body)
    except Refused as whole:
        if whole.code != "body_not_json":
            raise field_problem("findings", FINDINGS, whole.detail) from None
        try:
            read = [parse(line.encode("utf-8", "replace")) for line in typed.splitlines() if line.strip()]
        except Refused:
            raise field_problem("findings", FINDINGS, typed[:80]) from None
    if isinstance(read, dict) and "findings" not in read:
        read = [read]
    document = read if isinstance(read, dict) else {"findings": read}
    try:
        return NewScore.model_validate({**document, "listed_max": LISTED_MAX, **({"label": label} if label else {})})
    except ValidationError as error:
        raise invalid(error) from None


def _played() -> list[PlayedChapter]:
    """The chapters of the scenario of this sandbox at whose end the reconcilers ran; none where none is played."""
    try:
        run = run_of(platform(), visit().sandbox_id)
    except Refused:
        return []
    return [chapter for chapter in run_doc(run, visit().language)["chapters"] if chapter["found"]]


def _page(filled: Filled, document: dict[str, object] | None = None) -> str:
    before = request.args.get("before", "")
    with open_snapshot() as snapshot:
        listed = newest(snapshot, number_of(before) if before else NUMBER_MAX, PAGE + 1)
    shown = listed[:PAGE]
    return render_template(
        "score.html",
        chapters=_played() if visit().shows_truth else (),
        class_names=CLASSES,
        example=EXAMPLE,
        filled=filled,
        kept=[kept_doc(each) for each in shown],
        next=shown[-1].id if len(listed) > PAGE else None,
        ratios=RATIOS,
        score=document if document is None or visit().shows_truth else document | WITHOUT_LISTS,
        verdicts=VERDICTS,
    )

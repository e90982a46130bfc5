"""The page Score: findings of a reconciler, typed or pasted as JSON, against the answer key."""

from __future__ import annotations

import json

from flask import Blueprint, redirect, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.problems import field_problem, invalid
from mocklend.console.forms import Filled, sandbox_path
from mocklend.console.visit import open_snapshot, platform, require_teacher, visit
from mocklend.domain.problems import Refused
from mocklend.language import message
from mocklend_faults.api.scores import NewScore, scored
from mocklend_faults.api.this_layer import layer_of

score_pages = Blueprint("score", __name__, template_folder="templates")

LISTED_MAX = 50
EXAMPLE = '[{"class": "stale_view", "entity": "loan_…"}]'
VERDICT_NAMES = {
    "PASS": message("Passed"),
    "FAIL": message("Not passed"),
    "INCONCLUSIVE": message("Cannot be judged"),
}
RATIOS = (
    ("precision", message("Precision")),
    ("recall", message("Recall")),
    ("f1", "F1"),
    ("kind_accuracy", message("Right class")),
)


@score_pages.before_request
def only_with_the_truth() -> AnyResponse | None:
    """The lists of a score are the teacher's, and are not shown while the truth is hidden."""
    require_teacher()
    return None if visit().truth else redirect(sandbox_path("loans.loans"), 303)


@score_pages.get("/score")
def score() -> str:
    """The form."""
    return _page(Filled())


@score_pages.post("/score")
def judge() -> str | tuple[str, int]:
    """The score of the findings."""
    typed = request.form.get("findings", "")
    try:
        new = _read(typed)
        with open_snapshot() as snapshot:
            document, _ = scored(snapshot, layer_of(platform()), new)
    except Refused as refused:
        first = refused.ids.get("errors", ())[:1]
        errors = dict(zip(("findings",), first, strict=False))
        return _page(Filled({"findings": typed}, errors, refused)), refused.problem.status
    return _page(Filled({"findings": typed}), document)


def _read(typed: str) -> NewScore:
    """Findings: a JSON list, a JSON object with `findings`, or a JSON object per line."""
    try:
        read = json.loads(typed)
    except ValueError:
        try:
            read = [json.loads(line) for line in typed.splitlines() if line.strip()]
        except ValueError:
            raise field_problem("findings", "a JSON list of findings, or one per line", typed[:80]) from None
    if isinstance(read, dict) and "findings" not in read:
        read = [read]
    body = read if isinstance(read, dict) else {"findings": read}
    try:
        return NewScore.model_validate({**body, "listed_max": LISTED_MAX})
    except ValidationError as error:
        raise invalid(error) from None


def _page(filled: Filled, document: dict[str, object] | None = None) -> str:
    return render_template(
        "score.html", example=EXAMPLE, filled=filled, ratios=RATIOS, score=document, verdicts=VERDICT_NAMES
    )

"""The console's pages Scenarios: the list, and one that is played, a step at a time.

Found by the entry point `mocklend.console`. A step is a form, so that the page works without scripts; a question about
the next step is shown before its answer. What is shown is read below the seams.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request, url_for
from pydantic import Field
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.fields import Seed
from mocklend.console.forms import Filled, read_form, sandbox_path
from mocklend.console.mount import API
from mocklend.console.navigation import PLAY, Entry, LayerPages
from mocklend.console.visit import open_snapshot, platform, require_teacher, visit
from mocklend.console.words import ABOUT, BELIEVED, LOAN_STATUS, MARKS, VIEWS
from mocklend.domain.finding import CLASSES
from mocklend.domain.numbers import whole_number
from mocklend.domain.problems import Refused
from mocklend.language import message
from mocklend.sandboxes.lifecycle import HIDDEN
from mocklend.scenarios.chain import BelievedRow, believed_now
from mocklend.scenarios.documents import RunDoc
from mocklend.scenarios.runs import STEP, UNTIL, Run, go_on, named, play, run_of
from mocklend.scenarios.shown import at_step, believed_at, listed_doc, run_doc
from mocklend.scenarios.words import CODES
from mocklend.storage.snapshot import PlatformLayer
from mocklend.validation import Body

SEED_DIGITS = 19
"""Digits of the longest seed."""

scenario_pages = Blueprint("scenarios", __name__, template_folder="templates")


class PlayForm(Body):
    """The form that begins a run."""

    seed: Seed | None = Field(default=None, description="Another seed gives other ids, and the same story.")


@scenario_pages.get("/scenarios")
def scenarios() -> str:
    """The scenarios that can be played."""
    return render_template("scenarios.html", scenarios=listed_doc(visit().language))


@scenario_pages.get("/scenarios/<name>")
def scenario(name: str) -> str:
    """One scenario: its run in this sandbox, or how to begin one.

    From a student a hidden truth hides also which story is played: each looks as if it were none.
    """
    listed = _listed(name)
    if _is_hidden():
        return render_template("scenario_begin.html", scenario=listed, filled=Filled())
    try:
        run = run_of(platform(), visit().sandbox_id)
    except Refused as refused:
        if refused.code != "run_unknown":
            raise
        return render_template("scenario_begin.html", scenario=listed, filled=Filled())
    if run.scenario.name != name:
        return render_template("scenario_begin.html", scenario=listed, filled=Filled())
    return _run_page(run)


@scenario_pages.post("/scenarios/<name>")
def begin(name: str) -> AnyResponse | tuple[str, int]:
    """Begin a run in a new sandbox, and go there."""
    require_teacher()
    typed = request.form.get("seed", "")
    try:
        number = whole_number(typed, SEED_DIGITS)
        form = read_form(PlayForm, {"seed": typed if number is None else number})
        run, _ = play(request.environ[API], platform(), name, form.seed, visit().language)
    except Refused as refused:
        filled = Filled.refused_with(refused)
        return render_template("scenario_begin.html", scenario=_listed(name), filled=filled), refused.problem.status
    return redirect(url_for("scenarios.scenario", sandbox=run.sandbox_id, name=name), 303)


@scenario_pages.post("/scenarios/<name>/steps")
def step(name: str) -> AnyResponse:
    """Make the next step, or those to the end of the chapter, and go back to the page."""
    require_teacher()
    until, at = request.form.get("until", STEP), request.form.get("at_step", "")
    go_on(
        request.environ[API],
        platform(),
        visit().sandbox_id,
        until if until in UNTIL else STEP,
        whole_number(at),
    )
    more = {"play": "on"} if request.form.get("play") == "on" else {}
    return redirect(f"{sandbox_path('scenarios.scenario', name=name, **more)}#now", 303)


@scenario_pages.get("/scenarios/<name>/at")
def at(name: str) -> Response:
    """What the page's script asks for: how many steps were made, here or from a terminal."""
    if _is_hidden():
        raise Refused("truth_hidden", "how far a story is shows it", expected="the control token")
    run = run_of(platform(), visit().sandbox_id)
    step = run.state["position"] if run.scenario.name == name else None
    return Response(orjson.dumps({"step": step}), content_type="application/json")


def _is_hidden() -> bool:
    """Whether this is a student, from whom the sandbox hides its truth."""
    if visit().is_teacher:
        return False
    with open_snapshot() as snapshot:
        return snapshot.sandbox.truth == HIDDEN


def _listed(name: str) -> Any:
    named(name)  # Raises a refusal that suggests a name.
    return next(each for each in listed_doc(visit().language) if each["name"] == name)


def _run_page(now: Run) -> str:
    newest = now.state["position"]
    asked = whole_number(request.args.get("step", ""))
    step = newest if asked is None else min(asked, newest)
    run = now if step == newest else at_step(now, step)
    doc = run_doc(run, visit().language)
    shown = _shown_chapter(doc)
    finders = [found for chapter in doc["chapters"][: shown + 1] for found in (chapter["found"],) if found]
    rows = _believed(run, is_newest=step == newest) if visit().shows_truth else []
    return render_template(
        "scenario.html",
        about=ABOUT,
        run=doc,
        shown=shown,
        chapter=doc["chapters"][shown],
        finders=finders[-1] if finders else [],
        rows=[row for row in rows if row.view in BELIEVED],
        changed=_changed(run, rows, is_newest=step == newest),
        newest=newest,
        views=VIEWS,
        marks=MARKS,
        classes=CLASSES,
        words={**CODES, **{str(code): word for code, word in LOAN_STATUS.items()}},
    )


def _shown_chapter(doc: RunDoc) -> int:
    """The chapter that the address asks for, or that of the last step: its answer is what the reader waits for."""
    asked = whole_number(request.args.get("chapter", ""))
    if asked is not None and 1 <= asked <= len(doc["chapters"]):
        return asked - 1
    begun = [n for n, chapter in enumerate(doc["chapters"]) if chapter["lines"]]
    return begun[-1] if begun else 0


def _believed(run: Run, *, is_newest: bool) -> list[BelievedRow]:
    """Who believes what: now, or as it was after an earlier step."""
    if is_newest:
        return believed_now(platform(), run.sandbox_id, run.state)
    return believed_at(run, run.state["position"])


def _changed(run: Run, rows: Iterable[BelievedRow], *, is_newest: bool) -> set[tuple[str, str | None]]:
    """The views that the last step has changed."""
    before = run.state.get("earlier", ()) if is_newest else believed_at(run, run.state["position"] - 1)
    earlier = {tuple(row) for row in before}
    return {(row.view, row.id) for row in rows if tuple(row) not in earlier} if earlier else set()


def pages(_layer: PlatformLayer) -> LayerPages:
    """The pages of a console with a fault layer. See the entry point `mocklend.console`."""
    return LayerPages((scenario_pages,), (Entry(PLAY, 30, message("Scenarios"), "scenarios.scenarios", "c"),))

"""/-/scenarios: the installed scenarios, and the one that is played in a sandbox.

Found by the entry point `mocklend.blueprints`: scenarios stand above the API. A server starts without what plays them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Blueprint, Response, current_app
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Seed
from mocklend.api.openapi import operation
from mocklend.api.request_context import current_platform, sandbox_id
from mocklend.api.responses import rendered
from mocklend.domain.nouns import says
from mocklend.language import Language
from mocklend.sandboxes.lifecycle import MadeSandbox
from mocklend.scenarios.documents import ListedScenario, RunDoc
from mocklend.scenarios.runs import STEP, UNTIL, Run, go_on, play, run_of
from mocklend.storage.snapshot import PlatformLayer
from mocklend.validation import Body, OneOf, bounded_int

scenario_runs = APIBlueprint("scenarios", __name__, tag="Scenarios")

A_STORY = {"scenario": "settled-shown-unpaid"}
"""The example of the documentation."""

InLanguage = Annotated[str, OneOf(tuple(language.value for language in Language))]


class ScenarioList(TypedDict):
    """The scenarios that can be played."""

    scenarios: Annotated[list[ListedScenario], says("The scenarios, by their names.")]


class NewRun(TypedDict):
    """A run that has begun, and the sandbox in which it is played."""

    sandbox: Annotated[MadeSandbox, says("The sandbox, with its key, which is shown only here.")]
    run: Annotated[RunDoc, says("The run.")]


class LanguageQuery(Body):
    """The language of the texts."""

    language: InLanguage | None = Field(default=None, description="The language of the texts; English if not given.")


class RunQuery(Body):
    """The language of the texts."""

    language: InLanguage | None = Field(default=None, description="Another language than that of the run.")


class PlayBody(Body):
    """How a scenario is played."""

    seed: Seed | None = Field(default=None, description="Another seed gives other ids, and the same story.")
    language: InLanguage = Field(default=Language.EN.value, description="The language in which it is told.")


class StepsBody(Body):
    """How far a run goes on."""

    until: Annotated[str, OneOf(UNTIL)] = Field(
        default=STEP, description="`step`: the next one; `chapter`: to the end of the chapter; `end`: all that is left."
    )
    at_step: Annotated[int, bounded_int(0, 10_000)] | None = Field(
        default=None, description="Nothing is done unless so many steps were made: the request may be sent twice."
    )


@scenario_runs.get("/-/scenarios")
@scenario_runs.input(LanguageQuery, location="query", arg_name="query")
@scenario_runs.output(document(ScenarioList))
@scenario_runs.doc(**operation("listScenarios"))
def list_scenarios(query: LanguageQuery) -> Response:
    """The scenarios that can be played."""
    from mocklend.scenarios.shown import listed_doc

    return rendered(ScenarioList(scenarios=listed_doc(_language(query.language))))


@scenario_runs.post("/-/scenarios/<id:scenario>/runs")
@scenario_runs.input(PlayBody, arg_name="new")
@scenario_runs.output(document(NewRun), status_code=201)
@scenario_runs.doc(
    **operation("playScenario", "scenario_unknown", "too_many_sandboxes", example={"seed": 7}, parameters=A_STORY)
)
def play_scenario(scenario: str, new: PlayBody) -> Response:
    """Begin a scenario in a new sandbox. No step is made yet; the run is that of the new sandbox's key."""
    run, sandbox = play(current_app.wsgi_app, current_platform(), scenario, new.seed, _language(new.language))
    return rendered({"sandbox": sandbox, "run": _shown(run)}, 201)


@scenario_runs.get("/-/scenarios/run")
@scenario_runs.input(RunQuery, location="query", arg_name="query")
@scenario_runs.output(document(RunDoc))
@scenario_runs.doc(**operation("getScenarioRun", "run_unknown"))
def get_run(query: RunQuery) -> Response:
    """The scenario that is played in this sandbox: what was shown so far, and what comes next."""
    run = run_of(current_platform(), sandbox_id())
    return rendered(_shown(run, None if query.language is None else _language(query.language)))


@scenario_runs.post("/-/scenarios/run/steps")
@scenario_runs.input(StepsBody, arg_name="steps")
@scenario_runs.output(document(RunDoc))
@scenario_runs.doc(**operation("stepScenario", "run_unknown", "conflict", example={"until": STEP}))
def make_steps(steps: StepsBody) -> Response:
    """Make the next step of this sandbox's scenario, or several, with real requests. A run that is over stays so."""
    run = go_on(current_app.wsgi_app, current_platform(), sandbox_id(), steps.until, steps.at_step)
    return rendered(_shown(run))


def _shown(run: Run, language: Language | None = None) -> RunDoc:
    from mocklend.scenarios.shown import run_doc

    return run_doc(run, language)


def _language(name: str | None) -> Language:
    return Language.EN if name is None else Language(name)


def blueprints(_layer: PlatformLayer) -> Sequence[Blueprint]:
    """The blueprints of an app with a fault layer. See `mocklend.blueprints`."""
    return (scenario_runs,)

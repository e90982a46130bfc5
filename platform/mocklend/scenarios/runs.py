"""Scenarios played on this server: each in a sandbox of its own, one step per request.

        play(app, scenario) ─▶ a new sandbox, with the run at step 0
        go_on(app, sandbox_id) ─▶ the run is read ─▶ steps ─▶ the run is stored

The steps are real requests to the app, so that the client of the story sees what any client would, faults included. The
run is a row of its sandbox: any process of the database goes on with it, and a reset or a deletion ends it. A step that
was made but not stored, because the process died, is made again under the same idempotency keys, and so has no second
effect. What plays a story (the client, its narrator) is imported when one is played: a server starts without it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from msgspec.structs import replace

from mocklend import __version__
from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend.language import Language, translate
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import LABEL_MAX
from mocklend.scenarios.chain import believed_now
from mocklend.storage.entities import ScenarioRun
from mocklend.storage.work import Answer, Idempotency, Key, Work

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mocklend.client import Doc
    from mocklend.scenarios.play import Play
    from mocklend.scenarios.text import Scenario

RUN = "run"
"""The id of a sandbox's run."""
STEP, CHAPTER, END = "step", "chapter", "end"
UNTIL = (STEP, CHAPTER, END)
"""How far a run goes on: one step, to the end of the chapter, or to the end of the scenario."""
_STEPPING = tuple(threading.Lock() for _ in range(64))
"""In one process, a run has one step at a time: its sandbox has one of these locks."""


@dataclass(frozen=True, slots=True)
class StoreRun:
    """Store how far a run has come, if no other request has gone on with it meanwhile."""

    sandbox_id: str
    run: ScenarioRun
    came_from: int | None  # the step at which the run was; None if there was no run
    title: str | None = None  # of its story, when it begins: the sandbox is called by it where the truth is shown
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """The run."""
        return ((ScenarioRun.kind, RUN),)

    def decide(self, work: Work) -> Answer:
        """204. Raises Refused `conflict` if the run is at another step."""
        stored = work.find(ScenarioRun, RUN)
        at = None if stored is None else stored.position
        if at != self.came_from:
            raise Refused("conflict", "another request went on with this run", expected=self.came_from, received=at)
        work.put(self.run)
        if self.title is not None:
            work.put(replace(work.sandbox, story=self.title))
        return Answer(204, {})


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is stored: the scenario, its language, and the state of its Play and narrator as JSON."""

    sandbox_id: str
    seed: int
    zone: str
    scenario: Scenario
    language: Language
    state: Doc

    @property
    def failed(self) -> str | None:
        """The claim that did not hold; None if all have."""
        surprise: str | None = self.state["failed"]
        return surprise


@cache
def shipped() -> dict[str, Scenario]:
    """The installed scenarios by name, read once."""
    from mocklend.scenarios.text import scenarios

    return scenarios()


def named(name: str) -> Scenario:
    """The installed scenario with this name. Raises Refused `scenario_unknown`."""
    scenario = shipped().get(name)
    if scenario is None:
        raise Refused("scenario_unknown", f"no scenario {name}{did_you_mean(name, shipped())}", received=name)
    return scenario


def play(app: WSGIApplication, platform: Platform, name: str, seed: int | None, language: Language) -> tuple[Run, Doc]:
    """Begin a run in a new sandbox. Returns the run and the sandbox with its key, as POST /-/sandboxes answers.

    Raises Refused `scenario_unknown`, and what the creation of a sandbox is refused with.
    """
    from mocklend.scenarios.in_process import client_of
    from mocklend.scenarios.narrator import Narrator
    from mocklend.scenarios.play import Play

    scenario = named(name)
    made: list[Doc] = []
    client = client_of(app)
    client.on_exchange = lambda exchange: made.append(exchange.answer)
    seed = scenario.seed if seed is None else seed
    client.sandbox(seed=seed, now=scenario.starts, **scenario.sandbox)
    title = translate(language, scenario.title)[:LABEL_MAX]
    sandbox = {**made[0], "label": title}
    narrator = Narrator(None, language)
    narrator.client = client_of(app, sandbox["id"])
    narrator.begin(scenario.title, scenario.story, version=__version__, seed=sandbox["seed"])
    state = {**Play(scenario, narrator).state(), "failed": None}
    row = ScenarioRun(RUN, scenario.name, language.value, 0, _text(state))
    platform.run(StoreRun(sandbox["id"], row, None, title))
    return Run(sandbox["id"], sandbox["seed"], sandbox["zone"], scenario, language, state), sandbox


def run_of(platform: Platform, sandbox_id: str) -> Run:
    """The run of a sandbox. Raises Refused `run_unknown`, `sandbox_unknown`."""
    with platform.snapshot(sandbox_id) as snapshot:
        row = snapshot.find(ScenarioRun, RUN)
        seed, zone = snapshot.sandbox.seed, snapshot.sandbox.zone
    if row is None:
        raise Refused("run_unknown", "no scenario is played in this sandbox", sandbox_id=sandbox_id)
    return Run(sandbox_id, seed, zone, named(row.scenario), Language(row.language), orjson.loads(row.state))


def go_on(
    app: WSGIApplication, platform: Platform, sandbox_id: str, until: str = STEP, at_step: int | None = None
) -> Run:
    """Go on with the run of a sandbox, and store each step. Returns the run.

    With `at_step` nothing is done unless the run is at that step: a form that is sent twice makes one step. A run that
    is over or has failed stays as it is. Raises Refused `run_unknown`, `sandbox_unknown`, `conflict`.
    """
    from mocklend.scenarios.in_process import client_of
    from mocklend.scenarios.narrator import Narrator
    from mocklend.scenarios.play import Play

    with _STEPPING[hash(sandbox_id) % len(_STEPPING)]:
        run = run_of(platform, sandbox_id)
        if at_step is not None and at_step != run.state["position"]:
            return run
        narrator = Narrator(None, run.language)
        narrator.client = client_of(app, sandbox_id)
        narrator.client.on_exchange = narrator.hear
        player = Play(run.scenario, narrator, run.state)
        run.state["earlier"] = [list(row) for row in believed_now(platform, sandbox_id, run.state)]
        first = True
        while run.failed is None and not player.is_over and (first or not _stops(player, until)):
            run = _one_step(platform, run, player)
            first = False
        return run


def _stops(player: Play, until: str) -> bool:
    """Whether the step before was the last of those that were asked for."""
    return until == STEP or (until == CHAPTER and player.moves[player.position - 1].closes)


def _one_step(platform: Platform, run: Run, player: Play) -> Run:
    from mocklend.scenarios.narrator import NotAsTold

    came_from, failed = player.position, None
    try:
        player.step()
    except NotAsTold as surprise:
        failed = str(surprise)
    state = {**player.state(), "failed": failed, "earlier": run.state["earlier"]}
    state["beliefs"] = _believed_after(platform, run, state)
    row = ScenarioRun(RUN, run.scenario.name, run.language.value, player.position, _text(state))
    platform.run(StoreRun(run.sandbox_id, row, came_from))
    return Run(run.sandbox_id, run.seed, run.zone, run.scenario, run.language, state)


def _believed_after(platform: Platform, run: Run, state: Doc) -> dict[str, list[list[Any]]]:
    """Who believed what, by the number of steps made, with the newest: only where it differs from the step before."""
    beliefs: dict[str, list[list[Any]]] = dict(run.state.get("beliefs", {}))
    now = [list(row) for row in believed_now(platform, run.sandbox_id, state)]
    if now != next(reversed(beliefs.values()), []):
        beliefs[str(state["position"])] = now
    return beliefs


def _text(state: Any) -> str:
    return orjson.dumps(state).decode()

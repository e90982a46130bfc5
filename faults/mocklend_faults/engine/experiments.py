"""Staged experiments: what goes wrong when, as a plan on the sandbox's clock.

        {"stages": [{"name": "calm",  "duration_s": 600},
                    {"name": "storm", "duration_s": 300, "profile": "hostile"},
                    {"name": "slips", "duration_s": 600, "rules": {"slip": {"fault": "operator.wrong_amount"}}}]}

A plan becomes ordinary rules, called `<experiment>.<stage>.<rule>`, that start when their stage does and are over with
it. So nothing new acts at the seams: counters, lint, explain and the halt for all know these rules like any others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar, Self, TypedDict

from msgspec import Struct, structs
from pydantic import Field, model_validator

from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import one_of, says
from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import LAYER
from mocklend.storage.stores import entity
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.validation import Body, Reader, attempt, bounded_int, bounded_str, invalid_fields
from mocklend_faults.engine.activation import LONGEST_S, Activate
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.commands import ALL, Ruleset, read, replace_group, write
from mocklend_faults.engine.profiles import profile_named
from mocklend_faults.engine.rules import RULE_ID, Rule, RuleBody

GROUP = "experiment:"
STAGES_MAX = 50
EXPERIMENTS_MAX = 50
"""Of one sandbox."""
STAGE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class StageBody(Body):
    """One stage: what goes wrong while it lasts. Without rules and profile, nothing."""

    name: Annotated[str, bounded_str(40, pattern=STAGE_NAME.pattern)] = Field(
        description="A name that no other stage has."
    )
    duration_s: Annotated[int, bounded_int(1, LONGEST_S)] = Field(
        description="For how many seconds it lasts, on the sandbox's clock."
    )
    rules: dict[str, RuleBody] | None = Field(
        default=None, description="The rules of the stage by their ids. Either these or a profile."
    )
    profile: Annotated[str, bounded_str(200)] | None = Field(
        default=None, description="The profile of the stage, one of GET /-/profiles. Either this or rules."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.profile is not None and self.rules is not None:
            raise Invalid(FieldError("profile", "rules or a profile, not both", self.profile))
        return self


class ExperimentBody(Body):
    """A plan: stages that follow each other, each with a name, a duration, and rules or a profile."""

    stages: list[StageBody] = Field(
        min_length=1,
        max_length=STAGES_MAX,
        description="1 to 50 stages, one after the other, of at most ten years together.",
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        names = [stage.name for stage in self.stages]
        for n, name in enumerate(names):
            if name in names[:n]:
                raise Invalid(FieldError(f"stages.{n}.name", "a name that no other stage has", name))
        if (total := sum(stage.duration_s for stage in self.stages)) > LONGEST_S:
            raise Invalid(FieldError("stages", f"at most {LONGEST_S} s together", total))
        return self


BODY = Reader(ExperimentBody)


@entity("experiments", rank=LAYER)
class Started(Struct, frozen=True):
    """A plan and when it began. `doc` is the plan as it was sent, empty where it was deleted."""

    kind: ClassVar[str] = "experiment"
    id: str
    doc: str
    started_ms: int


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a plan: how long it lasts, and its rules, whose times count from its own start."""

    name: str
    duration_s: int
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """A plan: stages that follow each other. `raw` is what the client sent."""

    id: str
    stages: tuple[Stage, ...]
    raw: Mapping[str, Any]

    @classmethod
    def from_json(cls, id: str, raw: Mapping[str, Any], catalogue: Catalogue) -> Experiment:
        """Read a plan as a client sends it. Refused with every field that is wrong, or with an unknown name."""
        body = BODY.read(raw)
        errors: list[FieldError] = []
        if not RULE_ID.fullmatch(id):
            errors.append(FieldError("id", f"an id like {RULE_ID.pattern}", id))
        stages = tuple(_stage(stage, f"stages.{n}", catalogue, errors) for n, stage in enumerate(body.stages))
        if errors:
            raise invalid_fields(Invalid(*errors))
        return cls(id, stages, raw)

    def compiled(self) -> list[Rule]:
        """Its rules, each within its stage."""
        found, begins_s = [], 0
        for stage in self.stages:
            for rule in stage.rules:
                id = f"{self.id}.{stage.name}.{rule.id}"
                if not RULE_ID.fullmatch(id):
                    expected = "shorter names: a rule's id has 64 characters at most"
                    raise invalid_fields(Invalid(FieldError("id", expected, id)))
                found.append(replace(rule, id=id, activate=_within(rule.activate, begins_s, stage.duration_s)))
            begins_s += stage.duration_s
        return found


class StageDoc(TypedDict):
    """A stage: from when to when it runs, and the rules that act in it."""

    name: Annotated[str, says("The stage's name.")]
    starts_at: Annotated[str, says("When it starts. RFC 3339, on the sandbox's clock.")]
    ends_at: Annotated[str, says("When it is over. RFC 3339, on the sandbox's clock.")]
    state: Annotated[str, one_of(("waiting", "running", "over"), "Where the clock has it.")]
    rules: Annotated[list[str], says("The ids of its rules, `<experiment>.<stage>.<rule>`.")]


class ExperimentDoc(TypedDict):
    """An experiment: which stage is running, and from when to when each does. `running` is null when all is over."""

    id: Annotated[str, says("The experiment's id, as in its address.")]
    running: Annotated[str | None, says("The name of the stage that runs now; null when all are over.")]
    stages: Annotated[list[StageDoc], says("The stages in their order, each with its times and rules.")]


def told(started: Started, now_ms: int, rules: Iterable[Mapping[str, Any]]) -> ExperimentDoc:
    """An experiment as the control API tells it: what runs, and from when to when each stage does."""
    ids = [rule["id"] for rule in rules if rule.get("group") == f"{GROUP}{started.id}"]
    stages: list[StageDoc] = []
    begins_ms = started.started_ms
    for stage in json.loads(started.doc)["stages"]:
        ends_ms = begins_ms + stage["duration_s"] * 1000
        state = "over" if now_ms >= ends_ms else "running" if now_ms >= begins_ms else "waiting"
        prefix = f"{started.id}.{stage['name']}."
        stages.append(
            {
                "name": stage["name"],
                "starts_at": rfc3339(begins_ms),
                "ends_at": rfc3339(ends_ms),
                "state": state,
                "rules": [id for id in ids if id.startswith(prefix)],
            }
        )
        begins_ms = ends_ms
    running = next((stage["name"] for stage in stages if stage["state"] == "running"), None)
    return {"id": started.id, "running": running, "stages": stages}


def started_of(reader: SandboxReader) -> list[Started]:
    """A sandbox's experiments, by id."""
    sql = "SELECT id, doc, started_ms FROM experiments WHERE sandbox_id = :sandbox_id AND doc <> '' ORDER BY id"
    return reader.rows(Started, sql)


def refuse_too_many(others: Iterable[str]) -> None:
    """Refuse one experiment more than a sandbox may have."""
    count = len(list(others))
    if count >= EXPERIMENTS_MAX:
        raise Refused(
            "too_many_experiments", f"the sandbox has {count} others already", expected=f"at most {EXPERIMENTS_MAX}"
        )


def unknown(id: str, known: Iterable[str] = ()) -> Refused:
    """There is no such experiment among those that are known."""
    return Refused("experiment_unknown", f"no experiment {id[:64]!r}{did_you_mean(id, known)}")


@dataclass(frozen=True, slots=True)
class PutExperiment:
    """Start a plan, now. The same plan again changes nothing; another one in its place starts anew."""

    sandbox_id: str
    experiment: Experiment

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset and the plan."""
        return ((Ruleset.kind, ALL), (Started.kind, self.experiment.id))

    def decide(self, work: Work) -> Answer:
        """201, or 200 where there was an experiment of that id."""
        doc = json.dumps(self.experiment.raw, separators=(",", ":"), sort_keys=True)
        known = work.find(Started, self.experiment.id)
        there = known is not None and bool(known.doc)
        if known is not None and known.doc == doc:
            return Answer(200, {})
        group = f"{GROUP}{self.experiment.id}"
        others = {id: one for id, one in read(work).items() if one.get("group") != group}
        write(work, replace_group(work, others, group, self.experiment.compiled()))
        work.put(Started(self.experiment.id, doc, work.now_ms))
        return Answer(200 if there else 201, {})


@dataclass(frozen=True, slots=True)
class DeleteExperiment:
    """Forget a plan and its rules. What they injected stays on the answer key."""

    sandbox_id: str
    id: str

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset and the plan."""
        return ((Ruleset.kind, ALL), (Started.kind, self.id))

    def decide(self, work: Work) -> Answer:
        """204."""
        known = work.find(Started, self.id)
        if known is None or not known.doc:
            raise unknown(self.id)
        write(work, {id: one for id, one in read(work).items() if one.get("group") != f"{GROUP}{self.id}"})
        work.put(structs.replace(known, doc=""))
        return Answer(204, {})


def _stage(body: StageBody, at: str, catalogue: Catalogue, errors: list[FieldError]) -> Stage:
    """The stage of a body. What is wrong in its rules for their kinds is added to the errors."""
    if body.profile is not None:
        return Stage(body.name, body.duration_s, tuple(profile_named(body.profile).armed(catalogue)))
    rules = [
        attempt(f"{at}.rules.{id}", partial(Rule.parse, id, rule, catalogue), errors)
        for id, rule in sorted((body.rules or {}).items())
    ]
    return Stage(body.name, body.duration_s, tuple(rule for rule in rules if rule is not None))


def _within(own: Activate, begins_s: int, lasts_s: int) -> Activate:
    """A rule's own times, counted from the stage's beginning and cut off at its end."""
    starts_s = min(own.start_delay_s, lasts_s)
    ttl_s = lasts_s if own.ttl_s is None else min(own.ttl_s, lasts_s)
    return replace(own, start_delay_s=begins_s + starts_s, ttl_s=begins_s + ttl_s)

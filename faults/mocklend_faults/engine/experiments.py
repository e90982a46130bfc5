"""Staged experiments: a plan of which rules act when, on the sandbox's clock.

        {"stages": [{"name": "calm",  "duration_s": 600},
                    {"name": "storm", "duration_s": 300, "profile": "hostile"},
                    {"name": "slips", "duration_s": 600, "rules": {"slip": {"fault": "operator.wrong_amount"}}}]}

A plan is compiled to ordinary rules, called `<experiment>.<stage>.<rule>`, which start and end with their stage. So
counters, lint, explain and halt treat these rules as any others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, ClassVar, Self, TypedDict

from msgspec import structs
from pydantic import Field, model_validator

from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import one_of, says
from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import LAYER
from mocklend.storage.stores import entity
from mocklend.storage.work import Answer, Entity, Idempotency, Key, Work
from mocklend.validation import Body, Reader, attempt, bounded_int, bounded_str, invalid_fields
from mocklend_faults.engine.activation import LONGEST_S, Activate
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.commands import ALL, Ruleset, read, replace_group, write
from mocklend_faults.engine.profiles import profile_named
from mocklend_faults.engine.rules import A_RULE_ID, RULE_ID, Rule, RuleBody, StoredRule

GROUP = "experiment:"
STAGES_MAX = 50
EXPERIMENTS_MAX = 50
"""How many experiments a sandbox may have."""
STAGE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class StageBody(Body):
    """One stage: the rules that act while it lasts. Without rules and profile, none."""

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
class StartedExperiment(Entity, frozen=True):
    """A plan and when it started. `doc` is the plan as the client sent it, in JSON; empty if it was deleted."""

    kind: ClassVar[str] = "experiment"
    doc: str
    started_ms: int


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a plan: how long it lasts, and its rules, whose times count from the start of the stage."""

    name: str
    duration_s: int
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """A plan: stages that follow each other. `raw` is the JSON that the client sent."""

    id: str
    stages: tuple[Stage, ...]
    raw: Mapping[str, object]

    @classmethod
    def from_json(cls, id: str, raw: Mapping[str, object], catalogue: Catalogue) -> Experiment:
        """Read a plan as a client sends it.

        Raises Refused `validation_failed` with every wrong field, `fault_unknown`, `profile_unknown`.
        """
        body = BODY.read(raw)
        errors: list[FieldError] = []
        if not RULE_ID.fullmatch(id):
            errors.append(FieldError("id", A_RULE_ID, id))
        stages = tuple(_stage(stage, f"stages.{n}", catalogue, errors) for n, stage in enumerate(body.stages))
        if errors:
            raise invalid_fields(Invalid(*errors))
        return cls(id, stages, raw)

    def compiled(self) -> list[Rule]:
        """Its rules, each limited to its stage. Raises Refused `validation_failed` if the id of a rule is too long."""
        rules, begins_s = [], 0
        for stage in self.stages:
            for rule in stage.rules:
                id = f"{self.id}.{stage.name}.{rule.id}"
                if not RULE_ID.fullmatch(id):
                    expected = "shorter names: a rule's id has 64 characters at most"
                    raise invalid_fields(Invalid(FieldError("id", expected, id)))
                rules.append(replace(rule, id=id, activate=_within(rule.activate, begins_s, stage.duration_s)))
            begins_s += stage.duration_s
        return rules


class StageDoc(TypedDict):
    """A stage: when it starts and ends, and the rules that act in it."""

    name: Annotated[str, says("The stage's name.")]
    starts_at: Annotated[str, says("When it starts. RFC 3339, on the sandbox's clock.")]
    ends_at: Annotated[str, says("When it is over. RFC 3339, on the sandbox's clock.")]
    state: Annotated[
        str, one_of(("waiting", "running", "over"), "Whether the sandbox's clock is before, in or after it.")
    ]
    rules: Annotated[list[str], says("The ids of its rules, `<experiment>.<stage>.<rule>`.")]


class ExperimentDoc(TypedDict):
    """An experiment: its stages with their times, and which of them is running; null when all are over."""

    id: Annotated[str, says("The experiment's id, as in its address.")]
    running: Annotated[str | None, says("The name of the stage that runs now; null when all are over.")]
    stages: Annotated[list[StageDoc], says("The stages in their order, each with its times and rules.")]


def experiment_document(started: StartedExperiment, now_ms: int, rules: Iterable[StoredRule]) -> ExperimentDoc:
    """An experiment as the control API returns it, given the stored rules of the sandbox."""
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


def started_of(reader: SandboxReader) -> list[StartedExperiment]:
    """A sandbox's experiments, by id."""
    sql = "SELECT id, doc, started_ms FROM experiments WHERE sandbox_id = :sandbox_id AND doc <> '' ORDER BY id"
    return reader.rows(StartedExperiment, sql)


def refuse_too_many(others: Iterable[str]) -> None:
    """Raise Refused `too_many_experiments` if the sandbox has no room for one beside these others."""
    count = len(list(others))
    if count >= EXPERIMENTS_MAX:
        raise Refused(
            "too_many_experiments", f"the sandbox has {count} others already", expected=f"at most {EXPERIMENTS_MAX}"
        )


def unknown(id: str, ids: Iterable[str] = ()) -> Refused:
    """The refusal `experiment_unknown`, with the most similar of these ids."""
    return Refused("experiment_unknown", f"no experiment {id[:64]!r}{did_you_mean(id, ids)}")


@dataclass(frozen=True, slots=True)
class PutExperiment:
    """Start a plan now. Sending the same plan again changes nothing; a changed plan starts again."""

    sandbox_id: str
    experiment: Experiment

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset and the plan."""
        return ((Ruleset.kind, ALL), (StartedExperiment.kind, self.experiment.id))

    def decide(self, work: Work) -> Answer:
        """201, or 200 if there was an experiment of that id. Raises Refused `validation_failed`, `too_many_rules`."""
        doc = json.dumps(self.experiment.raw, separators=(",", ":"), sort_keys=True)
        previous = work.find(StartedExperiment, self.experiment.id)
        exists = previous is not None and bool(previous.doc)
        if previous is not None and previous.doc == doc:
            return Answer(200, {})
        group = f"{GROUP}{self.experiment.id}"
        others = {id: rule for id, rule in read(work).items() if rule.get("group") != group}
        write(work, replace_group(work, others, group, self.experiment.compiled()))
        work.put(StartedExperiment(self.experiment.id, doc, work.now_ms))
        return Answer(200 if exists else 201, {})


@dataclass(frozen=True, slots=True)
class DeleteExperiment:
    """Delete a plan and its rules. Their injections stay in the answer key."""

    sandbox_id: str
    id: str

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset and the plan."""
        return ((Ruleset.kind, ALL), (StartedExperiment.kind, self.id))

    def decide(self, work: Work) -> Answer:
        """204. Raises Refused `experiment_unknown`."""
        experiment = work.find(StartedExperiment, self.id)
        if experiment is None or not experiment.doc:
            raise unknown(self.id)
        write(work, {id: rule for id, rule in read(work).items() if rule.get("group") != f"{GROUP}{self.id}"})
        work.put(structs.replace(experiment, doc=""))
        return Answer(204, {})


def _stage(body: StageBody, at: str, catalogue: Catalogue, errors: list[FieldError]) -> Stage:
    """The stage of a body. The wrong fields of its rules are appended to `errors`."""
    if body.profile is not None:
        return Stage(body.name, body.duration_s, tuple(profile_named(body.profile).armed(catalogue)))
    rules = [
        attempt(f"{at}.rules.{id}", partial(Rule.parse, id, rule, catalogue), errors)
        for id, rule in sorted((body.rules or {}).items())
    ]
    return Stage(body.name, body.duration_s, tuple(rule for rule in rules if rule is not None))


def _within(own: Activate, begins_s: int, lasts_s: int) -> Activate:
    """A rule's own times, counted from the start of the stage and cut off at its end."""
    starts_s = min(own.start_delay_s, lasts_s)
    ttl_s = lasts_s if own.ttl_s is None else min(own.ttl_s, lasts_s)
    return replace(own, start_delay_s=begins_s + starts_s, ttl_s=begins_s + ttl_s)

"""Profiles: named sets of rules that are armed and disarmed as one.

        name, title, story      what it is
        rules: {id: rule}       as PUT /-/rules/{id} takes them; a kind that is not installed is left out
        every: {select: …}      what every other installed kind is armed with

One profile is on at a time. Its rules are called `<profile>.<id>`; rules that were armed by hand stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, ClassVar

import yaml

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.commands import ALL, Ruleset, read, replace_group, write
from mocklend_faults.engine.rules import Rule

PACKAGE = "mocklend_faults.profiles"
GROUP = "profile:"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of rules, as its file has it."""

    name: str
    title: str
    story: str
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    every: Mapping[str, Any] | None = None

    def armed(self, catalogue: Catalogue, prefix: str = "") -> list[Rule]:
        """Its rules for the kinds that are installed, by id; `prefix` stands before each id."""
        listed = {id: rule for id, rule in self.rules.items() if rule["fault"] in catalogue}
        if self.every is not None:
            named = {rule["fault"] for rule in self.rules.values()}
            listed |= {kind: {"fault": kind, **self.every} for kind in catalogue if kind not in named}
        return [Rule.from_json(f"{prefix}{id}", rule, catalogue) for id, rule in sorted(listed.items())]

    def to_json(self, catalogue: Catalogue) -> dict[str, Any]:
        """As GET /-/profiles tells it."""
        rules = [rule.to_json() for rule in self.armed(catalogue, f"{self.name}.")]
        return {"name": self.name, "title": self.title, "story": self.story, "rules": rules}


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile that is shipped, by name."""
    found = {}
    for file in resources.files(PACKAGE).iterdir():
        if file.name.endswith(".yaml"):
            profile = Profile(**yaml.safe_load(file.read_text(encoding="utf-8")))
            assert file.name == f"{profile.name}.yaml", f"{file.name} calls itself {profile.name}"
            found[profile.name] = profile
    return dict(sorted(found.items()))


def profile_named(name: str) -> Profile:
    """The profile of that name, or a refusal that lists the names."""
    known = profiles()
    if name not in known:
        listed = ", ".join(known)
        raise Refused(
            "profile_unknown",
            f"unknown profile {name[:80]!r}; known: {listed}{did_you_mean(name, known)}",
            expected=listed,
            received=name[:80],
        )
    return known[name]


def profile_of(stored: Iterable[Mapping[str, Any]]) -> str:
    """The profile that is on among a sandbox's stored rules."""
    groups = {one["group"] for one in stored if one.get("group", "").startswith(GROUP)}
    return min(groups).removeprefix(GROUP) if groups else NONE


@dataclass(frozen=True, slots=True)
class PutProfile:
    """Switch to a profile: its rules are armed, those of the one before are forgotten."""

    sandbox_id: str
    name: str
    rules: tuple[Rule, ...]

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset."""
        return ((Ruleset.kind, ALL),)

    def decide(self, work: Work) -> Answer:
        """200 and the ids of the rules. The same profile again changes nothing."""
        stored = read(work)
        on = {id: one["rule"] for id, one in stored.items() if one.get("group", "").startswith(GROUP)}
        if profile_of(stored.values()) != self.name or on != {rule.id: rule.to_json() for rule in self.rules}:
            others = {id: one for id, one in stored.items() if id not in on}
            write(work, replace_group(work, others, f"{GROUP}{self.name}", self.rules))
        return Answer(200, {"name": self.name, "rules": [rule.id for rule in self.rules]})

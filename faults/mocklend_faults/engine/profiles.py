"""Profiles: named sets of rules that are armed and disarmed together.

        name, title, story      what it is
        rules: {id: rule}       as PUT /-/rules/{id} takes them; a kind that is not installed is left out
        every: {select: …}      the rest of the rule for each other installed kind

At most one profile is on at a time. Its rules are called `<profile>.<id>`; rules that were armed by hand stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, ClassVar, TypedDict

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.commands import ALL, Ruleset, read, replace_group, write
from mocklend_faults.engine.rules import Rule, RuleDoc, StoredRule

PACKAGE = "mocklend_faults.profiles"
GROUP = "profile:"
NONE = "none"


class ProfileDoc(TypedDict):
    """A profile and the rules that it arms here, as PUT /-/rules/{id} takes them."""

    name: str
    title: str
    story: str
    rules: list[RuleDoc]


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of rules, as its file has it: `rules` by id, `every` for the kinds that `rules` does not name."""

    name: str
    title: str
    story: str
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    every: Mapping[str, Any] | None = None

    def armed(self, catalogue: Catalogue, prefix: str = "") -> list[Rule]:
        """Its rules for the installed kinds, by id, each id with this prefix."""
        listed = {id: rule for id, rule in self.rules.items() if rule["fault"] in catalogue}
        if self.every is not None:
            named = {rule["fault"] for rule in self.rules.values()}
            listed |= {kind: {"fault": kind, **self.every} for kind in catalogue if kind not in named}
        return [Rule.from_json(f"{prefix}{id}", rule, catalogue) for id, rule in sorted(listed.items())]

    def to_json(self, catalogue: Catalogue) -> ProfileDoc:
        """The profile as GET /-/profiles returns it."""
        rules = [rule.to_json() for rule in self.armed(catalogue, f"{self.name}.")]
        return {"name": self.name, "title": self.title, "story": self.story, "rules": rules}


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile that is shipped, by name."""
    import yaml  # Here, since most servers read no profile.

    shipped = {}
    for file in resources.files(PACKAGE).iterdir():
        if file.name.endswith(".yaml"):
            profile = Profile(**yaml.safe_load(file.read_text(encoding="utf-8")))
            assert file.name == f"{profile.name}.yaml", f"{file.name} calls itself {profile.name}"
            shipped[profile.name] = profile
    return dict(sorted(shipped.items()))


def profile_named(name: str) -> Profile:
    """The profile of that name. Raises Refused `profile_unknown`, which lists the names."""
    shipped = profiles()
    if name not in shipped:
        names = ", ".join(shipped)
        raise Refused(
            "profile_unknown",
            f"unknown profile {name[:80]!r}; known: {names}{did_you_mean(name, shipped)}",
            expected=names,
            received=name[:80],
        )
    return shipped[name]


def profile_of(stored: Iterable[StoredRule]) -> str:
    """The name of the profile that is on, from a sandbox's stored rules; `none` if none is."""
    groups = {rule["group"] for rule in stored if rule.get("group", "").startswith(GROUP)}
    return min(groups).removeprefix(GROUP) if groups else NONE


@dataclass(frozen=True, slots=True)
class PutProfile:
    """Switch to a profile: its rules are armed, those of the previous profile are deleted."""

    sandbox_id: str
    name: str
    rules: tuple[Rule, ...]

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset."""
        return ((Ruleset.kind, ALL),)

    def decide(self, work: Work) -> Answer:
        """200 and the ids of the rules; nothing changes if the same profile is on. Raises Refused `too_many_rules`."""
        stored = read(work)
        on = {id: rule["rule"] for id, rule in stored.items() if rule.get("group", "").startswith(GROUP)}
        if profile_of(stored.values()) != self.name or on != {rule.id: rule.to_json() for rule in self.rules}:
            others = {id: rule for id, rule in stored.items() if id not in on}
            write(work, replace_group(work, others, f"{GROUP}{self.name}", self.rules))
        return Answer(200, {"name": self.name, "rules": [rule.id for rule in self.rules]})

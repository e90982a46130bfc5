"""What the pages Faults and Rule share: the sandbox's rules with their counters, and each in a reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from mocklend.console.visit import formats, open_snapshot, platform, require_teacher, require_truth, visit
from mocklend.console.words import ABOUT
from mocklend.domain.problems import Refused
from mocklend.storage.work import NoOp
from mocklend_faults.api.kinds import kind_doc
from mocklend_faults.api.this_layer import layer_of
from mocklend_faults.console.words import (
    LIMIT_NAMES,
    NEVER_EVALUATED,
    OTHER_WARNING,
    UNIT_NAMES,
    WARNINGS,
)
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.counted_rules import counted_rules
from mocklend_faults.engine.described import KindDoc
from mocklend_faults.engine.layer import FaultLayer
from mocklend_faults.engine.rules import CountedRule, RuleDoc
from mocklend_faults.engine.selection import ENTITY

fault_pages = Blueprint("faults", __name__, template_folder="templates")
"""The pages about rules. Each module of them adds its own: see `mocklend_faults.console`."""

FIRST = "callback.dropped"
"""The kind that is shown where none is chosen."""


@fault_pages.before_request
def only_with_the_truth() -> AnyResponse | None:
    """Rules are the teacher's, and are not shown while the truth is hidden."""
    require_teacher()
    return require_truth()


def layer() -> FaultLayer:
    """The fault layer of the platform that is shown."""
    return layer_of(platform())


def catalogue() -> Catalogue:
    """The kinds of fault that are installed."""
    return layer().catalogue


def rules_shown() -> list[CountedRule]:
    """The rules with their counters, after those that are in memory are written."""
    here, sandbox_id = layer(), visit().sandbox_id
    if here.write_counts(sandbox_id):
        with suppress(Refused):  # If the platform is too busy, the counters are those that are written already.
            platform().run(NoOp(sandbox_id))
    with open_snapshot() as snapshot:
        return counted_rules(snapshot, here.catalogue)


def kind_shown(name: str) -> KindDoc:
    """What a kind says of itself, in the viewer's language; another kind if there is none of that name."""
    kinds = catalogue()
    kind = kinds.get(name) or kinds.get(FIRST) or next(iter(kinds.values()))
    return kind_doc(kind, visit().language)


def title_of(rule: RuleDoc) -> str:
    """The title of a rule's kind; its name if it is not installed."""
    kind = catalogue().get(rule["fault"])
    return rule["fault"] if kind is None else visit().text(kind.title)


def whom_and_how_often(rule: RuleDoc) -> list[str]:
    """Whom a rule hits, how often, and with which settings, in a few words each."""
    here, write = visit(), formats()
    kind = kind_shown(rule["fault"]) if rule["fault"] in catalogue() else None
    fields = {field["name"]: field["title"] for field in kind["match"]} if kind else {}
    settings = {setting["name"]: setting for setting in kind["settings"]} if kind else {}
    parts = [
        conditions(name, operators)
        if name == "channel"
        else here.text("{name}: {value}", name=fields.get(name, name), value=conditions(name, operators))
        for name, operators in rule["match"].items()
    ] or [here.text("every event")]
    select = rule["select"]
    parts.append(here.text("p = {p}", p=select["probability"]))
    if select.get("unit") == ENTITY:
        parts.append(here.text("once for each entity"))
    for name, value in select.items():
        if name in LIMIT_NAMES and isinstance(value, int):
            parts.append(here.text("{name}: {value}", name=here.text(LIMIT_NAMES[name]), value=write.number(value)))
    for name, value in rule["with"].items():
        if value is not None:
            title, unit = (settings[name]["title"], settings[name]["unit"]) if name in settings else (name, None)
            shown = write.number(value) if isinstance(value, int) else value
            told = here.text("{name}: {value}", name=title, value=shown)
            parts.append(" ".join([told, *([here.text(UNIT_NAMES[unit])] if unit else [])]))
    return parts


def conditions(name: str, operators: Mapping[str, object]) -> str:
    """The conditions of a rule on one field: their values, with the operator where it is not equality."""
    return "; ".join(
        values(name, operand) if operator in ("equal_to", "in") else f"{operator} {values(name, operand)}"
        for operator, operand in operators.items()
    )


def values(name: str, operand: object) -> str:
    """One value or several of a field. Channels have names."""
    listed: Sequence[object] = operand if isinstance(operand, list) else [operand]
    here = visit()
    named = (
        here.text(ABOUT[value]) if name == "channel" and isinstance(value, str) and value in ABOUT else str(value)
        for value in listed
    )
    return here.text(", ").join(named)


def warnings_of(rule: CountedRule) -> list[str]:
    """What may not be intended with a rule, in sentences."""
    here = visit()
    said = [here.text(WARNINGS.get(warning["code"], OTHER_WARNING)) for warning in rule["lint"]["warnings"]]
    if not rule["evaluated"]:
        said.append(here.text(NEVER_EVALUATED))
    return said

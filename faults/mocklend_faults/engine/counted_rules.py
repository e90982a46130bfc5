"""The rules of a sandbox with state, counters and lint, as the control API and the console show them."""

from __future__ import annotations

from collections.abc import Mapping

from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import Snapshot
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.counting import Tally, tallies
from mocklend_faults.engine.lint import EXACT, LintResult, LintWarning, lint
from mocklend_faults.engine.loaded_rules import stored_of, usable
from mocklend_faults.engine.rules import CountedRule, Rule, StoredRule

UNAVAILABLE = LintResult(
    EXACT, EXACT, (), (LintWarning("unavailable", "the kind is not installed here, so it cannot act"),)
)


def counted_rules(snapshot: Snapshot, catalogue: Catalogue) -> list[CountedRule]:
    """Every rule, in the order in which they act, with the counts that are written."""
    stored = stored_of(snapshot)
    rules = usable(stored, catalogue)
    counted = tallies(snapshot, stored, rules)
    by_id, linted = {rule.id: rule for rule in rules}, lint(rules, mode=snapshot.sandbox.mode)
    return [
        _counted(stored_rule, by_id.get(id), counted[id], snapshot.now_ms, linted)
        for stored_rule in stored
        for id in [stored_rule["id"]]
    ]


def _counted(
    stored: StoredRule,
    rule: Rule | None,
    tally: Tally,
    now_ms: int,
    linted: Mapping[str, LintResult],
) -> CountedRule:
    return {
        **stored["rule"],
        "armed_at": rfc3339(stored["armed_ms"]),
        "state": rule.state(now_ms) if rule is not None else "unavailable",
        "evaluated": tally.evaluated,
        "matched": tally.matched,
        "selected": tally.selected,
        "injected": tally.injected,
        "lint": (linted[rule.id] if rule is not None else UNAVAILABLE).to_json(),
    }

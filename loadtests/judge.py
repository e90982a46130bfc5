"""The judge of a load test: what the clients saw, and the audit against the answer key. Pure functions over documents.

        locust's report ──┐
        rules' counters ──┤
        audits ───────────┼──▶ judge() ──▶ Verdict: PASS, FAIL or INCONCLUSIVE, with the reasons
        answer key ───────┘

The judge does not take the platform's word for what explains what: it lays the audit's discrepancies beside the open
entries of the answer key itself, and believes `explained_by` only where both agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mocklend.exit_codes import ExitCode

PASS, FAIL, INCONCLUSIVE = (code.name for code in (ExitCode.PASS, ExitCode.FAIL, ExitCode.INCONCLUSIVE))

SHORT_S = 10
"""A run shorter than this may end before every fault had its chance, and before every channel was used."""

AMOUNT_BEARING = frozenset({"amount_mismatch", "missing_in_books"})
"""Classes of which the amount is part of the identity too, not only class and entity."""

Doc = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a run.

    `audit` and `entries` were taken when nothing was on its way; `audits_under_load` while the load was on.
    `entries_before` is the answer key from just before `audit` and `rules`, where `entries` is from just after: a lie
    may begin or heal in between, and then either is right. None: nothing can have happened in between.
    `exit_code` is what the server left with, None where it was not ours to stop.
    """

    audit: Doc
    report: Doc = field(default_factory=dict)
    entries: Sequence[Doc] = ()
    entries_before: Sequence[Doc] | None = None
    rules: Sequence[Doc] = ()
    audits_under_load: Sequence[Doc] = ()
    armed: Sequence[str] = ()
    demanded: Sequence[str] | None = None
    """The armed faults that this load is there to provoke, if it has the time; None: all, however short it is."""
    channels: Sequence[str] = ()
    run_s: float = 60
    exit_code: int | None = 0
    waited_out: bool = True
    draining: bool = False
    """Whether what is still on its way was getting less until the wait was over."""
    cut_short: str | None = None
    """Why the load did not last as long as it was asked to. What its clients saw may then be missing."""
    users: int = 0
    """How many people were asked for."""


@dataclass(slots=True)
class Verdict:
    """What came out. `reasons` say why it is no PASS, `notes` what a reader should know of a PASS too."""

    outcome: str = PASS
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """Of the tool whose verdict this is."""
        return ExitCode[self.outcome]

    def fail(self, reason: str) -> None:
        """The platform did what it must not."""
        self.outcome = FAIL
        self.reasons.append(reason)

    def violation(self, reason: str) -> None:
        """The run did not show what it was for."""
        if self.outcome == PASS:
            self.outcome = INCONCLUSIVE
        self.reasons.append(reason)


def judge(evidence: Evidence) -> Verdict:
    """The verdict, and the figures behind it."""
    verdict = Verdict()
    if evidence.cut_short:
        verdict.violation(evidence.cut_short)
    _clients(evidence, verdict)
    judge_platform(evidence, verdict)
    if not evidence.cut_short:
        _coverage(evidence, verdict)
    return verdict


def judge_platform(evidence: Evidence, verdict: Verdict) -> None:
    """What has to hold whatever the clients did: the identity, balanced books, every injection on record."""
    _identity(evidence, verdict)
    _books(evidence, verdict)
    _record(evidence, verdict)
    if evidence.exit_code not in (0, None):
        verdict.fail(f"the server left with {evidence.exit_code} when asked to stop")


def _clients(evidence: Evidence, verdict: Verdict) -> None:
    """No answer may contradict the contract in a way that no fault explains."""
    report = evidence.report
    failures = int(report["total"]["failures"]) + int(report["user_errors"])
    verdict.figures["unexplained_failures"] = failures
    if failures:
        first = [f"{failure['operation']}: {failure['error']}" for failure in report["failures"][:3]]
        if report["user_errors"]:
            first.append(f"{report['user_errors']} users broke, the last with {report['last_user_error']}")
        verdict.fail(f"{failures} failures that no fault explains, such as {' | '.join(first)}")
    if not report["total"]["requests"] and not evidence.cut_short:
        verdict.violation("nothing was asked of the platform")


def _identity(evidence: Evidence, verdict: Verdict) -> None:
    """discrepancies == open entries of the answer key; at the end by our own count, under load by the audit's word."""
    found = evidence.audit["discrepancies"]
    unexplained, unobserved = compare(found, evidence.entries, evidence.entries_before)
    said = [one for one in found if not one.get("explained_by")]
    unexplained += [one for one in said if one not in unexplained]
    unobserved += [one for one in evidence.audit["unobserved"] if _injection(one) not in map(_injection, unobserved)]
    verdict.figures["unexplained_discrepancies"] = len(unexplained)
    verdict.figures["unobserved_injections"] = len(unobserved)
    verdict.figures["discrepancies"] = len(found)
    verdict.figures["discrepancies_by_class"] = dict(sorted(Counter(one["class"] for one in found).items()))
    if unexplained:
        verdict.fail(f"{len(unexplained)} discrepancies that no fault explains, such as {_told(unexplained[0])}")
    if unobserved:
        verdict.fail(f"{len(unobserved)} injections that the audit does not see, such as {_told(unobserved[0])}")

    for nth, audit in enumerate(evidence.audits_under_load, start=1):
        loose = [discrepancy for discrepancy in audit["discrepancies"] if not discrepancy.get("explained_by")]
        unseen = list(audit["unobserved"])
        verdict.figures["unexplained_discrepancies"] += len(loose)
        verdict.figures["unobserved_injections"] += len(unseen)
        if loose:
            verdict.fail(f"audit {nth} under load: {len(loose)} unexplained, such as {_told(loose[0])}")
        if unseen:
            verdict.fail(f"audit {nth} under load: {len(unseen)} injections unobserved, such as {_told(unseen[0])}")


def compare(
    discrepancies: Sequence[Doc], entries: Sequence[Doc], before: Sequence[Doc] | None = None
) -> tuple[list[Doc], list[Doc]]:
    """The discrepancies that no open entry expects, and the open entries whose discrepancy is not there.

    With `before`, the key from before the audit, an entry that was open at one end only may be seen and need not be.
    """
    after = _open(entries)
    expected = after if before is None else {**_open(before), **after}
    throughout = (
        after if before is None else {finding: after[finding] for finding in after.keys() & _open(before).keys()}
    )
    seen = {_finding(discrepancy) for discrepancy in discrepancies}
    return (
        [discrepancy for discrepancy in discrepancies if _finding(discrepancy) not in expected],
        [one for finding, one in throughout.items() if finding not in seen],
    )


def _open(entries: Sequence[Doc]) -> dict[tuple[str, str, int | None], Doc]:
    return {_finding(entry["expected"]): entry for entry in entries if entry["status"] == "active"}


def _finding(one: Doc) -> tuple[str, str, int | None]:
    return one["class"], one["entity"], one["amount_minor"] if one["class"] in AMOUNT_BEARING else None


def _injection(entry: Doc) -> Any:
    return entry.get("injection")


def _books(evidence: Evidence, verdict: Verdict) -> None:
    """The invariants hold, each time somebody looked, and in the end nothing is on its way any more."""
    broken: dict[str, str] = {}
    for audit in (*evidence.audits_under_load, evidence.audit):
        if not audit["invariants"]:
            verdict.violation("an audit names no invariants")
        for one in audit["invariants"]:
            if not one["holds"]:
                detail = one["detail"]
                broken[one["name"]] = str(detail[0] if isinstance(detail, list) and detail else detail)
    verdict.figures["invariants"] = len(evidence.audit["invariants"])
    verdict.figures["broken_invariants"] = broken
    if broken:
        verdict.fail(f"the books do not balance: {'; '.join(f'{name}: {why}' for name, why in broken.items())}")
    left = evidence.audit["in_transit"]
    verdict.figures["in_transit"] = len(left)
    if left:
        oldest = max(left, key=lambda one: int(one["age_s"]))
        since = f"the oldest for {oldest['age_s']} s: {oldest['detail']}"
        if evidence.draining:
            verdict.violation(f"{len(left)} things were still on their way, and getting fewer, {since}")
        else:
            verdict.fail(f"{len(left)} things are still on their way, {since}")
    elif not evidence.waited_out:
        verdict.violation("the platform did not come to rest in time")


def _record(evidence: Evidence, verdict: Verdict) -> None:
    """What the rules counted is what the answer key holds: no injection is off the record."""
    by_fault = Counter(dict.fromkeys(evidence.armed, 0))
    by_fault.update(entry["fault"] for entry in evidence.entries)
    by_rule = Counter(entry["rule"] for entry in evidence.entries)
    before = by_rule if evidence.entries_before is None else Counter(one["rule"] for one in evidence.entries_before)
    verdict.figures["injections"] = len(evidence.entries)
    verdict.figures["injections_by_fault"] = dict(sorted(by_fault.items()))
    verdict.figures["answer_key"] = dict(sorted(Counter(entry["status"] for entry in evidence.entries).items()))
    for rule in evidence.rules:
        if not before[rule["id"]] <= rule["injected"] <= by_rule[rule["id"]]:
            verdict.fail(
                f"rule {rule['id']} counts {rule['injected']} injections, the answer key has {by_rule[rule['id']]}"
            )
        if not rule["evaluated"] >= rule["matched"] >= rule["selected"] >= rule["injected"]:
            verdict.fail(f"the counters of rule {rule['id']} contradict each other: {dict(rule)}")
    strangers = sorted(set(by_fault) - set(evidence.armed))
    if strangers:
        verdict.fail(f"the answer key has faults that nobody armed: {', '.join(strangers)}")
    demanded = evidence.armed if evidence.demanded is None else evidence.demanded
    idle = [fault for fault in evidence.armed if fault in demanded and not by_fault[fault]]
    if idle and evidence.demanded is None:
        verdict.violation(f"armed and never fired: {', '.join(idle)}")
    elif idle:
        _too_little(evidence, verdict, f"armed and never fired: {', '.join(idle)}")


def _coverage(evidence: Evidence, verdict: Verdict) -> None:
    """Money went through every channel, and everybody came."""
    asked = {operation["operation"]: operation["requests"] for operation in evidence.report["operations"]}
    unused = [channel for channel in evidence.channels if not asked.get(f"repay by {channel}")]
    if unused:
        _too_little(evidence, verdict, f"nobody repaid by {', '.join(unused)}")
    came = evidence.report.get("users_max", evidence.users)
    if came < evidence.users:
        _too_little(evidence, verdict, f"{came} of {evidence.users} people came")


def _too_little(evidence: Evidence, verdict: Verdict, what: str) -> None:
    """A fault that never fired is not a pass; unless the run was so short that this says nothing."""
    if evidence.run_s < SHORT_S:
        verdict.notes.append(f"{what}; a run of under {SHORT_S} s is too short to hold that against it")
    else:
        verdict.violation(what)


def _told(one: Doc) -> str:
    expected = one.get("expected", one)
    told = f"{expected['class']} on {expected['entity']}, {expected['amount_minor']}"
    return f"{told} ({one.get('detail') or one.get('injection') or 'no detail'})"

"""The judge of a load test: the clients' violations, and the audit against the answer key. Pure, over documents.

        locust's report ──┐
        rules' counters ──┤
        audits ───────────┼──▶ judge() ──▶ Verdict: PASS, FAIL or INCONCLUSIVE, with the reasons
        answer key ───────┘

The judge does not rely on the platform's `explained_by`: it compares the audit's discrepancies with the open entries of
the answer key itself, and accepts an explanation only if both agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mocklend.domain.sentences import SentenceDoc
from mocklend.exit_codes import ExitCode

PASS, FAIL, INCONCLUSIVE = (code.name for code in (ExitCode.PASS, ExitCode.FAIL, ExitCode.INCONCLUSIVE))

SHORT_S = 10
"""A shorter run may end before every fault could act, and before every channel was used."""

SHORT = "; a run of under {seconds} s is too short to expect more"

FALLING = "{count} were still in transit, and their number was falling, the oldest for {seconds} s: {detail}"

AMOUNT_BEARING = frozenset({"amount_mismatch", "missing_in_books"})
"""Classes where a discrepancy and its entry must have the same amount, too, not only class and entity."""

Doc = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The documents and figures of a run.

    `audit` and `entries` are from after the load, when the platform was at rest; `audits_under_load` from during it.
    `entries_before` is the answer key from just before `audit` and `rules`, `entries` from just after: an entry may
    start or end in between, and then either is right. None: nothing can have happened in between. `exit_code` is that
    of the server, None if it was not stopped here.
    """

    audit: Doc
    report: Doc = field(default_factory=dict)
    entries: Sequence[Doc] = ()
    entries_before: Sequence[Doc] | None = None
    rules: Sequence[Doc] = ()
    audits_under_load: Sequence[Doc] = ()
    armed: Sequence[str] = ()
    demanded: Sequence[str] | None = None
    """The armed faults that must inject if the run is not too short; None: all must, however short it is."""
    channels: Sequence[str] = ()
    run_s: float = 60
    exit_code: int | None = 0
    waited_out: bool = True
    draining: bool = False
    """Whether the number of things in transit was still falling at the end of the wait."""
    cut_short: str | None = None
    """Why the load ended too early; its report may then be incomplete. None if it did not."""
    users: int = 0
    """How many users were requested."""


@dataclass(slots=True)
class Verdict:
    """The outcome. `reasons` say why it is no PASS; `notes` are remarks on any outcome."""

    outcome: str = PASS
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    sentences: dict[str, SentenceDoc] = field(default_factory=dict)
    """The reasons and notes by their English, as texts with values: so that a report says them in any language."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the tool for this outcome."""
        return ExitCode[self.outcome]

    def fail(self, reason: str, **values: object) -> None:
        """Set FAIL: the platform is wrong. The values fill the placeholders of the reason."""
        self.outcome = FAIL
        self.reasons.append(self._said(reason, values))

    def inconclusive(self, reason: str, **values: object) -> None:
        """Set INCONCLUSIVE, unless it is FAIL: the run did not show what it was for."""
        if self.outcome == PASS:
            self.outcome = INCONCLUSIVE
        self.reasons.append(self._said(reason, values))

    def note(self, remark: str, **values: object) -> None:
        """Remark something that changes no outcome."""
        self.notes.append(self._said(remark, values))

    def _said(self, text: str, values: Mapping[str, object]) -> str:
        english = text.format(**values) if values else text
        self.sentences[english] = {"text": text, "values": {name: str(value) for name, value in values.items()}}
        return english


def judge(evidence: Evidence) -> Verdict:
    """The verdict, and the figures behind it."""
    verdict = Verdict()
    if evidence.cut_short:
        verdict.inconclusive(evidence.cut_short)
    _clients(evidence, verdict)
    judge_platform(evidence, verdict)
    if not evidence.cut_short:
        _coverage(evidence, verdict)
    return verdict


def judge_platform(evidence: Evidence, verdict: Verdict) -> None:
    """Check what must hold for any load: the identity, the books' invariants, and the rules' counters."""
    _identity(evidence, verdict)
    _books(evidence, verdict)
    _record(evidence, verdict)
    if evidence.exit_code not in (0, None):
        verdict.fail("the server ended with exit code {code} on SIGTERM", code=evidence.exit_code)


def _clients(evidence: Evidence, verdict: Verdict) -> None:
    """Check that no answer violated the contract without an armed fault that explains it."""
    report = evidence.report
    failures = int(report["total"]["failures"]) + int(report["user_errors"])
    verdict.figures["unexplained_failures"] = failures
    if failures:
        first = [f"{failure['operation']}: {failure['error']}" for failure in report["failures"][:3]]
        if report["user_errors"]:
            first.append(f"{report['user_errors']} users raised an exception, the last {report['last_user_error']}")
        verdict.fail(
            "{count} failures that no fault explains, such as {first}", count=failures, first=" | ".join(first)
        )
    if not report["total"]["requests"] and not evidence.cut_short:
        verdict.inconclusive("no request was sent")


def _identity(evidence: Evidence, verdict: Verdict) -> None:
    """Check that discrepancies == open entries: at the end by our own comparison, under load by that of the audit."""
    discrepancies = evidence.audit["discrepancies"]
    unexplained, unobserved = compare(discrepancies, evidence.entries, evidence.entries_before)
    without_cause = [discrepancy for discrepancy in discrepancies if not discrepancy.get("explained_by")]
    unexplained += [discrepancy for discrepancy in without_cause if discrepancy not in unexplained]
    counted = {_injection(entry) for entry in unobserved}
    unobserved += [entry for entry in evidence.audit["unobserved"] if _injection(entry) not in counted]
    by_class = Counter(discrepancy["class"] for discrepancy in discrepancies)
    verdict.figures["unexplained_discrepancies"] = len(unexplained)
    verdict.figures["unobserved_injections"] = len(unobserved)
    verdict.figures["discrepancies"] = len(discrepancies)
    verdict.figures["discrepancies_by_class"] = dict(sorted(by_class.items()))
    if unexplained:
        such_as = "{count} discrepancies that no fault explains, such as {first}"
        verdict.fail(such_as, count=len(unexplained), first=_sentence(unexplained[0]))
    if unobserved:
        such_as = "{count} injections that the audit does not see, such as {first}"
        verdict.fail(such_as, count=len(unobserved), first=_sentence(unobserved[0]))

    for nth, audit in enumerate(evidence.audits_under_load, start=1):
        loose = [discrepancy for discrepancy in audit["discrepancies"] if not discrepancy.get("explained_by")]
        unseen = list(audit["unobserved"])
        verdict.figures["unexplained_discrepancies"] += len(loose)
        verdict.figures["unobserved_injections"] += len(unseen)
        if loose:
            such_as = "audit {nth} under load: {count} unexplained, such as {first}"
            verdict.fail(such_as, nth=nth, count=len(loose), first=_sentence(loose[0]))
        if unseen:
            such_as = "audit {nth} under load: {count} injections unobserved, such as {first}"
            verdict.fail(such_as, nth=nth, count=len(unseen), first=_sentence(unseen[0]))


def compare(
    discrepancies: Sequence[Doc], entries: Sequence[Doc], before: Sequence[Doc] | None = None
) -> tuple[list[Doc], list[Doc]]:
    """The discrepancies without an open entry, and the open entries without a discrepancy.

    With `before`, the key from before the audit, an entry that is open in one of the two keys only is optional.
    """
    after = _open(entries)
    expected = after if before is None else {**_open(before), **after}
    throughout = (
        after if before is None else {finding: after[finding] for finding in after.keys() & _open(before).keys()}
    )
    seen = {_finding(discrepancy) for discrepancy in discrepancies}
    return (
        [discrepancy for discrepancy in discrepancies if _finding(discrepancy) not in expected],
        [entry for finding, entry in throughout.items() if finding not in seen],
    )


def _open(entries: Sequence[Doc]) -> dict[tuple[str, str, int | None], Doc]:
    return {_finding(entry["expected"]): entry for entry in entries if entry["status"] == "active"}


def _finding(doc: Doc) -> tuple[str, str, int | None]:
    return doc["class"], doc["entity"], doc["amount_minor"] if doc["class"] in AMOUNT_BEARING else None


def _injection(entry: Doc) -> Any:
    return entry.get("injection")


def _books(evidence: Evidence, verdict: Verdict) -> None:
    """Check that the invariants held in each audit, and that nothing is in transit in the end."""
    broken: dict[str, str] = {}
    for audit in (*evidence.audits_under_load, evidence.audit):
        if not audit["invariants"]:
            verdict.inconclusive("an audit names no invariants")
        for invariant in audit["invariants"]:
            if not invariant["holds"]:
                detail = invariant["detail"]
                broken[invariant["name"]] = str(detail[0] if isinstance(detail, list) and detail else detail)
    verdict.figures["invariants"] = len(evidence.audit["invariants"])
    verdict.figures["broken_invariants"] = broken
    if broken:
        which = "; ".join(f"{name}: {why}" for name, why in broken.items())
        verdict.fail("the books do not balance: {which}", which=which)
    left = evidence.audit["in_transit"]
    verdict.figures["in_transit"] = len(left)
    if left:
        oldest = max(left, key=lambda item: int(item["age_s"]))
        since = {"count": len(left), "seconds": oldest["age_s"], "detail": oldest["detail"]}
        if evidence.draining:
            falling = (
                "{count} were still in transit, and their number was falling, the oldest for {seconds} s: {detail}"
            )
            verdict.inconclusive(falling, **since)
        else:
            verdict.fail("{count} are still in transit, the oldest for {seconds} s: {detail}", **since)
    elif not evidence.waited_out:
        verdict.inconclusive("the platform did not come to rest in time")


def _record(evidence: Evidence, verdict: Verdict) -> None:
    """Check that the rules' counters agree with the answer key, and that the demanded faults injected."""
    by_fault = Counter(dict.fromkeys(evidence.armed, 0))
    by_fault.update(entry["fault"] for entry in evidence.entries)
    by_rule = Counter(entry["rule"] for entry in evidence.entries)
    before = by_rule if evidence.entries_before is None else Counter(entry["rule"] for entry in evidence.entries_before)
    verdict.figures["injections"] = len(evidence.entries)
    verdict.figures["injections_by_fault"] = dict(sorted(by_fault.items()))
    verdict.figures["answer_key"] = dict(sorted(Counter(entry["status"] for entry in evidence.entries).items()))
    for rule in evidence.rules:
        if not before[rule["id"]] <= rule["injected"] <= by_rule[rule["id"]]:
            counts = "rule {rule} counts {counted} injections, the answer key has {known}"
            verdict.fail(counts, rule=rule["id"], counted=rule["injected"], known=by_rule[rule["id"]])
        if not rule["evaluated"] >= rule["matched"] >= rule["selected"] >= rule["injected"]:
            contradict = "the counters of rule {rule} contradict each other: {counters}"
            verdict.fail(contradict, rule=rule["id"], counters=dict(rule))
    strangers = sorted(set(by_fault) - set(evidence.armed))
    if strangers:
        verdict.fail("the answer key has faults that nobody armed: {faults}", faults=", ".join(strangers))
    demanded = evidence.armed if evidence.demanded is None else evidence.demanded
    idle = [fault for fault in evidence.armed if fault in demanded and not by_fault[fault]]
    if idle and evidence.demanded is None:
        verdict.inconclusive("armed without an injection: {faults}", faults=", ".join(idle))
    elif idle:
        _too_little(evidence, verdict, "armed without an injection: {faults}", faults=", ".join(idle))


def _coverage(evidence: Evidence, verdict: Verdict) -> None:
    """Check that money went through every channel, and that all users were started."""
    requests = {operation["operation"]: operation["requests"] for operation in evidence.report["operations"]}
    unused = [channel for channel in evidence.channels if not requests.get(f"repay by {channel}")]
    if unused:
        _too_little(evidence, verdict, "nobody repaid by {channels}", channels=", ".join(unused))
    started = evidence.report.get("users_max", evidence.users)
    if started < evidence.users:
        few = "only {started} of {users} users were started"
        _too_little(evidence, verdict, few, started=started, users=evidence.users)


def _too_little(evidence: Evidence, verdict: Verdict, what: str, **values: object) -> None:
    """INCONCLUSIVE for too little activity; only a note if the run was too short to expect more."""
    if evidence.run_s < SHORT_S:
        verdict.note(what + SHORT, **values, seconds=SHORT_S)
    else:
        verdict.inconclusive(what, **values)


def _sentence(doc: Doc) -> str:
    """A discrepancy, or an entry of the answer key, in words."""
    finding = doc.get("expected", doc)
    words = f"{finding['class']} on {finding['entity']}, {finding['amount_minor']}"
    return f"{words} ({doc.get('detail') or doc.get('injection') or 'no detail'})"

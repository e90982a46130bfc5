"""Scores of reconcilers: the answer key against the findings of a reconciler. Pure; each number is defined here, once.

A *break* is identified by a finding class and an entity. A score demands a break where one of its injections

    was visible in the window, and was still visible when the window ended, or was ended by an operator action.

An injection that ended by itself (its lag was over, a later message came, a newer version replaced it) is optional:
to report it is neither right nor wrong. So is one of class `timing`, and one that was visible in a single answer only.
With `min_visible_s`, such an injection is still demanded if it was visible for at least that long. With `checked_at`,
the times at which the reconciler checked, an injection is demanded if it was visible at one of them, and optional
otherwise: the reconciler had no chance to see it. An injection that the platform withstood (`masked`), and one that is
not visible yet, is no break.

    hit           a finding with the class and entity of a demanded break
    wrong class   the right entity, and none of its classes
    false         neither; a finding of an optional break is none of these
    precision     hits / (hits + false + wrong class)
    recall        hits / demanded
    f1            2 hits / (2 hits + false + wrong class + missed)
    kind accuracy   hits / (hits + wrong class)
    amount accuracy   hits with the right amount / hits that name an amount, without the classes where the amount drifts
    money recall   amounts of the breaks that were hit / amounts demanded, by currency
    money at risk   Σ amount x hours visible in the window, by currency, over all injections, in minor units x hours
    time to detect   found_at - visible_from, of the hits
    time to repair   ended_at - visible_from, of the injections that operations staff ended in the window
    penalty points   missed + false + wrong class + 10 x harmful repairs

A ratio of 0 to 0 is null, but 0 if any break was demanded. Each break counts once, however often it is reported; the
times are those of its earliest report.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from mocklend.domain.finding import TIMING
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend_faults.engine.score_documents import (
    BreakDoc,
    ClassScoreDoc,
    FindingDoc,
    JudgedFindingDoc,
    KeyedBreakDoc,
    MoneyDoc,
    ScoreDoc,
    SpreadDoc,
)
from mocklend_faults.engine.score_verdict import Thresholds, verdict_of

DRIFTS = frozenset({"stale_view"})
"""Classes where the amount may have changed by the time of the check, so it is not judged."""
HARM_WEIGHT = 10
HOUR_MS, DAY_MS = 3_600_000, 86_400_000

Key = tuple[str, str]
"""Identifies a break: (finding class, entity)."""


@dataclass(frozen=True, slots=True)
class Break:
    """A visible entry of the answer key, with what a score needs. `end_ms` is None while it is visible."""

    injection: str
    rule: str
    fault: str
    finding_class: str
    entity: str
    loan_id: str
    amount_minor: int
    currency: str
    from_ms: int
    end_ms: int | None
    repaired: bool = False  # an operator action ended it
    unpaid: bool = False  # a borrower who owes nothing is shown as owing
    reported: bool = False  # it is in a credit report

    @property
    def key(self) -> Key:
        """Its class and entity."""
        return (self.finding_class, self.entity)

    def visible_ms(self, window: Window) -> int:
        """For how many milliseconds it was visible within the window."""
        end_ms = window.to_ms if self.end_ms is None else min(self.end_ms, window.to_ms)
        return max(0, end_ms - max(self.from_ms, window.from_ms))

    def to_json(self) -> BreakDoc:
        """The break as the lists of a score show it."""
        return {
            "class": self.finding_class,
            "entity": self.entity,
            "loan_id": self.loan_id,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "injection": self.injection,
            "rule": self.rule,
            "fault": self.fault,
            "visible_from": rfc3339(self.from_ms),
            "ended_at": maybe_rfc3339(self.end_ms),
        }


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A finding of a reconciler: the n-th of its request, from 0. `found_ms` is on the sandbox's clock."""

    n: int
    finding_class: str
    entity: str
    found_ms: int
    amount_minor: int | None = None
    action: str | None = None
    loan_id: str | None = None

    @property
    def key(self) -> Key:
        """The class and entity of the break that it names."""
        return (self.finding_class, self.entity)

    @property
    def order(self) -> tuple[int, bool, int, str]:
        """Of several reports of one break the smallest counts, whatever their order in the request."""
        return (self.found_ms, self.amount_minor is None, self.amount_minor or 0, self.action or "")

    def to_json(self) -> FindingDoc:
        """The finding as the lists of a score show it."""
        return {
            "n": self.n,
            "class": self.finding_class,
            "entity": self.entity,
            "loan_id": self.loan_id,
            "amount_minor": self.amount_minor,
            "action": self.action,
            "found_at": rfc3339(self.found_ms),
        }


@dataclass(frozen=True, slots=True)
class Window:
    """The time for which a reconciler is judged, both ends included, on the sandbox's clock.

    `checked_ms` are the times in it at which the reconciler checked, ascending; None where the request names none.
    """

    from_ms: int
    to_ms: int
    checked_ms: tuple[int, ...] | None = None

    def overlaps(self, break_: Break) -> bool:
        """Whether the break was visible at any time in the window."""
        if break_.from_ms > self.to_ms:
            return False
        return break_.end_ms is None or break_.end_ms > self.from_ms or break_.from_ms >= self.from_ms

    def leaves_open(self, break_: Break) -> bool:
        """Whether the break was still visible when the window ended."""
        return break_.from_ms <= self.to_ms and (break_.end_ms is None or break_.end_ms > self.to_ms)

    def visible_at_a_check(self, break_: Break) -> bool:
        """Whether the break was visible at one of the checks.

        A repair at the time of a check counts as after it: on a manual clock, staff act in the millisecond of the
        check that showed them the break.
        """
        checked_at = self.checked_ms or ()
        first = bisect_left(checked_at, break_.from_ms)
        if first == len(checked_at):
            return False
        return (
            break_.end_ms is None
            or checked_at[first] < break_.end_ms
            or (break_.repaired and checked_at[first] == break_.end_ms)
        )


@dataclass(frozen=True, slots=True)
class Records:
    """What the sandbox's other tables add to a score: each list holds JSON objects, as `records` makes them.

    `harmful_repairs` made correct books wrong; `refused_applications` were refused because of a wrong report;
    `silent_rules` are the ids of rules that never injected.
    """

    harmful_repairs: Sequence[Mapping[str, object]] = ()
    refused_applications: Sequence[Mapping[str, object]] = ()
    silent_rules: Sequence[str] = ()


@dataclass(slots=True)
class Classification:
    """The findings and the breaks, sorted into the groups of the module's table. A hit is (finding, its breaks)."""

    demanded: dict[Key, list[Break]]
    hits: list[tuple[ReportedFinding, list[Break]]] = field(default_factory=list)
    missed: list[list[Break]] = field(default_factory=list)
    false: list[ReportedFinding] = field(default_factory=list)
    wrong_class: list[tuple[ReportedFinding, list[Break]]] = field(default_factory=list)
    optional: list[tuple[ReportedFinding, list[Break]]] = field(default_factory=list)
    duplicated: list[ReportedFinding] = field(default_factory=list)

    @property
    def wrong_amount(self) -> list[tuple[ReportedFinding, list[Break]]]:
        """The hits whose amount is wrong."""
        return [(finding, breaks) for finding, breaks in self.judged if finding.amount_minor not in _amounts(breaks)]

    @property
    def judged(self) -> list[tuple[ReportedFinding, list[Break]]]:
        """The hits whose amount is judged."""
        return [hit for hit in self.hits if hit[0].amount_minor is not None and hit[0].finding_class not in DRIFTS]


def score(
    breaks: Iterable[Break],
    findings: Iterable[ReportedFinding],
    *,
    window: Window,
    thresholds: Thresholds | None = None,
    records: Records | None = None,
    min_visible_s: int | None = None,
    listed_max: int = 1000,
) -> ScoreDoc:
    """The score of these findings. Each list is cut after `listed_max` items; the counts are of the whole lists."""
    records, thresholds = records or Records(), thresholds or Thresholds()
    visible = [break_ for break_ in breaks if window.overlaps(break_)]
    classification = _classify(visible, findings, window, None if min_visible_s is None else min_visible_s * 1000)
    hits, wrong = len(classification.hits), len(classification.false) + len(classification.wrong_class)
    demanded, harmful = len(classification.demanded), len(records.harmful_repairs)
    numbers = {
        "precision": ratio(hits, hits + wrong, demanded),
        "recall": ratio(hits, demanded),
        "f1": ratio(2 * hits, 2 * hits + wrong + demanded - hits, demanded),
        "kind_accuracy": ratio(hits, hits + len(classification.wrong_class)),
        "amount_accuracy": ratio(
            len(classification.judged) - len(classification.wrong_amount), len(classification.judged)
        ),
    }
    money = _money(visible, classification, window)
    lists = _lists(classification, visible, window, records)
    recalls = {currency: of_currency.recall for currency, of_currency in money.items()}
    reasons, verdict = verdict_of(numbers, recalls, demanded, harmful, records.silent_rules, thresholds)
    return {
        "verdict": verdict,
        "reasons": [str(reason) for reason in reasons],
        "sentences": [reason.to_json() for reason in reasons],
        "window": {
            "from": rfc3339(window.from_ms),
            "to": rfc3339(window.to_ms),
            "min_visible_s": min_visible_s,
            "checked_at": None if window.checked_ms is None else len(window.checked_ms),
        },
        "thresholds": thresholds.to_json(),
        "counts": {
            "demanded": demanded,
            "findings": hits + wrong + len(classification.optional) + len(classification.duplicated),
            **{name: len(listed) for name, listed in lists.items()},
        },
        "precision": _number(numbers["precision"]),
        "recall": _number(numbers["recall"]),
        "f1": _number(numbers["f1"]),
        "kind_accuracy": _number(numbers["kind_accuracy"]),
        "amount_accuracy": _number(numbers["amount_accuracy"]),
        "by_class": _by_class(classification),
        "money": {currency: of_currency.to_json() for currency, of_currency in money.items()},
        "time_to_detect_s": _spread(
            max(0, finding.found_ms - _visible_from(breaks, finding.found_ms)) // 1000
            for finding, breaks in classification.hits
        ),
        "time_to_repair_s": _spread(
            (break_.end_ms - break_.from_ms) // 1000
            for break_ in visible
            if break_.end_ms is not None and _repaired_in(break_, window)
        ),
        "borrower_harm": {
            "unpaid_hours": round(sum(break_.visible_ms(window) for break_ in visible if break_.unpaid) / HOUR_MS, 3),
            "wrong_report_days": round(
                sum(break_.visible_ms(window) for break_ in visible if break_.reported) / DAY_MS, 3
            ),
            "refused_applications": len(records.refused_applications),
        },
        "timing_noise": len(classification.optional),
        "penalty_points": demanded - hits + wrong + HARM_WEIGHT * harmful,
        "silent_rules": list(records.silent_rules),
        "lists": {name: listed[:listed_max] for name, listed in lists.items()},
        "lists_cut": [name for name, listed in lists.items() if len(listed) > listed_max],
    }


def ratio(part: int, whole: int, sought: int = 0) -> Fraction | None:
    """The part divided by the whole. 0 of 0 is None, but 0 where `sought` says that there was something to find."""
    if whole:
        return Fraction(part, whole)
    return Fraction(0) if sought else None


def _classify(
    visible: Sequence[Break], findings: Iterable[ReportedFinding], window: Window, min_visible_ms: int | None
) -> Classification:
    by_key: dict[Key, list[Break]] = defaultdict(list)
    by_entity: dict[str, list[Break]] = defaultdict(list)
    demanded: dict[Key, list[Break]] = defaultdict(list)
    for break_ in visible:
        by_key[break_.key].append(break_)
        by_entity[break_.entity].append(break_)
        if _is_demanded(break_, window, min_visible_ms):
            demanded[break_.key].append(break_)
    classification = Classification(dict(demanded))
    counted: dict[Key, ReportedFinding] = {}
    for finding in sorted(findings, key=lambda finding: (finding.order, finding.n)):
        if finding.key in counted:
            classification.duplicated.append(finding)
            continue
        counted[finding.key] = finding
    for key, finding in sorted(counted.items()):
        if key in demanded:
            classification.hits.append((finding, demanded[key]))
        elif key in by_key:
            classification.optional.append((finding, by_key[key]))
        elif finding.entity in by_entity:
            classification.wrong_class.append((finding, by_entity[finding.entity]))
        else:
            classification.false.append(finding)
    classification.missed = [breaks for key, breaks in sorted(demanded.items()) if key not in counted]
    return classification


def _is_demanded(break_: Break, window: Window, min_visible_ms: int | None) -> bool:
    if break_.finding_class == TIMING or (break_.end_ms == break_.from_ms and not break_.repaired):
        return False
    if window.checked_ms is not None:
        findable = window.visible_at_a_check(break_)
    else:
        findable = window.leaves_open(break_) or _repaired_in(break_, window)
    return findable or (min_visible_ms is not None and break_.visible_ms(window) >= min_visible_ms)


def _repaired_in(break_: Break, window: Window) -> bool:
    return break_.repaired and break_.end_ms is not None and window.from_ms <= break_.end_ms <= window.to_ms


def _visible_from(breaks: Sequence[Break], found_ms: int) -> int:
    """From when the reported break was visible; of several injections, the newest before the time of the report."""
    return max((break_.from_ms for break_ in breaks if break_.from_ms <= found_ms), default=breaks[0].from_ms)


def _amounts(breaks: Iterable[Break]) -> set[int]:
    return {break_.amount_minor for break_ in breaks}


@dataclass(frozen=True, slots=True)
class _Money:
    demanded_minor: int
    found_minor: int
    at_risk_minor_hours: int

    @property
    def recall(self) -> Fraction | None:
        return ratio(self.found_minor, self.demanded_minor)

    def to_json(self) -> MoneyDoc:
        return {
            "demanded_minor": self.demanded_minor,
            "found_minor": self.found_minor,
            "recall": _number(self.recall),
            "at_risk_minor_hours": self.at_risk_minor_hours,
        }


def _money(visible: Sequence[Break], classification: Classification, window: Window) -> dict[str, _Money]:
    """By currency: the amounts demanded and found, and the money at risk."""
    demanded: Counter[str] = Counter()
    found: Counter[str] = Counter()
    risk: Counter[str] = Counter()
    hit = {finding.key for finding, _ in classification.hits}
    for break_ in visible:
        risk[break_.currency] += abs(break_.amount_minor) * break_.visible_ms(window)
    for key, breaks in classification.demanded.items():
        newest = max(breaks, key=lambda break_: (break_.from_ms, break_.injection))
        demanded[newest.currency] += abs(newest.amount_minor)
        found[newest.currency] += abs(newest.amount_minor) if key in hit else 0
    return {
        currency: _Money(demanded[currency], found[currency], risk[currency] // HOUR_MS) for currency in sorted(risk)
    }


def _by_class(classification: Classification) -> dict[str, ClassScoreDoc]:
    demanded = Counter(finding_class for finding_class, _ in classification.demanded)
    hits = Counter(finding.finding_class for finding, _ in classification.hits)
    wrong = Counter(
        finding.finding_class
        for finding in (*classification.false, *(finding for finding, _ in classification.wrong_class))
    )
    return {
        name: {
            "demanded": demanded[name],
            "found": hits[name],
            "wrong": wrong[name],
            "precision": _number(ratio(hits[name], hits[name] + wrong[name], demanded[name])),
            "recall": _number(ratio(hits[name], demanded[name])),
            "f1": _number(ratio(2 * hits[name], hits[name] + wrong[name] + demanded[name], demanded[name])),
        }
        for name in sorted(demanded.keys() | wrong.keys())
    }


def _lists(
    classification: Classification, visible: Sequence[Break], window: Window, records: Records
) -> dict[str, Sequence[object]]:
    """The items that each number counts, in an order that does not depend on that of the findings."""
    return {
        "true_positives": [_with_breaks(finding, breaks) for finding, breaks in classification.hits],
        "missed": [breaks[-1].to_json() for breaks in classification.missed],
        "false_positives": [finding.to_json() for finding in classification.false],
        "wrong_class": [_with_breaks(finding, breaks) for finding, breaks in classification.wrong_class],
        "wrong_amount": [_with_breaks(finding, breaks) for finding, breaks in classification.wrong_amount],
        "optional": [_with_breaks(finding, breaks) for finding, breaks in classification.optional],
        "duplicated": [finding.to_json() for finding in classification.duplicated],
        "repaired": [break_.to_json() for break_ in visible if _repaired_in(break_, window)],
        "shown_unpaid": [break_.to_json() for break_ in visible if break_.unpaid],
        "wrong_reports": [break_.to_json() for break_ in visible if break_.reported],
        "refused_applications": [dict(application) for application in records.refused_applications],
        "harmful_repairs": [dict(repair) for repair in records.harmful_repairs],
    }


def _with_breaks(finding: ReportedFinding, breaks: Sequence[Break]) -> JudgedFindingDoc:
    key: list[KeyedBreakDoc] = [
        {
            "class": break_.finding_class,
            "amount_minor": break_.amount_minor,
            "currency": break_.currency,
            "injection": break_.injection,
        }
        for break_ in breaks
    ]
    return {**finding.to_json(), "answer_key": key}


def _spread(seconds: Iterable[int]) -> SpreadDoc:
    """How many durations, and their nearest-rank p50 and p95."""
    ranked = sorted(seconds)
    return {"n": len(ranked), "p50": _rank(ranked, 50), "p95": _rank(ranked, 95)}


def _rank(ranked: Sequence[int], percent: int) -> int | None:
    return ranked[-(-percent * len(ranked) // 100) - 1] if ranked else None


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)

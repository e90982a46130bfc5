"""Scores of reconcilers: the answer key against what somebody found. Pure; each number is defined here, once.

A *break* is a class and an entity. The key demands a break where one of its lies

    could be seen in the window, and was still told when the window ended, or was ended by an act of staff.

A lie that ended without anybody's doing (its lag was over, a later message came, a newer version took its place) is
optional: to report it is neither right nor wrong. So is one of class `timing`, and one that was told in one answer.
With `min_visible_s`, such a lie is still demanded if it could be seen for that long. With `checked_at`, the moments at
which the reconciler looked, a lie is demanded where it was told at one of them, and else optional: who was not let look
cannot have seen it. What the platform withstood (`masked`) and what cannot be seen yet is no break at all.

    hit           a finding with the class and entity of a demanded break
    wrong class   the right entity, and none of its classes
    false         neither; a break that is optional is none of these
    precision     hits / (hits + false + wrong class)
    recall        hits / demanded
    f1            2 hits / (2 hits + false + wrong class + missed)
    kind accuracy   hits / (hits + wrong class)
    amount accuracy   hits whose amount is right / hits that name one, but for classes where the amount drifts
    money recall   amounts of the breaks that were hit / amounts demanded, by currency
    money at risk   Σ amount x hours that it could be seen in the window, by currency: all lies, in minor units x hours
    time to detect   found_at - visible_from, of the hits
    time to repair   ended_at - visible_from, of the lies that staff ended in the window
    penalty points   missed + false + wrong class + 10 x harmful repairs

A ratio of nothing to nothing is null, but 0 where there was something to find. Each break counts once, however often
it is reported; the earliest report is the one that is timed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339

PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"
TIMING = "timing"
"""A class that nobody is ever asked for: it will be right by itself."""
DRIFTS = frozenset({"stale_view"})
"""Classes where the amount may be another one by the time at which somebody looks."""
HARM_WEIGHT = 10
HOUR_MS, DAY_MS = 3_600_000, 86_400_000

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Break:
    """An entry of the answer key that can be seen, as far as a score needs it. `end_ms` is None while it is told."""

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
    repaired: bool = False  # an act of staff ended it
    unpaid: bool = False  # somebody who owes nothing is shown as owing
    reported: bool = False  # it is in a credit report

    @property
    def key(self) -> Key:
        """The break that it is part of."""
        return (self.finding_class, self.entity)

    def visible_ms(self, window: Window) -> int:
        """How long it could be seen within the window."""
        end_ms = window.to_ms if self.end_ms is None else min(self.end_ms, window.to_ms)
        return max(0, end_ms - max(self.from_ms, window.from_ms))

    def to_json(self) -> dict[str, Any]:
        """The lie, as the lists behind a score name it."""
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
    """What a reconciler found: the n-th of its findings, from 0."""

    n: int
    finding_class: str
    entity: str
    found_ms: int
    amount_minor: int | None = None
    action: str | None = None
    loan_id: str | None = None

    @property
    def key(self) -> Key:
        """The break that it means."""
        return (self.finding_class, self.entity)

    @property
    def order(self) -> tuple[int, bool, int, str]:
        """Which of two reports of one break counts: nothing here depends on their order."""
        return (self.found_ms, self.amount_minor is None, self.amount_minor or 0, self.action or "")

    def to_json(self) -> dict[str, Any]:
        """The finding, as the lists behind a score name it."""
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
    """From when to when a reconciler is judged, both included, on the sandbox's clock.

    `checked_ms` are the moments in it at which the reconciler looked, in order; None where that is not told.
    """

    from_ms: int
    to_ms: int
    checked_ms: tuple[int, ...] | None = None

    def shows(self, break_: Break) -> bool:
        """Whether the lie could be seen in it."""
        if break_.from_ms > self.to_ms:
            return False
        return break_.end_ms is None or break_.end_ms > self.from_ms or break_.from_ms >= self.from_ms

    def leaves_open(self, break_: Break) -> bool:
        """Whether the lie was still told when it ended."""
        return break_.from_ms <= self.to_ms and (break_.end_ms is None or break_.end_ms > self.to_ms)

    def looked_at(self, break_: Break) -> bool:
        """Whether the lie was told at one of the looks.

        On a manual clock staff act at the very moment of the look that showed them what to do.
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
class Thresholds:
    """What is asked of a reconciler. None asks nothing; a ratio of nothing to nothing is never too low."""

    precision_min: Decimal | None = Decimal(1)
    recall_min: Decimal | None = Decimal(1)
    f1_min: Decimal | None = None
    kind_accuracy_min: Decimal | None = None
    amount_accuracy_min: Decimal | None = None
    money_recall_min: Decimal | None = None
    harmful_repairs_max: int | None = 0
    silent_rules_max: int | None = 0

    def to_json(self) -> dict[str, Any]:
        """The thresholds by name; a ratio as a number from 0 to 1."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: float(value) if isinstance(value, Decimal) else value for name, value in given.items()}


@dataclass(frozen=True, slots=True)
class Records:
    """What the sandbox's own records say besides: each list holds JSON objects, as `records` makes them.

    `harmful_repairs` made right books wrong; `refused_applications` were refused on a report that was; `silent_rules`
    are the ids of rules that never injected.
    """

    harmful_repairs: Sequence[Mapping[str, object]] = ()
    refused_applications: Sequence[Mapping[str, object]] = ()
    silent_rules: Sequence[str] = ()


@dataclass(slots=True)
class Classification:
    """The findings and the breaks, each where it belongs."""

    demanded: dict[Key, list[Break]]
    hits: list[tuple[ReportedFinding, list[Break]]] = field(default_factory=list)
    missed: list[list[Break]] = field(default_factory=list)
    false: list[ReportedFinding] = field(default_factory=list)
    wrong_class: list[tuple[ReportedFinding, list[Break]]] = field(default_factory=list)
    optional: list[tuple[ReportedFinding, list[Break]]] = field(default_factory=list)
    duplicated: list[ReportedFinding] = field(default_factory=list)

    @property
    def wrong_amount(self) -> list[tuple[ReportedFinding, list[Break]]]:
        """The hits whose amount is not the one at stake."""
        return [(found, breaks) for found, breaks in self.judged if found.amount_minor not in _amounts(breaks)]

    @property
    def judged(self) -> list[tuple[ReportedFinding, list[Break]]]:
        """The hits whose amount is looked at."""
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
) -> dict[str, Any]:
    """The score as JSON. `listed_max` is how long each of the lists behind the numbers may be; all are counted."""
    records, thresholds = records or Records(), thresholds or Thresholds()
    seen = [break_ for break_ in breaks if window.shows(break_)]
    told = _classified(seen, findings, window, None if min_visible_s is None else min_visible_s * 1000)
    hits, wrong = len(told.hits), len(told.false) + len(told.wrong_class)
    asked, harmful = len(told.demanded), len(records.harmful_repairs)
    numbers: dict[str, Any] = {
        "precision": ratio(hits, hits + wrong, asked),
        "recall": ratio(hits, asked),
        "f1": ratio(2 * hits, 2 * hits + wrong + asked - hits, asked),
        "kind_accuracy": ratio(hits, hits + len(told.wrong_class)),
        "amount_accuracy": ratio(len(told.judged) - len(told.wrong_amount), len(told.judged)),
    }
    money = _money(seen, told, window)
    lists = _lists(told, seen, window, records)
    reasons, verdict = _verdict(numbers, money, asked, records, thresholds)
    return {
        "verdict": verdict,
        "reasons": reasons,
        "window": {
            "from": rfc3339(window.from_ms),
            "to": rfc3339(window.to_ms),
            "min_visible_s": min_visible_s,
            "checked_at": None if window.checked_ms is None else len(window.checked_ms),
        },
        "thresholds": thresholds.to_json(),
        "counts": {
            "demanded": asked,
            "findings": hits + wrong + len(told.optional) + len(told.duplicated),
            **{name: len(listed) for name, listed in lists.items()},
        },
        **{name: _number(value) for name, value in numbers.items()},
        "by_class": _by_class(told),
        "money": {currency: one | {"recall": _number(one["recall"])} for currency, one in money.items()},
        "time_to_detect_s": _spread(
            max(0, found.found_ms - _first(breaks, found.found_ms)) // 1000 for found, breaks in told.hits
        ),
        "time_to_repair_s": _spread(
            (break_.end_ms - break_.from_ms) // 1000
            for break_ in seen
            if break_.end_ms is not None and _repaired_in(break_, window)
        ),
        "borrower_harm": {
            "unpaid_hours": round(sum(break_.visible_ms(window) for break_ in seen if break_.unpaid) / HOUR_MS, 3),
            "wrong_report_days": round(
                sum(break_.visible_ms(window) for break_ in seen if break_.reported) / DAY_MS, 3
            ),
            "refused_applications": len(records.refused_applications),
        },
        "timing_noise": len(told.optional),
        "penalty_points": asked - hits + wrong + HARM_WEIGHT * harmful,
        "silent_rules": list(records.silent_rules),
        "lists": {name: listed[:listed_max] for name, listed in lists.items()},
        "lists_cut": [name for name, listed in lists.items() if len(listed) > listed_max],
    }


def ratio(part: int, whole: int, sought: int = 0) -> Fraction | None:
    """Part of a whole. Nothing of nothing is None; but 0 where `sought` says that there was something to find."""
    if whole:
        return Fraction(part, whole)
    return Fraction(0) if sought else None


def _classified(
    seen: Sequence[Break], findings: Iterable[ReportedFinding], window: Window, bound_ms: int | None
) -> Classification:
    breaks: dict[Key, list[Break]] = defaultdict(list)
    on: dict[str, list[Break]] = defaultdict(list)
    demanded: dict[Key, list[Break]] = defaultdict(list)
    for break_ in seen:
        breaks[break_.key].append(break_)
        on[break_.entity].append(break_)
        if _is_demanded(break_, window, bound_ms):
            demanded[break_.key].append(break_)
    told = Classification(dict(demanded))
    counted: dict[Key, ReportedFinding] = {}
    for found in sorted(findings, key=lambda one: (one.order, one.n)):
        if found.key in counted:
            told.duplicated.append(found)
            continue
        counted[found.key] = found
    for key, found in sorted(counted.items()):
        if key in demanded:
            told.hits.append((found, demanded[key]))
        elif key in breaks:
            told.optional.append((found, breaks[key]))
        elif found.entity in on:
            told.wrong_class.append((found, on[found.entity]))
        else:
            told.false.append(found)
    told.missed = [breaks for key, breaks in sorted(demanded.items()) if key not in counted]
    return told


def _is_demanded(break_: Break, window: Window, bound_ms: int | None) -> bool:
    if break_.finding_class == TIMING or (break_.end_ms == break_.from_ms and not break_.repaired):
        return False
    told = window.leaves_open(break_) or _repaired_in(break_, window)
    if told if window.checked_ms is None else window.looked_at(break_):
        return True
    return bound_ms is not None and break_.visible_ms(window) >= bound_ms


def _repaired_in(break_: Break, window: Window) -> bool:
    return break_.repaired and break_.end_ms is not None and window.from_ms <= break_.end_ms <= window.to_ms


def _first(breaks: Sequence[Break], found_ms: int) -> int:
    """From when the lie that was found could be seen: the newest one before that, of several on one break."""
    return max((break_.from_ms for break_ in breaks if break_.from_ms <= found_ms), default=breaks[0].from_ms)


def _amounts(breaks: Iterable[Break]) -> set[int]:
    return {break_.amount_minor for break_ in breaks}


def _money(seen: Sequence[Break], told: Classification, window: Window) -> dict[str, dict[str, Any]]:
    """By currency: what was demanded, what of it was found, and how much was wrong for how long."""
    demanded: Counter[str] = Counter()
    found: Counter[str] = Counter()
    risk: Counter[str] = Counter()
    hit = {one.key for one, _ in told.hits}
    for break_ in seen:
        risk[break_.currency] += abs(break_.amount_minor) * break_.visible_ms(window)
    for key, breaks in told.demanded.items():
        newest = max(breaks, key=lambda break_: (break_.from_ms, break_.injection))
        demanded[newest.currency] += abs(newest.amount_minor)
        found[newest.currency] += abs(newest.amount_minor) if key in hit else 0
    return {
        currency: {
            "demanded_minor": demanded[currency],
            "found_minor": found[currency],
            "recall": ratio(found[currency], demanded[currency]),
            "at_risk_minor_hours": risk[currency] // HOUR_MS,
        }
        for currency in sorted(risk)
    }


def _by_class(told: Classification) -> dict[str, dict[str, Any]]:
    demanded = Counter(finding_class for finding_class, _ in told.demanded)
    hits = Counter(found.finding_class for found, _ in told.hits)
    wrong = Counter(found.finding_class for found in (*told.false, *(found for found, _ in told.wrong_class)))
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


def _lists(told: Classification, seen: Sequence[Break], window: Window, records: Records) -> dict[str, list[Any]]:
    """What is behind each number, every list in an order of its own that does not depend on who came first."""
    return {
        "true_positives": [_with_lies(found, breaks) for found, breaks in told.hits],
        "missed": [breaks[-1].to_json() for breaks in told.missed],
        "false_positives": [found.to_json() for found in told.false],
        "wrong_class": [_with_lies(found, breaks) for found, breaks in told.wrong_class],
        "wrong_amount": [_with_lies(found, breaks) for found, breaks in told.wrong_amount],
        "optional": [_with_lies(found, breaks) for found, breaks in told.optional],
        "duplicated": [found.to_json() for found in told.duplicated],
        "repaired": [break_.to_json() for break_ in seen if _repaired_in(break_, window)],
        "shown_unpaid": [break_.to_json() for break_ in seen if break_.unpaid],
        "wrong_reports": [break_.to_json() for break_ in seen if break_.reported],
        "refused_applications": [dict(application) for application in records.refused_applications],
        "harmful_repairs": [dict(repair) for repair in records.harmful_repairs],
    }


def _with_lies(found: ReportedFinding, breaks: Sequence[Break]) -> dict[str, Any]:
    key = [
        {"class": break_.finding_class, "amount_minor": break_.amount_minor, "injection": break_.injection}
        for break_ in breaks
    ]
    return found.to_json() | {"answer_key": key}


def _verdict(
    numbers: Mapping[str, Fraction | None],
    money: Mapping[str, Mapping[str, Any]],
    demanded: int,
    records: Records,
    thresholds: Thresholds,
) -> tuple[list[str], str]:
    """FAIL where a threshold is not met: more would not mend that. Else INCONCLUSIVE where too little happened."""
    failed = []
    for name, value in numbers.items():
        least = getattr(thresholds, f"{name}_min")
        if least is not None and value is not None and value < Fraction(least):
            failed.append(f"{name} is {float(value):.4f}, and at least {least} is asked for")
    if thresholds.money_recall_min is not None:
        for currency, one in money.items():
            if one["recall"] is not None and one["recall"] < Fraction(thresholds.money_recall_min):
                asked = f"at least {thresholds.money_recall_min} is asked for"
                failed.append(f"money recall in {currency} is {float(one['recall']):.4f}, and {asked}")
    harmful, silent = len(records.harmful_repairs), len(records.silent_rules)
    if thresholds.harmful_repairs_max is not None and harmful > thresholds.harmful_repairs_max:
        failed.append(f"{harmful} repairs made right books wrong, and at most {thresholds.harmful_repairs_max} may")
    if failed:
        return failed, FAIL
    unsure = [] if demanded else ["the answer key demands nothing in this window"]
    if thresholds.silent_rules_max is not None and silent > thresholds.silent_rules_max:
        unsure.append(f"{silent} rules never injected: {', '.join(records.silent_rules[:10])}")
    return unsure, INCONCLUSIVE if unsure else PASS


def _spread(seconds: Iterable[int]) -> dict[str, int | None]:
    """How many, and the nearest-rank p50 and p95."""
    ranked = sorted(seconds)
    return {"n": len(ranked), "p50": _rank(ranked, 50), "p95": _rank(ranked, 95)}


def _rank(ranked: Sequence[int], percent: int) -> int | None:
    return ranked[-(-percent * len(ranked) // 100) - 1] if ranked else None


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)

"""The JSON documents of a score: its numbers, and the items of its lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from mocklend.domain.sentences import SentenceDoc

BreakDoc = TypedDict(
    "BreakDoc",
    {
        "class": str,
        "entity": str,
        "loan_id": str,
        "amount_minor": int,
        "currency": str,
        "injection": str,
        "rule": str,
        "fault": str,
        "visible_from": str,
        "ended_at": str | None,
    },
)
"""A break in the lists of a score. Times are RFC 3339, on the sandbox's clock."""

FindingDoc = TypedDict(
    "FindingDoc",
    {
        "n": int,
        "class": str,
        "entity": str,
        "loan_id": str | None,
        "amount_minor": int | None,
        "action": str | None,
        "found_at": str,
    },
)
"""A finding in the lists of a score; `n` is its place in the request, from 0."""

KeyedBreakDoc = TypedDict("KeyedBreakDoc", {"class": str, "amount_minor": int, "currency": str, "injection": str})
"""An entry of the answer key, beside the finding that is about it."""


class JudgedFindingDoc(FindingDoc):
    """A finding, with the entries of the answer key on the same entity."""

    answer_key: list[KeyedBreakDoc]


WindowDoc = TypedDict("WindowDoc", {"from": str, "to": str, "min_visible_s": int | None, "checked_at": int | None})
"""The window of a score. `checked_at` is how many checks were named, None where none were."""


class ClassScoreDoc(TypedDict):
    """How well one class of break was found; the ratios are from 0 to 1."""

    demanded: int
    found: int
    wrong: int
    precision: float | None
    recall: float | None
    f1: float | None


class MoneyDoc(TypedDict):
    """How much of the money at stake was found, in one currency."""

    demanded_minor: int
    found_minor: int
    recall: float | None
    at_risk_minor_hours: int


class SpreadDoc(TypedDict):
    """How many durations there were, and their nearest-rank percentiles in seconds."""

    n: int
    p50: int | None
    p95: int | None


class BorrowerHarmDoc(TypedDict):
    """What borrowers suffered in the window."""

    unpaid_hours: float
    wrong_report_days: float
    refused_applications: int


class ScoreDoc(TypedDict):
    """A score. Each number is defined in `scoring`; ratios are from 0 to 1."""

    verdict: str
    reasons: list[str]
    sentences: list[SentenceDoc]
    window: WindowDoc
    thresholds: Mapping[str, float | None]
    counts: dict[str, int]
    precision: float | None
    recall: float | None
    f1: float | None
    kind_accuracy: float | None
    amount_accuracy: float | None
    by_class: dict[str, ClassScoreDoc]
    money: dict[str, MoneyDoc]
    time_to_detect_s: SpreadDoc
    time_to_repair_s: SpreadDoc
    borrower_harm: BorrowerHarmDoc
    timing_noise: int
    penalty_points: int
    silent_rules: list[str]
    lists: Mapping[str, Sequence[object]]
    lists_cut: list[str]

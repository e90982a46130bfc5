"""Near pairs of a score: a finding that hits the loan, or the very entity, of a missed break, with another class.

"You said misapplied, it is unidentified." Such a reconciler looked at the right place and drew the wrong conclusion,
which is another lesson than a break that nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from mocklend.domain.nouns import JsonObject


class NearPairDoc(TypedDict):
    """A finding, and the break that it nearly hit. `said` and `actual` are their finding classes."""

    n: int
    said: str
    actual: str
    entity: str
    loan_id: str | None
    injection: str


def near_pairs(lists: Mapping[str, Iterable[JsonObject]]) -> list[NearPairDoc]:
    """The near pairs among the items of a score's lists, in the order of the findings."""
    missed = {break_["injection"]: break_ for break_ in lists["missed"]}
    pairs: list[NearPairDoc] = [
        {
            "n": finding["n"],
            "said": finding["class"],
            "actual": break_["class"],
            "entity": finding["entity"],
            "loan_id": missed.get(break_["injection"], finding)["loan_id"] or None,
            "injection": break_["injection"],
        }
        for finding in lists["wrong_class"]
        for break_ in finding["answer_key"]
    ]
    by_loan: dict[str, list[JsonObject]] = {}
    for break_ in missed.values():
        by_loan.setdefault(break_["loan_id"], []).append(break_)
    for finding in lists["false_positives"]:
        for break_ in by_loan.get(finding["loan_id"] or finding["entity"], ()):
            pairs.append(
                {
                    "n": finding["n"],
                    "said": finding["class"],
                    "actual": break_["class"],
                    "entity": finding["entity"],
                    "loan_id": break_["loan_id"],
                    "injection": break_["injection"],
                }
            )
    return sorted(pairs, key=lambda pair: (pair["n"], pair["injection"]))

"""The result of an audit, and its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from mocklend.domain.finding import CLASSES, Discrepancy, InTransit
from mocklend.domain.nouns import FindingClass, LoanId, says
from mocklend.sandboxes.timestamps import rfc3339


@dataclass(slots=True)
class Audit:
    """The result of an audit at one time of the sandbox's clock. `states` has each invariant's code and sentence.

    `mark` is that of this audit, `since` that of the one that it continues, and `looked_at` the loans that it audited;
    both are None for a full audit. `loans` counts those of the sandbox.
    """

    now_ms: int
    states: Mapping[str, str]
    discrepancies: list[Discrepancy] = field(default_factory=list)
    in_transit: list[InTransit] = field(default_factory=list)
    loans: int = 0
    mark: str = ""
    since: str | None = None
    looked_at: list[str] | None = None

    def add(self, findings: Iterable[Discrepancy | InTransit]) -> None:
        """Add the findings of a check."""
        for finding in findings:
            if isinstance(finding, InTransit):
                self.in_transit.append(finding)
            else:
                self.discrepancies.append(finding)

    @property
    def clean(self) -> bool:
        """Whether nothing disagrees."""
        return not self.discrepancies

    def broken(self) -> Mapping[str, list[str]]:
        """Return the invariants that do not hold, by code, with the details."""
        details: dict[str, list[str]] = {}
        for discrepancy in self.discrepancies:
            if discrepancy.finding.finding_class in ("books_invariant", "world_invariant"):
                code, _, detail = discrepancy.detail.partition(": ")
                details.setdefault(code, []).append(detail)
        return details

    def to_json(
        self, explained_by: Sequence[str | None] | None = None, unobserved: Sequence[Mapping[str, object]] = ()
    ) -> AuditDoc:
        """Return the audit as JSON, with what a fault layer says of it: by default, nothing.

        `explained_by` has for each discrepancy the injection that caused it, and `unobserved` the entries of the answer
        key that nothing shows.
        """
        broken, causes = self.broken(), explained_by or (None,) * len(self.discrepancies)
        return {
            "now": rfc3339(self.now_ms),
            "clean": self.clean,
            "loans": self.loans,
            "discrepancies": [
                _discrepancy_doc(discrepancy, cause)
                for discrepancy, cause in zip(self.discrepancies, causes, strict=True)
            ],
            "in_transit": [_in_transit_doc(item, self.now_ms) for item in self.in_transit],
            "invariants": [
                {"name": code, "holds": code not in broken, "states": states, "detail": broken.get(code, [])}
                for code, states in self.states.items()
            ],
            "unobserved": list(unobserved),
            "mark": self.mark or None,
            "since": self.since,
            "looked_at": self.looked_at,
        }


_Class = TypedDict("_Class", {"class": FindingClass})


class DiscrepancyDoc(_Class):
    """Two records that disagree; `explained_by` is the injection that caused it."""

    title: Annotated[str, says("What that class means, in a sentence in the language of `Accept-Language`.")]
    entity: Annotated[
        str, says("The smallest thing that is wrong: a repayment, a receipt, an edit, a loan, by its id.")
    ]
    loan_id: LoanId | None
    amount_minor: Annotated[
        int, says("By how much the records differ, in minor units of `currency`; 0 if they differ in something else.")
    ]
    currency: Annotated[
        str | None, says("The currency of the loan, receipt or statement; null where it is about no money.")
    ]
    detail: Annotated[str, says("What disagrees with what, in a sentence.")]
    explained_by: Annotated[
        str | None, says("The injection that caused it, by its id on the answer key; null if none did.")
    ]


class InTransitDoc(TypedDict):
    """Money in transit."""

    entity: Annotated[str, says("What is in transit: a repayment, a receipt or a payout, by its id.")]
    loan_id: Annotated[str | None, says("The loan that it is for; empty or null if it is for none.")]
    since: Annotated[str, says("Since when it is in transit. RFC 3339, on the sandbox's clock.")]
    age_s: Annotated[int, says("Seconds since then, on the sandbox's clock.")]
    detail: Annotated[str, says("What is in transit, in a sentence.")]


class InvariantDoc(TypedDict):
    """A statement that always holds, and whether it does."""

    name: Annotated[str, says("The invariant's short name, such as B2.")]
    holds: Annotated[bool, says("Whether it holds now.")]
    states: Annotated[str, says("What always holds, in a sentence in the language of `Accept-Language`.")]
    detail: Annotated[list[str], says("What violates it, one line each; empty if it holds.")]


class AuditDoc(TypedDict):
    """An audit. `clean`: nothing disagrees. `unobserved`: injections that should show and do not."""

    now: Annotated[str, says("When the audit was made. RFC 3339, on the sandbox's clock.")]
    clean: Annotated[bool, says("Whether nothing disagrees.")]
    loans: Annotated[int, says("How many loans the sandbox has. A full audit looks at each.")]
    discrepancies: Annotated[list[DiscrepancyDoc], says("Records that disagree: of world, books and views.")]
    in_transit: Annotated[list[InTransitDoc], says("Money in transit, which is not a discrepancy.")]
    invariants: Annotated[
        list[InvariantDoc], says("The invariants, which hold whatever is armed, and whether they do.")
    ]
    unobserved: Annotated[
        list[Mapping[str, Any]],
        says(
            "Injections that should be visible, and that the audit does not see. Empty, unless Mocklend is wrong; "
            "always empty with `since` and `loan_id`."
        ),
    ]
    mark: Annotated[
        str | None,
        says("How far this audit has seen: the next one may continue from there, as its `since`. Null with `loan_id`."),
    ]
    since: Annotated[str | None, says("The mark from which this audit continues; null for a full audit.")]
    looked_at: Annotated[
        list[str] | None,
        says(
            "With `loan_id`, that loan. With `since`: the loans that changed or whose time came since then, by id. "
            "What was found before on them, and on no loan, is out of date; what was found on other loans still holds. "
            "Null for a full audit."
        ),
    ]


def _discrepancy_doc(discrepancy: Discrepancy, explained_by: str | None) -> DiscrepancyDoc:
    return {
        "class": discrepancy.finding.finding_class,
        "title": CLASSES[discrepancy.finding.finding_class],
        "entity": discrepancy.finding.entity,
        "loan_id": discrepancy.loan_id,
        "amount_minor": discrepancy.finding.amount_minor,
        "currency": discrepancy.currency,
        "detail": discrepancy.detail,
        "explained_by": explained_by,
    }


def _in_transit_doc(in_transit: InTransit, now_ms: int) -> InTransitDoc:
    return {
        "entity": in_transit.entity,
        "loan_id": in_transit.loan_id,
        "since": rfc3339(in_transit.since_ms),
        "age_s": max(0, now_ms - in_transit.since_ms) // 1000,
        "detail": in_transit.detail,
    }

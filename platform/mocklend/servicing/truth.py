"""Audit of decisions: a CORRECTED dispute has made the corrections that it names, and nothing is left wrong.

Each claim is compared with the stored data up to the version of the loan that the decision declared right: later
mistakes do not make a decision untrue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mocklend.domain.facts import SECOND_RECEIPT, booked, booking, standing
from mocklend.domain.finding import Discrepancy, Finding
from mocklend.domain.money import format_minor
from mocklend.domain.statuses import DisputeState, EditState, ReceiptState, RepaymentStatus
from mocklend.sandboxes.ids import out_trade_no
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.servicing.disputes import CORRECTED_NOTE
from mocklend.storage.entities import Dispute, Loan, OperatorEdit, Receipt, Repayment, Trade
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.snapshot import Chosen, SandboxReader, Snapshot
from mocklend.storage.values import CorrectionDoc
from mocklend.views.render import conflicting_override

_DECIDED = f"""SELECT id FROM disputes WHERE sandbox_id = :sandbox_id
    AND state IN ('{DisputeState.CORRECTED}', '{DisputeState.COMPENSATED}') AND {{loans}}"""
_VERSIONS = "SELECT id, version FROM book_facts WHERE sandbox_id = :sandbox_id AND loan_id"
_ORDERS = f"""SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND status = '{RepaymentStatus.SUCCEEDED}'
    AND loan_id"""


def check_decisions(snapshot: Snapshot, loans: Chosen) -> Iterator[Discrepancy]:
    """Each CORRECTED dispute whose claim is not true: finding class `untrue_decision`."""
    for id in snapshot.ids(_DECIDED.format(loans=loans.by("loan_id")), **loans.parameters):
        dispute = snapshot.get(Dispute, id)
        steps = [entry for entry in dispute.progress if entry["note"].startswith(CORRECTED_NOTE)]
        if not steps or steps[-1]["state"] != DisputeState.CORRECTED:
            continue  # It was compensated, and its progress says that it is not corrected.
        loan = snapshot.get(Loan, dispute.loan_id)
        wrong = _mistakes(snapshot, loan, dispute, steps[-1]["at"])
        if wrong:
            detail = f"it says {DisputeState.CORRECTED} of {steps[-1]['at']}: {'; '.join(wrong)}"
            yield Discrepancy(Finding("untrue_decision", dispute.id, 0), loan.id, loan.currency, detail)


class _Version(NamedTuple):
    fact_id: str
    version: int


def _mistakes(reader: SandboxReader, loan: Loan, dispute: Dispute, at: str) -> list[str]:
    right_at = dispute.corrected_version
    if right_at is None:
        return ["it names no version at which the loan was right"]
    mistakes = [f"{item['what']} {item['id']} is left to do" for item in dispute.left_to_do]
    at_ms = parse_rfc3339(at)
    mistakes += _wrong_page(loan, right_at, at_ms)
    override = conflicting_override(loan)
    if override is not None and override.since_version is not None and override.since_version <= right_at:
        mistakes.append(f"edit {override.edit_id} still says {override.status}")
    if loan.missed_ms is not None and loan.missed_ms < at_ms:
        mistakes.append("end of day has skipped it and it is not caught up")
    facts = facts_of(reader, BOOKS, [loan.id])[loan.id]
    version_of = dict(reader.rows_in(_Version, _VERSIONS, [loan.id]))
    left = standing(facts)
    for fact in facts:
        if fact.kind == SECOND_RECEIPT and fact.id not in left.void and version_of[fact.id] <= right_at:
            mistakes.append(f"{fact.id} is still on the books as a second receipt")
    mistakes += _booked_otherwise(reader, loan.id, version_of, right_at)
    on_books = {booked(fact.id) for fact in facts}
    mistakes += [
        mistake for correction in dispute.corrections if (mistake := _unconfirmed(reader, correction, on_books))
    ]
    return mistakes


def _wrong_page(loan: Loan, right_at: int, at_ms: int) -> Iterator[str]:
    """What the status page may have shown other than the right version, after the decision."""
    versions = loan.view_versions
    page = next((version for version in versions if version.version == right_at), None)
    if page is None:
        if versions[0].version < right_at:
            yield f"version {versions[0].version} is still shown, but {right_at} was right"
    elif page.showing.settled_ms > at_ms:
        yield f"version {right_at} was right, but was not shown by every replica"
    elif page.off_minor:
        yield f"the page of version {right_at} is off by {format_minor(page.off_minor, loan.currency)}"


def _booked_otherwise(
    reader: SandboxReader, loan_id: str, version_of: Mapping[str, int], right_at: int
) -> Iterator[str]:
    for id in reader.ids_in(_ORDERS, [loan_id], " ORDER BY id"):
        order, trade = reader.get(Repayment, id), reader.get(Trade, out_trade_no(id))
        newest = version_of.get(booking(id, max(1, order.bookings)), right_at + 1)
        if newest <= right_at and (order.booked_type, order.booked_ms) != (order.type, trade.paid_ms):
            yield f"{id} is still booked as {order.booked_type}"


def _unconfirmed(reader: SandboxReader, claim: CorrectionDoc, on_books: set[str]) -> str | None:
    """A correction that the stored data do not confirm, in words; None if they do."""
    correction, id = claim["what"], claim["id"]
    match correction:
        case "repayment_applied" | "receipt_applied":
            confirmed = id in on_books
        case "override_reversed":
            confirmed = reader.get(OperatorEdit, id).state == EditState.REVERSED
        case "receipt_reversed":
            confirmed = reader.get(Receipt, id).state == ReceiptState.REVERSED
        case "repayment_rebooked":
            confirmed = reader.get(Repayment, id).bookings > 1
        case "rest_written_off":
            confirmed = id in on_books
        case _:
            confirmed = True  # `_mistakes` checks the status page and end of day itself.
    return None if confirmed else f"there is no {correction} of {id}"

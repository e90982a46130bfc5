"""Whether decisions are true: a dispute that says CORRECTED has corrected what it names, and left nothing behind.

Every claim is held against what is on record, up to the version of the loan that was right when it was made: what went
wrong later is no matter of this decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mocklend.domain.facts import SECOND_RECEIPT, booked, booking, standing
from mocklend.domain.finding import Discrepancy, Finding
from mocklend.domain.statuses import DisputeState, EditState, ReceiptState, RepaymentStatus
from mocklend.sandboxes.ids import out_trade_no
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.servicing.disputes import CORRECTED_NOTE
from mocklend.storage.entities import Dispute, Loan, OperatorEdit, Receipt, Repayment, Trade
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.values import CorrectionDoc
from mocklend.views.render import conflicting_override

_DECIDED = f"""SELECT id FROM disputes WHERE sandbox_id = :sandbox_id
    AND state IN ('{DisputeState.CORRECTED}', '{DisputeState.COMPENSATED}')
    ORDER BY id"""
_VERSIONS = "SELECT id, version FROM book_facts WHERE sandbox_id = :sandbox_id AND loan_id"
_ORDERS = f"""SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND status = '{RepaymentStatus.SUCCEEDED}'
    AND loan_id"""


def check_decisions(snapshot: Snapshot) -> Iterator[Discrepancy]:
    """Each decision that says CORRECTED and is not true: class `untrue_decision`."""
    for id in snapshot.ids(_DECIDED):
        dispute = snapshot.get(Dispute, id)
        steps = [one for one in dispute.progress if one["note"].startswith(CORRECTED_NOTE)]
        if not steps or steps[-1]["state"] != DisputeState.CORRECTED:
            continue  # It was compensated for, and says itself that it is not corrected.
        wrong = _wrong(snapshot, dispute, steps[-1]["at"])
        if wrong:
            detail = f"it says {DisputeState.CORRECTED} of {steps[-1]['at']}: {'; '.join(wrong)}"
            yield Discrepancy(Finding("untrue_decision", dispute.id, 0), dispute.loan_id, detail)


class _Version(NamedTuple):
    fact_id: str
    version: int


def _wrong(reader: SandboxReader, dispute: Dispute, at: str) -> list[str]:
    loan = reader.get(Loan, dispute.loan_id)
    right_at = dispute.corrected_version
    if right_at is None:
        return ["nothing says at which version the loan was right"]
    found = [f"{one['what']} {one['id']} is left to do" for one in dispute.left_to_do]
    at_ms = parse_rfc3339(at)
    found += _shown_before(loan, right_at, at_ms)
    override = conflicting_override(loan)
    if override is not None and override.since_version is not None and override.since_version <= right_at:
        found.append(f"edit {override.edit_id} still says {override.status}")
    if loan.missed_ms is not None and loan.missed_ms < at_ms:
        found.append("it is still left out by the end-of-day batch")
    facts = facts_of(reader, BOOKS, [loan.id])[loan.id]
    since = dict(reader.rows_in(_Version, _VERSIONS, [loan.id]))
    left = standing(facts)
    for fact in facts:
        if fact.kind == SECOND_RECEIPT and fact.id not in left.void and since[fact.id] <= right_at:
            found.append(f"{fact.id} is still on the books a second time")
    found += _booked_otherwise(reader, loan.id, since, right_at)
    known = {booked(fact.id) for fact in facts}
    found += [what for correction in dispute.corrections if (what := _not_done(reader, correction, known))]
    return found


def _shown_before(loan: Loan, right_at: int, at_ms: int) -> Iterator[str]:
    """What the page may have shown beside the version that was right, once it was said to be."""
    kept = loan.view_versions
    page = next((one for one in kept if one.version == right_at), None)
    if page is None:
        if kept[0].version < right_at:
            yield f"version {kept[0].version} is still shown, and {right_at} was right"
    elif page.showing.settled_ms > at_ms:
        yield f"version {right_at} was right, and not shown everywhere and for good"
    elif page.off_minor:
        yield f"the page of version {right_at} is off by {page.off_minor}"


def _booked_otherwise(reader: SandboxReader, loan_id: str, since: Mapping[str, int], right_at: int) -> Iterator[str]:
    for id in reader.ids_in(_ORDERS, [loan_id], " ORDER BY id"):
        order, trade = reader.get(Repayment, id), reader.get(Trade, out_trade_no(id))
        newest = since.get(booking(id, max(1, order.bookings)), right_at + 1)
        if newest <= right_at and (order.booked_type, order.booked_ms) != (order.type, trade.paid_ms):
            yield f"{id} is still booked as {order.booked_type}"


def _not_done(reader: SandboxReader, claim: CorrectionDoc, on_books: set[str]) -> str | None:
    """A claim of the decision that nothing on record bears out."""
    what, id = claim["what"], claim["id"]
    match what:
        case "repayment_applied" | "receipt_applied":
            done = id in on_books
        case "override_reversed":
            done = reader.get(OperatorEdit, id).state == EditState.REVERSED
        case "receipt_reversed":
            done = reader.get(Receipt, id).state == ReceiptState.REVERSED
        case "repayment_rebooked":
            done = reader.get(Repayment, id).bookings > 1
        case "rest_written_off":
            done = id in on_books
        case _:
            done = True  # The page and the end-of-day batch are looked at by themselves.
    return None if done else f"{what} {id} is not on record"

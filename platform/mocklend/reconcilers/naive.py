"""The naive reconciler: it compares balances only, and believes every answer.

It sums up each channel's statements, and what the books have for that channel. If the sums agree it finds nothing,
although two errors may have cancelled out. If they differ it looks for an order of just that amount. A loan that was
paid off and is still shown as unpaid is reported as a break of the books, whatever the reason. It misses today's
breaks, since statements come tomorrow; edits, since they balance; reports and scores, since they hold no money.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from mocklend.client import Client
from mocklend.domain.money import format_minor
from mocklend.domain.statuses import LoanStatus, QuoteType, RepaymentStatus
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found


def reconcile(client: Client) -> list[Found]:
    """Return the breaks that it finds now."""
    evidence = Evidence(client)
    return [*_sums(evidence), *_paid_and_open(evidence)]


def _sums(evidence: Evidence) -> Iterator[Found]:
    """Compare channel totals with booked totals, by currency, up to yesterday."""
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for account, rows in evidence.statements.items():
        taken[account.channel, account.currency] += sum(row.amount_minor for row in rows if row.purpose == "repayment")
    booked: dict[tuple[str, str], int] = defaultdict(int)
    waiting: dict[tuple[str, str], list[tuple[str, str, int]]] = defaultdict(list)
    today = evidence.now.astimezone(evidence.zone).date()
    for case in evidence.cases:
        for repayment in case.repayments:
            of = repayment["channel"], repayment["currency"]
            if repayment["status"] == RepaymentStatus.PROCESSING:
                waiting[of].append((repayment["id"], case.id, repayment["amount_minor"]))
            elif repayment["paid_at"] and evidence.business_date(repayment["paid_at"]) < today:
                booked[of] += repayment["amount_minor"]
    for receipt in evidence.receipts:
        if evidence.business_date(receipt["paid_at"]) < today:
            booked[receipt["channel"], receipt["currency"]] += receipt["amount_minor"]
    for (channel, currency), sum_minor in sorted(taken.items()):
        missing = sum_minor - booked[channel, currency]
        for id, loan_id, amount_minor in waiting[channel, currency]:
            if amount_minor == missing:
                more = format_minor(missing, currency)
                detail = f"{channel} took {more} more than the books have, and this order has that amount"
                yield Found("missing_in_books", id, loan_id, missing, "query", detail, currency=currency)


def _paid_and_open(evidence: Evidence) -> Iterator[Found]:
    """Report loans that the books say are paid and the page says are open, as lost payments."""
    for case in evidence.cases:
        settled = any(
            repayment["type"] == QuoteType.CLEAR and repayment["status"] == RepaymentStatus.SUCCEEDED
            for repayment in case.repayments
        )
        if settled and case.page["status"] != LoanStatus.CLEAR and case.books["status"] == LoanStatus.CLEAR:
            owed = case.page["outstanding_minor"]
            detail = f"paid off, and the page says {case.page['status']}"
            yield case.found("missing_in_books", case.id, owed, "post", detail)

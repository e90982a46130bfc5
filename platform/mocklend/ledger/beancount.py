"""The journal as a Beancount file, so that an independent program can check it.

Each transaction of the journal becomes one Beancount transaction: debits are positive, credits negative. Balance
assertions with Mocklend's balances follow at the end, and `bean-check` verifies them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from mocklend.domain.money import minor_exponent
from mocklend.ledger.journal import Posted, journals
from mocklend.storage.snapshot import SandboxReader

NAMES: dict[str, str] = {
    "1001": "Assets:Bank",
    "1002": "Assets:Clearing",
    "1101": "Assets:Receivable:Principal",
    "1102": "Assets:Receivable:Interest",
    "1103": "Assets:Receivable:PenaltyOnPrincipal",
    "1104": "Assets:Receivable:PenaltyOnInterest",
    "1105": "Assets:Receivable:Fee",
    "1199": "Assets:Allowance",
    "2001": "Liabilities:DisbursementInTransit",
    "2101": "Liabilities:Overpayment",
    "2102": "Liabilities:UnappliedReceipts",
    "2103": "Liabilities:RefundPayable",
    "2104": "Liabilities:CompensationPayable",
    "2105": "Liabilities:InterestReceivedInAdvance",
    "4001": "Income:Interest",
    "4002": "Income:Penalty",
    "4003": "Income:Recovery",
    "4004": "Income:Fee",
    "5001": "Expenses:ChannelFee",
    "5002": "Expenses:CreditLoss",
    "5003": "Expenses:Waiver",
    "5004": "Expenses:Compensation",
}
"""The chart of accounts under Beancount's five account types."""

CHAINS_PER_BATCH = 200
Total = Counter[tuple[str, str]]
"""Balances by account and currency, debits less credits."""


def account_name(account: str) -> str:
    """`1002:bank_card` is `Assets:Clearing:BankCard`."""
    code, _, channel = account.partition(":")
    name = NAMES[code]
    return f"{name}:{''.join(word.capitalize() for word in channel.split('_'))}" if channel else name


def export(reader: SandboxReader) -> Iterator[str]:
    """The lines of a Beancount file with a sandbox's whole journal, from one snapshot."""
    yield f";; The journal of {reader.sandbox_id}. Check it with bean-check."
    first, last, names = _span(reader)
    if first is None or last is None:
        return
    for name in sorted(names):
        yield f"{first} open {name}"
    total: Total = Counter()
    for posted in _transactions(reader):
        yield ""
        yield from _transaction(posted, total)
    yield ""
    for (name, currency), amount in sorted(total.items()):
        yield f"{last + timedelta(days=1)} balance {name}  {_amount(amount, currency)}"


class _Span(NamedTuple):
    first: str | None
    last: str | None


def _span(reader: SandboxReader) -> tuple[date | None, date | None, set[str]]:
    """The first and the last effective date, and every account that is used."""
    sql = "SELECT MIN(effective_date), MAX(effective_date) FROM transactions WHERE sandbox_id = :sandbox_id"
    (first, last), *_ = reader.rows(_Span, sql)
    sql = "SELECT DISTINCT {side} FROM postings WHERE sandbox_id = :sandbox_id"
    used = {account for side in ("debit", "credit") for account in reader.ids(sql.format(side=side))}
    names = {account_name(account) for account in used}
    return (date.fromisoformat(first) if first else None, date.fromisoformat(last) if last else None, names)


def _transactions(reader: SandboxReader) -> Iterator[Posted]:
    """Every transaction, chain by chain."""
    after = ""
    while True:
        sql = """SELECT DISTINCT chain FROM transactions WHERE sandbox_id = :sandbox_id AND chain > :after
                 ORDER BY chain LIMIT :chains_max"""
        chains = reader.ids(sql, after=after, chains_max=CHAINS_PER_BATCH)
        if not chains:
            return
        journal = journals(reader, chains)
        for chain in chains:
            yield from journal[chain]
        after = chains[-1]


def _transaction(posted: Posted, total: Total) -> Iterator[str]:
    yield f'{posted.movement.on} * "{posted.movement.kind}" "{posted.id}"'
    yield f'  ref: "{posted.movement.ref}"'
    for debit, credit, amount in posted.movement.postings:
        for account, signed in ((debit, amount), (credit, -amount)):
            name = account_name(account)
            total[(name, posted.currency)] += signed
            yield f"  {name}  {_amount(signed, posted.currency)}"


def _amount(amount_minor: int, currency: str) -> str:
    exponent = minor_exponent(currency)
    return f"{Decimal(amount_minor).scaleb(-exponent):.{exponent}f} {currency}"

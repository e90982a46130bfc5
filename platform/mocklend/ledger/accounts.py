"""The chart of accounts. Receivables and clearing are debit accounts, liabilities and income credit accounts."""

from __future__ import annotations

from functools import lru_cache

ACCOUNTS: dict[str, str] = {
    "1001": "bank",
    "1002": "channel clearing",  # one sub-account per channel: 1002:wallet
    "1101": "principal receivable",
    "1102": "interest receivable",
    "1103": "penalty receivable on principal",
    "1104": "penalty receivable on interest",
    "1105": "fee receivable",
    "1199": "loan loss allowance",
    "2001": "disbursement in transit",
    "2101": "borrower overpayment",
    "2102": "unapplied receipts",
    "2103": "refund payable",
    "2104": "compensation payable",
    "2105": "interest received in advance",
    "4001": "interest income",
    "4002": "penalty income",
    "4003": "recovery",
    "4004": "fee income",
    "5001": "channel fee",
    "5002": "credit loss",
    "5003": "waiver",
    "5004": "compensation",
}

RECEIVABLES = ("1101", "1102", "1103", "1104", "1105")
"""A loan is CLEAR when these are all zero."""


@lru_cache(maxsize=1024)
def is_in_chart(account: str) -> bool:
    """Whether an account, or the account that a sub-account belongs to, is in the chart."""
    return account.partition(":")[0] in ACCOUNTS

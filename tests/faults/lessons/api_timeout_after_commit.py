"""Ada orders a repayment, it is ordered, and she is told 504."""

from typing import Any

MATCH = {"operation": "repay"}
SELECT = {"times": 1}


def story(told: Any) -> None:
    """She pays by her quote; whatever she is answered, she sends the same request again under the same key."""
    quote = told.client.quote(told.loan())
    told.note("answer", lambda: told.client.repay_quote(quote, "wallet", idempotency_key="order-1"))
    told.repaid(told.client.repay_quote(quote, "wallet", idempotency_key="order-1"))


def repair(told: Any) -> None:
    """She has asked again with the same key, and that was all."""
    told.client.audit()

"""The words of the loan's forms: a label for each field of a request's body, and a word for each value to choose."""

from __future__ import annotations

from collections.abc import Mapping

from mocklend.bureau.partners import PRODUCTS
from mocklend.domain.channel import channels
from mocklend.domain.facts import (
    MODIFY_BILL_AMOUNT,
    MODIFY_BILL_OVERDUE_AMOUNT,
    MODIFY_BILL_STATUS,
    MODIFY_PAID_AMOUNT,
    MODIFY_PAID_REVOKE_AMOUNT,
    MODIFY_REVOKE_AMOUNT,
)
from mocklend.domain.money import EXPONENTS
from mocklend.domain.statuses import DisputeState, QuoteType
from mocklend.language import message

LABELS: Mapping[str, str] = {
    "amount_minor": message("Amount, in minor units"),
    "approver": message("Second person, who approves"),
    "channel": message("Channel"),
    "channel_trade_no": message("Number on the document"),
    "claim": message("What is wrong"),
    "compensation_minor": message("Compensation, in minor units"),
    "correct": message("Correct at once what the platform can correct by itself"),
    "currency": message("Currency"),
    "decision": message("Decision"),
    "due_date": message("When it falls due"),
    "kind": message("Kind"),
    "loan_id": message("Loan"),
    "memo": message("Reason"),
    "note": message("What the borrower says about it"),
    "operator": message("Operator"),
    "out_trade_no": message("Number of the order"),
    "paid_at": message("Paid at, in the sandbox's zone"),
    "part": message("What is waived"),
    "payer_reference": message("Payment reference that the payer types"),
    "product": message("Product"),
    "quote_id": message("Quote that is paid"),
    "refresh": message("Pull a new report, even if the lender's copy is still valid"),
    "statement": message("In the borrower's own words"),
    "status": message("Status to show"),
    "type": message("What it pays"),
}
"""The label of each field, by its name."""

_EDITS = {
    MODIFY_BILL_AMOUNT: message("Amount of the bill: a fee, or a waiver below zero"),
    MODIFY_BILL_OVERDUE_AMOUNT: message("Penalty: more, or a waiver below zero"),
    MODIFY_PAID_AMOUNT: message("Paid amount: from unapplied money, or back to it below zero"),
    MODIFY_REVOKE_AMOUNT: message("Cancel a part of the bill, or restore it below zero"),
    MODIFY_PAID_REVOKE_AMOUNT: message("Turn paid money into overpaid money, or back below zero"),
    MODIFY_BILL_STATUS: message("Status that is shown"),
}
_EVIDENCE = {
    "transfer_record": message("Record of a transfer"),
    "repayment_confirmation": message("Repayment confirmation"),
    "bank_slip": message("Bank slip"),
    "screenshot": message("Screenshot"),
}
_PRODUCTS = {"mortgage": message("Mortgage"), "car": message("Car loan"), "card": message("Credit card")}

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "channel": {channel.id: channel.name for channel in channels().values()},
    "claim": {
        "settled_but_unpaid": message("Paid off, and still shown as unpaid"),
        "wrong_amount": message("A wrong amount"),
        "wrong_status": message("A wrong status"),
        "wrong_report": message("A wrong credit report"),
        "other": message("Something else"),
    },
    "currency": {currency: currency for currency in EXPONENTS},
    "decision": {
        DisputeState.UPHELD: message("Upheld: the claim is right"),
        DisputeState.REJECTED: message("Rejected: the claim is wrong"),
        DisputeState.UNVERIFIABLE: message("Unverifiable: neither can be shown"),
    },
    "kind": {**_EDITS, **_EVIDENCE, "fee": message("Fee"), "penalty": message("Penalty")},
    "part": {"fee": message("Fee"), "interest": message("Interest"), "penalty": message("Penalty")},
    "product": {product: _PRODUCTS[product] for product in PRODUCTS},
    "status": {
        "INIT": message("Submitted"),
        "VALID": message("Unpaid"),
        "OVERDUE": message("Overdue"),
        "CLEAR": message("Settled"),
    },
    "type": {
        QuoteType.OVD_AND_CURRENT: message("What is overdue and due now"),
        QuoteType.CLEAR: message("All of the loan"),
    },
}
"""The word of each value that can be chosen, by the field's name and the value's code."""

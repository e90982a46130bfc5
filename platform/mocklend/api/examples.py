"""Example requests of the documentation. Together they are one story in the sandbox `default`:

        addBorrower ─▶ borrow ─▶ quote, repay ─▶ requests of staff, channels and the bureau about that loan

Ids follow from the sandbox's seed and the client's references and keys, so they are known in advance. Sent from the
page /docs in order, from the top, every request succeeds: each operation has an Idempotency-Key of its own, and dates
are in the sandbox's time. An operation of a fault layer has its example in its own description.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from mocklend.sandboxes.ids import callback_of, make_id, out_trade_no, suffix

BY = {"memo": "as agreed on the phone", "operator": "wei"}
HOOK = "http://127.0.0.1:9000/hooks"
BORROWER, LOAN = "ada", "first-loan"
"""The client's references of its borrower and its loan."""
WALLET, TRANSFER = "wallet", "bank_transfer"


def key_of(operation_id: str) -> str:
    """The Idempotency-Key of an operation's example."""
    return f"{operation_id}-1"


class Examples:
    """The bodies and parameters of the story, for a seed and a day."""

    def __init__(self, seed: int, today: date) -> None:
        borrower = make_id("brw", seed, BORROWER)
        loan = make_id("loan", seed, LOAN)
        repayment = make_id("rpy", seed, loan, key_of("repay"))
        payment = suffix(seed, "payment", TRANSFER, key_of("payAtChannel"))
        receipt = f"rct_{payment}"
        edit = make_id("edt", seed, loan, key_of("edit"))
        endpoint = make_id("whe", seed, HOOK, "*", "standard")
        self._parameters: dict[str, str] = {
            "borrower_id": borrower,
            "loan_id": loan,
            "repayment_id": repayment,
            "out_trade_no": out_trade_no(repayment),
            "receipt_id": receipt,
            "edit_id": edit,
            "dispute_id": make_id("dsp", seed, loan, key_of("openDispute")),
            "certificate_id": make_id("crt", seed, loan, 1),
            "payout_id": make_id("out", seed, "disbursement", loan),
            "endpoint_id": endpoint,
            "webhook_id": make_id("msg", seed, endpoint, "repayment.ordered", repayment),
            "callback_id": callback_of(repayment),
            "id": "default",
            "channel": WALLET,
            "lender": "harbour-bank",
            "date": str(today - timedelta(days=1)),
            "webhook-id": "cb_1",
            "webhook-timestamp": "1767578402",
            "webhook-signature": "v1,kzNZGcKYQY92R0XDpnT12G7yXC0KBZQRCz3Yy0yEr6w=",
        }
        self._parameters_of: dict[str, Mapping[str, str]] = {
            "payAtChannel": {"channel": TRANSFER},
            "approveEdit": {"edit_id": make_id("edt", seed, loan, key_of("writeOff"))},
            "rejectEdit": {"edit_id": make_id("edt", seed, loan, key_of("writeOff"))},
        }
        product = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}
        self._bodies: dict[str, Any] = {
            "addBorrower": {"reference": BORROWER, "name": "Ada"},
            "tryOutSchedule": {"principal_minor": 100_000, "start_date": str(today), "product": product},
            "borrow": {
                "borrower_id": borrower,
                "principal_minor": 100_000,
                "product_id": "jiebei-like",
                "reference": LOAN,
            },
            "quote": {"type": "CLEAR"},
            "repay": {"amount_minor": 10_000, "channel": WALLET, "type": "OVD_AND_CURRENT"},
            "addWebhookEndpoint": {"url": HOOK},
            "openDispute": {
                "loan_id": loan,
                "claim": "wrong_amount",
                "statement": "I paid more than the page shows.",
                "evidence": [
                    {
                        "kind": "transfer_record",
                        "channel": WALLET,
                        "amount_minor": 10_000,
                        "paid_at": f"{today}T02:00:00Z",
                        "channel_trade_no": out_trade_no(repayment),
                    }
                ],
            },
            "addStatement": {"statement": "I do not agree: the receipt says more."},
            "verifyDispute": {"operator": "wei"},
            "decideDispute": {"decision": "REJECTED", **BY},
            "issueCertificate": {},
            "receiveCallback": {
                "type": "payment.succeeded",
                "timestamp": f"{today}T02:00:02.000Z",
                "data": {
                    "version": "1.0",
                    "out_trade_no": out_trade_no(repayment),
                    "channel_trade_no": "CH1",
                    "state": "SUCCESS",
                    "amount_minor": 10_000,
                    "currency": "CNY",
                    "paid_at": f"{today}T02:00:02.000Z",
                },
            },
            "edit": {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 500, **BY},
            "approveEdit": {"approver": "li"},
            "rejectEdit": BY,
            "reverseEdit": BY,
            "charge": {"kind": "fee", "amount_minor": 300, "due_date": str(today + timedelta(days=30)), **BY},
            "waive": {"part": "fee", "amount_minor": 100, **BY},
            "refund": {"channel": WALLET, **BY},
            "writeOff": BY,
            "refreshLoan": BY,
            "catchUpLoan": BY,
            "queryRepayment": {"operator": "wei"},
            "rebookRepayment": BY,
            "reverseRepayment": BY,
            "reinstateRepayment": BY,
            "payAtChannel": {"amount_minor": 5_000, "payer_name": "Ada", "payer_reference": "for my loan"},
            "queryPayment": {"channel": TRANSFER, "out_trade_no": f"PY{payment.upper()}", "operator": "wei"},
            "matchReceipt": {"loan_id": loan, **BY},
            "moveReceipt": {"loan_id": loan, **BY},
            "reverseReceipt": BY,
            "failTradeLate": {},
            "resendCallback": {},
            "resendWebhook": {},
            "runAlerts": {},
            "newClassKeys": {},
            "revealClass": {},
            "failPayout": {},
            "remakeStatement": {"currency": "CNY"},
            "applyAtLender": {"borrower_id": borrower, "product": "car", "amount_minor": 5_000_000},
            "createSandbox": {"seed": 7, "clock": {"mode": "manual", "now": "2026-01-05T02:00:00Z"}},
            "changeSandbox": {"label": "Ada's sandbox"},
            "resetSandbox": {},
            "beginAudit": {},
            "setClock": {"mode": "manual"},
            "advanceClock": {"by": "P1D"},
        }

    def body(self, operation_id: str) -> Any:
        """The body of an operation's example; None where it has none here."""
        return self._bodies.get(operation_id)

    def parameter(self, operation_id: str, name: str) -> str | None:
        """The example of a path parameter or a header; None where there is none."""
        return self._parameters_of.get(operation_id, {}).get(name) or self._parameters.get(name)

"""What puts a loan right, as buttons: the forms of the operations that do it, filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mocklend.audit.chain.docs import OperationDoc, Param, View, ViewsDoc
from mocklend.console.forms import sandbox_path, with_query
from mocklend.console.loan_forms import FORMS
from mocklend.domain.statuses import LoanStatus, TradeState

SETTLED_BUT_UNPAID, WRONG_AMOUNT = "settled_but_unpaid", "wrong_amount"
TRANSFER_RECORD = "transfer_record"


@dataclass(frozen=True, slots=True)
class Button:
    """A form that puts something right, filled in: its title in English, and its address."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """What puts something right: a sentence in English, the forms that do it, and when time does it (RFC 3339)."""

    action: str
    buttons: Sequence[Button]
    ends_at: str | None


def form_address(loan_id: str, operation: str, filled: Mapping[str, str] | None = None) -> str:
    """The address of a form of a loan, with fields filled in."""
    return with_query(sandbox_path("actions.form", loan_id=loan_id, operation=operation), filled or {})


def remedies_of(views: ViewsDoc) -> list[Remedy]:
    """What puts each injection of a chain right; each once, where several are put right by the same."""
    found = [
        Remedy(each["action"], _buttons_of(views["loan_id"], each["operations"]), each["ends_at"])
        for each in views["remedy"]
    ]
    return [remedy for n, remedy in enumerate(found) if remedy not in found[:n]]


def _buttons_of(loan_id: str, operations: Sequence[OperationDoc]) -> list[Button]:
    return [
        Button(
            FORMS[each["operation"]].title,
            form_address(
                loan_id,
                each["operation"],
                {
                    "target": FORMS[each["operation"]].target_in(each["path"]),
                    **{name: _typed(value) for name, value in each["body"].items() if value is not None},
                },
            ),
        )
        for each in operations
        if each["operation"] in FORMS
    ]


def _typed(value: Param) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def evidence_of(views: ViewsDoc) -> dict[str, str]:
    """What a borrower's dispute has in it at first: the claim, and the newest payment as its channel has it."""
    rows = [row for row in views["rows"] if row["view"] == View.CHANNEL and row["status"] == TradeState.SUCCESS]
    if not rows:
        return {}
    by_view = {row["view"]: row["status"] for row in views["rows"]}
    settled = by_view[View.WORLD] == LoanStatus.CLEAR != by_view.get(View.PAGE)
    newest = rows[-1]
    return {
        "claim": SETTLED_BUT_UNPAID if settled else WRONG_AMOUNT,
        "evidence.0.kind": TRANSFER_RECORD,
        "evidence.0.channel": newest["about"] or "",
        "evidence.0.channel_trade_no": newest["id"] or "",
        "evidence.0.amount_minor": str(newest["paid_minor"]),
        "evidence.0.paid_at": newest["as_of"] or "",
    }

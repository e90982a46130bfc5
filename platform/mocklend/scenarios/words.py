"""What a step has shown, in a sentence: `Overdue 90.90, outstanding 1,027.03`. In both languages.

A sentence names the answer's fields; each is written as money, a date, a status in words, or as it is. The first
sentence of a call whose needs are met is the one that is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from mocklend.client import Doc
from mocklend.domain.money import format_major
from mocklend.language import Language, translate
from mocklend.scenarios.narrator import NotAsTold, at

CODES = {
    "SUBMITTED": "submitted",
    "LENDING": "being paid out",
    "FAILED": "failed",
    "USING": "in use",
    "OVD": "overdue",
    "CLEAR": "settled",
    "OFF": "written off",
    "PROCESSING": "in progress",
    "S": "on the books",
    "F": "failed",
    "CREATED": "ordered, not paid yet",
    "SUCCESS": "paid",
    "CLOSED": "closed",
    "RETURNED": "returned",
    "UNAPPLIED": "unapplied",
    "APPLIED": "applied",
    "REVERSED": "reversed",
    "REJECTED": "rejected",
    "DRAFT": "draft",
    "QUEUED": "waits",
    "RETRY": "is tried again",
    "ACKED": "acknowledged",
    "EXHAUSTED": "given up",
    "ORDERED": "ordered",
    "PAID": "paid out",
    "OPEN": "open",
    "MARKED": "marked on the credit report",
    "VERIFYING": "being verified",
    "UPHELD": "upheld",
    "CORRECTED": "corrected",
    "COMPENSATED": "compensated",
    "APPROVED": "approved",
    "REFUSED": "refused",
    "NORMAL": "normal",
    "ATTENTION": "attention",
    "SUBSTANDARD": "substandard",
    "DOUBTFUL": "doubtful",
    "LOSS": "loss",
    "pending": "pending",
    "active": "active",
    "healed": "healed",
    "superseded": "superseded",
    "masked": "masked",
    "wallet": "wallet",
    "bank_card": "bank card",
    "auto_debit": "auto-debit",
    "bank_transfer": "bank transfer",
    "bill_pay": "bill pay",
    "score_too_low": "the score is too low",
    "overdue_now": "overdue now",
    "overdue_months": "overdue months",
    "mortgage": "mortgage",
    "refund": "refund",
}
"""Codes of answers, in words."""
PARTIES = {
    "advance": "Clock",
    "trade": "The channel",
    "callback": "The delivery log",
    "loan": "The status page",
    "books": "The books",
    "repayment": "The repayment",
    "credit_report": "The credit report",
    "credit_score": "The score",
    "receipts": "An operator",
    "edits": "An operator",
    "reverse_edit": "An operator",
}
"""Who speaks in a step that names nobody; in any other call, the party of the step before."""


DEFAULT_CURRENCY = "CNY"
"""The currency of a story before it has a loan: that of a loan which names none."""


class Sentence(NamedTuple):
    """A sentence about an answer, and a second line. `fields` are the placeholders and their paths in the answer."""

    text: str
    detail: str
    fields: Mapping[str, str]
    needs: str = ""


def _says(text: str, detail: str = "", /, needs: str = "", **fields: str) -> Sentence:
    return Sentence(text, detail, fields, needs)


_STANDS = {"status": "status", "outstanding": "outstanding_minor"}
_OVERDUE = {**_STANDS, "overdue": "overdue_minor"}
_EDIT = (
    _says("{amount}: {state}", "by {operator}", needs="amount_minor", amount="amount_minor", state="state",
          operator="operator"),
    _says("status {shown}: {state}", "by {operator}", shown="status", state="state", operator="operator"),
)  # fmt: skip
_REPAYMENT = (
    _says("{amount}: {status}", "applied {applied}", amount="amount_minor", status="status", applied="applied_minor"),
)
_DISPUTE = (_says("The dispute is {state}", "to be answered by {due}", state="state", due="due_at"),)
SENTENCES: dict[str, tuple[Sentence, ...]] = {
    "add_borrower": (_says("{name}, credit limit {limit}", name="name", limit="credit_limit_minor"),),
    "borrow": (
        _says("Borrows {principal}; first due {due} on {date}", needs="next_due", principal="principal_minor",
              due="next_due.due_minor", date="next_due.due_date"),
    ),
    "advance": (_says("On to {now}", "fell due: {released}", now="now", released="released_total"),),
    "quote": (_says("To pay: {total}", total="total_minor"),),
    "repay_quote": (_says("Pays {amount} by {channel}", amount="amount_minor", channel="channel"),),
    "repay": (
        _says("Pays {amount} by {channel}", needs="amount_minor", amount="amount_minor", channel="channel"),
        _says("Cannot pay: {title}", title="title"),
    ),
    "pay_at_channel": (_says("Pays {amount} by {channel}", amount="amount_minor", channel="channel"),),
    "trade": (
        _says("{amount}: {state}", "on {paid}", needs="paid_at", amount="amount_minor", state="state", paid="paid_at"),
        _says("{amount}: {state}", amount="amount_minor", state="state"),
    ),
    "callback": (
        _says("The callback is {state}", "{count} attempts", state="state", count="attempts"),
    ),
    "loan": (
        _says("{status} {overdue}, outstanding {outstanding}", needs="overdue_minor", **_OVERDUE),
        _says("{status}, outstanding {outstanding}", **_STANDS),
    ),
    "books": (
        _says("{status}, overpaid {overpaid}", needs="overpaid_minor", status="status", overpaid="overpaid_minor"),
        _says("{status} {overdue}, outstanding {outstanding}", needs="overdue_minor", **_OVERDUE),
        _says("{status}, outstanding {outstanding}", **_STANDS),
    ),
    "repayment": _REPAYMENT,
    "query_repayment": _REPAYMENT,
    "rebook_repayment": _REPAYMENT,
    "repayments": (
        _says("{first}: {status}; {second}: {other}", needs="repayments.1", first="repayments.0.channel",
              status="repayments.0.status", second="repayments.1.channel", other="repayments.1.status"),
    ),
    "loans": (
        _says("{id}: {status}, outstanding {outstanding}", needs="loans.0", id="loans.0.id", status="loans.0.status",
              outstanding="loans.0.outstanding_minor"),
        _says("None"),
    ),
    "receipts": (
        _says("{amount}: {state}", needs="receipts.0", amount="receipts.0.amount_minor", state="receipts.0.state"),
        _says("None"),
    ),
    "reverse_receipt": (_says("{amount}: {state}", amount="amount_minor", state="state"),),
    "edit": _EDIT,
    "reverse_edit": _EDIT,
    "refund": _EDIT,
    "waive": _EDIT,
    "edits": (
        _says("status {shown}: {state}", "by {operator}", needs="edits.0", shown="edits.0.status",
              state="edits.0.state", operator="edits.0.operator"),
    ),
    "payouts": (
        _says("{purpose} {amount}: {state}", needs="payouts.0", purpose="payouts.0.purpose",
              amount="payouts.0.amount_minor", state="payouts.0.state"),
    ),
    "refresh_page": (_says("Rebuilds the page: {status}, outstanding {outstanding}", **_STANDS),),
    "credit_report": (
        _says("{cls}, {days} days overdue", "the last 24 months: {months}", needs="accounts.0.days_overdue",
              cls="accounts.0.class", days="accounts.0.days_overdue", months="accounts.0.months_24"),
        _says("{cls}, {status}", "the last 24 months: {months}", needs="accounts.0", cls="accounts.0.class",
              status="accounts.0.status", months="accounts.0.months_24"),
        _says("No account yet"),
    ),
    "credit_score": (_says("{score}", "made on {made}", score="score", made="refreshed_at"),),
    "apply": (
        _says("{product} of {amount}: {decision}", "{reasons}", needs="reasons", product="product",
              amount="amount_minor", decision="decision", reasons="reasons"),
        _says("{product} of {amount}: {decision}", product="product", amount="amount_minor", decision="decision"),
    ),
    "open_dispute": _DISPUTE,
    "verify_dispute": _DISPUTE,
    "dispute": _DISPUTE,
    "decide_dispute": (
        _says("The dispute is {state}", "compensation {amount}", needs="compensation_minor", state="state",
              amount="compensation_minor"),
        _says("The dispute is {state}", state="state"),
    ),
    "issue_certificate": (_says("A certificate: settled on {date}", date="settled_on"),),
    "answer_key": (
        _says("{fault}: {status}", needs="entries.0", fault="entries.0.fault", status="entries.0.status"),
        _says("Empty"),
    ),
    "transactions": (_says("{count} transactions", count="transactions"),),
}  # fmt: skip


def sentence(
    language: Language, zone: str, do: str, answer: Doc, failed: str | None, currency: str | None = None
) -> tuple[str, str]:
    """What a call has shown, and a second line, which may be empty. A call without a sentence is named.

    `currency` is that of the story's newest loan: edits, limits and applications are answered without one.
    """
    if failed is not None and "amount_minor" not in answer:
        return translate(language, "Refused: {title}", title=answer.get("title") or failed), ""
    for candidate in SENTENCES.get(do, ()):
        if candidate.needs and not _value(answer, candidate.needs):
            continue
        values = {name: _shown(language, zone, path, answer, currency) for name, path in candidate.fields.items()}
        text = translate(language, candidate.text, **values)
        # A code is written as it is.
        return text if candidate.text.startswith("{fault}") else text[:1].upper() + text[1:], translate(
            language, candidate.detail, **values
        )
    return do.replace("_", " "), ""


def party(language: Language, who: str | None, do: str, before: str) -> str:
    """Who acts or speaks in a step: the party that it names, or the one that makes such calls, or the one `before`."""
    return translate(language, who or PARTIES.get(do) or before)


def _value(answer: Mapping[str, Any], path: str) -> Any:
    try:
        return at(answer, path)
    except NotAsTold:
        return None


def _money(amount_minor: int, path: str, answer: Mapping[str, Any], currency: str | None) -> str:
    """An amount in the currency that stands nearest to it in the answer, else in that of the story."""
    above = path.split(".")[:-1]
    names = [".".join([*above[:depth], "currency"]) for depth in range(len(above), -1, -1)]
    named = next((found for name in names if (found := _value(answer, name))), currency)
    return format_major(amount_minor, named or DEFAULT_CURRENCY)


def _shown(language: Language, zone: str, path: str, answer: Mapping[str, Any], currency: str | None) -> str:
    value, last = _value(answer, path), path.rpartition(".")[2]
    if isinstance(value, list):
        if last in ("attempts", "transactions"):
            return str(len(value))
        return translate(language, ", ").join(_word(language, each) for each in value)
    if value is None:
        return "–"
    if last.endswith("_minor"):
        return _money(abs(value), path, answer, currency)
    if last in ("now", "paid_at", "due_at", "refreshed_at"):
        return _date(language, datetime.fromisoformat(value).astimezone(ZoneInfo(zone)))
    if last.endswith(("_date", "_on")):
        return _date(language, datetime.fromisoformat(value))
    return _word(language, value) if isinstance(value, str) else str(value)


def _word(language: Language, code: str) -> str:
    return translate(language, CODES[code]) if code in CODES else code


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _date(language: Language, when: datetime) -> str:
    """A day of the sandbox's zone, like 9 Mar or 3月9日, with the time if it is not a day alone."""
    month = MONTHS[when.month - 1] if language is Language.EN else str(when.month)
    clock = f" {when:%H:%M}" if when.tzinfo is not None else ""
    return translate(language, "{day} {month}", day=when.day, month=month) + clock

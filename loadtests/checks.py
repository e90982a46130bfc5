"""Checks of answers by a client. Pure: from a document and what the client knows, the violations in the document.

An honest platform causes no violation. Some violations name the faults that can cause them: if one of these is armed,
the violation is *explained*; otherwise it is a failure, as is one that no fault can cause. A client cannot know more
from outside; whether there was an injection, the judge reads in the answer key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

STALE = "cache.bounded_stale"
EVICTED = "cache.evicted_before_flush"
BACKWARDS = ("cache.stale_set", "read.non_monotonic", "projection.partial_lag")
BEHIND = (STALE, EVICTED, "cache.lost_invalidation", "operator.waiver_cancelled", *BACKWARDS)
"""The faults by which a client may see an older version after a newer one, and those that show another amount."""
DROPPED = "callback.dropped"
LOST_CALLBACK = (
    DROPPED, "callback.acked_not_applied", "callback.delayed", "callback.forged_or_altered", "callback.reordered",
)  # fmt: skip
"""The faults by which the platform gets a callback late, or does not apply it."""
TWICE = ("callback.duplicated", "operator.double_entry")
"""The faults by which money is posted twice, the second time without its repayment."""
EXPIRED = "idempotency.expired"
PAYMENT_RETURN = "channel.payment_return"
WRONG_AMOUNT = "operator.wrong_amount"
MARKED = "operator.marked_overdue"
WRONG_REVERSAL = "operator.wrong_reversal"
STICKY = "operator.manual_override_sticky"
RESIDUE = "migration.legacy_residue"
DRIFT = "amount.rounding_drift"

LOAN_STATUSES = frozenset({"SUBMITTED", "LENDING", "USING", "OVD", "CLEAR", "FAILED", "OFF"})
INSTALMENT_STATUSES = frozenset({"PENDING", "DUE", "PARTIAL", "CLEAR", "OVD"})
COURSE = {"I": 0, "PROCESSING": 1, "F": 2, "PARTIAL": 2, "S": 3, "REVERSED": 4}
"""A repayment's statuses in the only order in which they may come."""

Doc = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Violation:
    """A check that an answer does not pass. `fault` names the faults that can cause it, if any can."""

    check: str
    detail: str
    fault: str | tuple[str, ...] | None = None

    def is_explained(self, armed: Collection[str]) -> bool:
        """Whether an armed fault can cause it."""
        return any(fault in armed for fault in ((self.fault,) if isinstance(self.fault, str) else self.fault or ()))

    def __str__(self) -> str:
        return f"{self.check}: {self.detail}"


@dataclass(slots=True)
class KnownLoan:
    """What a client knows about a loan: the newest version that it was shown, and the JSON of that version."""

    id: str
    principal_minor: int
    version: int = 0
    document: str = ""

    def at_this_moment(self) -> KnownLoan:
        """A copy for another client that sends a request now: its answer may not be older than this version."""
        return KnownLoan(self.id, self.principal_minor, self.version)


@dataclass(slots=True)
class Order:
    """A repayment that a client has ordered, with its status at the client's last request."""

    id: str
    loan_id: str
    channel: str
    amount_minor: int
    out_trade_no: str
    ordered_at_s: float = 0.0
    due_at_s: float = 0.0
    status: str = "PROCESSING"
    handed_in: bool = field(default=False, compare=False)


# --- the status page and what depends on it ---


def page(doc: Doc, known: KnownLoan) -> Iterator[Violation]:
    """Check a loan as the status page or a list shows it, and keep the version in `known`."""
    try:
        amounts = {name: doc[name] for name in _LOAN_AMOUNTS}
        status, version = doc["status"], doc["version"]
        moment(doc["as_of"])
    except (KeyError, TypeError, ValueError) as missing:
        yield Violation("a page is complete", f"{missing!r} in {shortened(doc)}")
        return
    yield from _amounts("a page", amounts)
    if doc["id"] != known.id or amounts["principal_minor"] != known.principal_minor:
        yield Violation("a page is about its loan", f"{doc['id']} of {amounts['principal_minor']} for {known.id}")
    if status not in LOAN_STATUSES:
        yield Violation("a page has a known status", f"{status!r}")
    outstanding, overdue = amounts["outstanding_minor"], amounts["overdue_minor"]
    if not max(overdue, amounts["outstanding_principal_minor"]) <= outstanding:
        yield Violation("a part is not more than the whole", f"{amounts}", EVICTED)
    derived = "CLEAR" if outstanding == 0 else "OVD" if overdue else "USING"
    if status != derived:
        detail = f"{status} with {outstanding} outstanding and {overdue} overdue at version {version}"
        behind = (MARKED,) if status == "OVD" else ()
        yield Violation("a status follows from the amounts", detail, (*behind, STICKY, EVICTED))
    yield from _version(doc, known, json.dumps(doc, sort_keys=True))


_LOAN_AMOUNTS = (
    "principal_minor",
    "outstanding_minor",
    "outstanding_principal_minor",
    "overdue_minor",
    "overpaid_minor",
    "paid_minor",
)


def _version(doc: Doc, known: KnownLoan, content: str | None) -> Iterator[Violation]:
    """Check that the version is not older than before, and that one version always has the same content."""
    version = doc["version"]
    if type(version) is not int or version < 1:
        yield Violation("a version is a number from 1", f"{version!r}")
    elif version < known.version:
        yield Violation(
            "versions go forward for one client", f"{version} after {known.version} of {known.id}", BACKWARDS
        )
    elif content is not None:
        if version == known.version and known.document and content != known.document:
            yield Violation("a version has one content", f"{content} and {known.document}", EVICTED)
        known.version, known.document = version, content


def instalments(doc: Doc, known: KnownLoan) -> Iterator[Violation]:
    """Check the list of instalments: its version is not older than the page's, and it adds up to the loan."""
    try:
        rows: Sequence[Doc] = doc["instalments"]
        parts = [{name: row[name] for name in _INSTALMENT_AMOUNTS} for row in rows]
        statuses = [row["status"] for row in rows]
        numbers = [row["n"] for row in rows]
    except (KeyError, TypeError) as missing:
        yield Violation("instalments are complete", f"{missing!r} in {shortened(doc)}")
        return
    if numbers != list(range(1, len(numbers) + 1)):
        yield Violation("instalments are numbered from 1", f"{numbers}")
    principal = sum(part["principal_minor"] for part in parts)
    if principal != known.principal_minor:
        yield Violation("instalments add up to the principal", f"{principal} of {known.principal_minor}")
    for n, part, status in zip(numbers, parts, statuses, strict=True):
        yield from _amounts(f"instalment {n}", part)
        buckets = ("principal", "interest", "fee", "penalty")
        due = sum(part[f"{bucket}_minor"] for bucket in buckets)
        paid = sum(part[f"{bucket}_paid_minor"] for bucket in buckets)
        if (due, paid) != (part["due_minor"], part["paid_minor"]):
            yield Violation("buckets add up to the instalment", f"{n}: {part}")
        if part["paid_minor"] > part["due_minor"]:
            yield Violation("an instalment takes no more than is due", f"{n}: {part}")
        if status not in INSTALMENT_STATUSES or (status == "CLEAR") != (part["paid_minor"] == part["due_minor"]):
            yield Violation("an instalment is CLEAR when it is paid", f"{n}: {status}, {part}")
    yield from _version(doc, known, None)


_INSTALMENT_AMOUNTS = (
    *("due_minor", "paid_minor", "principal_minor", "interest_minor", "fee_minor", "penalty_minor"),
    *("principal_paid_minor", "interest_paid_minor", "fee_paid_minor", "penalty_paid_minor"),
)


def listed(docs: Sequence[Doc], expected: Mapping[str, KnownLoan], *, complete: bool) -> Iterator[Violation]:
    """Check a list of a borrower's loans: only the borrower's, none twice, none missing; each like a status page."""
    ids = [doc.get("id") for doc in docs]
    strangers = sorted(str(id) for id in set(ids) - expected.keys())
    missing = sorted(expected.keys() - set(ids))
    if strangers:
        yield Violation("a list has the borrower's loans only", f"{strangers}")
    if len(set(ids)) < len(ids):
        yield Violation("a list has a loan once", f"{ids}")
    if complete and missing:
        yield Violation("a list leaves no loan out", f"{missing}")
    for doc in docs:
        if doc.get("id") in expected:
            yield from page(doc, expected[doc["id"]])


def settled(before: Sequence[Doc], shown: Doc, after: Sequence[Doc]) -> Iterator[Violation]:
    """Check a status page that was read between two equal lists of repayments against their amounts."""
    if list(before) != list(after):
        return  # A repayment settled in between, so the page may have either amount.
    applied = sum(doc["applied_minor"] for doc in before if doc["status"] == "S")
    overpaid = sum(doc["overpaid_minor"] for doc in before if doc["status"] == "S")
    if (shown["paid_minor"], shown["overpaid_minor"]) != (applied, overpaid):
        detail = f"version {shown['version']} has {shown['paid_minor']} and {shown['overpaid_minor']} too much"
        yield Violation(
            "the page has what the repayments settled", f"{detail}, not {applied} and {overpaid}", (*BEHIND, *TWICE)
        )


# --- borrowing and repaying ---


def borrowed(doc: Doc, sent: Doc) -> Iterator[Violation]:
    """Check that a new loan is in use, owes its principal, and is the one that was requested."""
    yield from page(doc, KnownLoan(str(doc.get("id")), sent["principal_minor"]))
    if doc.get("borrower_id") != sent["borrower_id"] or doc.get("status") != "USING":
        yield Violation("a new loan is the requested one", shortened(doc))
    if doc.get("outstanding_principal_minor") != sent["principal_minor"] or doc.get("version") != 1:
        yield Violation("a new loan owes its principal and has no history", shortened(doc), RESIDUE)


def quoted(doc: Doc, loan_id: str, type: str) -> Iterator[Violation]:
    """Check that a quote's total is the sum of its buckets, and that it is for the requested loan and type."""
    try:
        buckets, total = doc["buckets"], doc["total_minor"]
        lasting = moment(doc["valid_until"]) >= moment(doc["as_of"])
    except (KeyError, TypeError, ValueError) as missing:
        yield Violation("a quote is complete", f"{missing!r} in {shortened(doc)}")
        return
    yield from _amounts("a quote", {"total_minor": total, **buckets})
    if total != sum(buckets.values()):
        yield Violation("buckets add up to the total", f"{total}: {buckets}")
    if (doc["loan_id"], doc["type"]) != (loan_id, type) or not lasting:
        yield Violation("a quote is the requested one", shortened(doc))
    if type == "CLEAR" and total <= 0:
        # With DRIFT a quote may omit some interest; if the loan owes no more than that, the total is 0.
        yield Violation("a loan in use has a payoff amount", shortened(doc), DRIFT)


def ordered(doc: Doc, sent: Doc, loan_id: str) -> Iterator[Violation]:
    """Check that an order is accepted as sent, and that it settles nothing yet."""
    accepted = {name: doc.get(name) for name in ("amount_minor", "channel", "type")}
    if accepted != {name: sent[name] for name in accepted} or doc.get("loan_id") != loan_id:
        yield Violation("an order is accepted as sent", shortened(doc))
    if (doc.get("status"), doc.get("applied_minor")) != ("PROCESSING", 0):
        yield Violation("ordering settles nothing", shortened(doc))


def repayment(doc: Doc, order: Order, *, settle_delay_s: int, overdue_s: float = 0) -> Iterator[Violation]:
    """Check a repayment. `overdue_s` is by how many real seconds its callback exceeds the longest acceptable delay."""
    try:
        status, amount = doc["status"], doc["amount_minor"]
        applied, over = doc["applied_minor"], doc["overpaid_minor"]
    except KeyError as missing:
        yield Violation("a repayment is complete", f"{missing!r} in {shortened(doc)}")
        return
    yield from _amounts("a repayment", {"amount_minor": amount, "applied_minor": applied, "overpaid_minor": over})
    if (doc["id"], amount, doc["channel"]) != (order.id, order.amount_minor, order.channel):
        yield Violation("a repayment is what was ordered", f"{shortened(doc)} for {order}")
    if COURSE.get(status, -1) < COURSE[order.status]:
        yield Violation("a repayment's status goes forward", f"{status} after {order.status} of {order.id}")
    else:
        order.status = status
    if applied + over != (amount if status == "S" else 0):
        yield Violation("applied and overpaid add up to the amount", shortened(doc))
    if status == "S":
        paid, known = moment(doc["paid_at"]), moment(doc["applied_at"])
        if known < paid or (paid - moment(doc["created_at"])).total_seconds() < settle_delay_s:
            yield Violation("a repayment is paid before it is applied", shortened(doc))
    if status == "PROCESSING" and overdue_s > 0:
        detail = f"{order.id} through {order.channel} is {overdue_s:.0f} s late"
        yield Violation("a callback is delivered", detail, LOST_CALLBACK)


def trade(doc: Doc, order: Order) -> Iterator[Violation]:
    """Check the channel's own record, which no fault changes: it has the order as it was made."""
    recorded = (doc.get("out_trade_no"), doc.get("amount_minor"), doc.get("channel"))
    if recorded != (order.out_trade_no, order.amount_minor, order.channel):
        yield Violation("the channel has the order as made", f"{shortened(doc)} for {order}")
    if (doc.get("state") == "SUCCESS") != (doc.get("paid_at") is not None):
        yield Violation("a trade that succeeded has been paid", shortened(doc), PAYMENT_RETURN)
    if order.status in ("S", "REVERSED") and doc.get("state") != "SUCCESS":
        yield Violation(
            "the books have no money that the channel lacks", f"{shortened(doc)} for {order}", PAYMENT_RETURN
        )


# --- operations ---


def edited(doc: Doc, sent: Doc) -> Iterator[Violation]:
    """Check that an edit is on the books as the operator sent it, and changed the bill by its amount."""
    try:
        before, after = doc["before"], doc["after"]
        moved = after["outstanding_minor"] - before["outstanding_minor"]
    except (KeyError, TypeError) as missing:
        yield Violation("an edit is complete", f"{missing!r} in {shortened(doc)}")
        return
    if doc.get("kind") != sent["kind"] or doc.get("state") != "APPLIED":
        yield Violation("an edit is the requested one", shortened(doc))
    for name, fault in (("amount_minor", WRONG_AMOUNT), ("status", MARKED)):
        if doc.get(name) != sent.get(name):
            yield Violation("an edit is as sent", f"{name} {doc.get(name)}, sent {sent.get(name)}", fault)
    if sent.get("amount_minor") is not None and moved != doc.get("amount_minor"):
        yield Violation("an edit changes the bill by its amount", f"the bill changed by {moved}: {shortened(doc)}")


def reversed_edit(doc: Doc, edit_id: str) -> Iterator[Violation]:
    """Check that a reversed edit has the state REVERSED."""
    if (doc.get("id"), doc.get("state")) != (edit_id, "REVERSED"):
        yield Violation("a reversed edit is REVERSED", shortened(doc))


def reversed_repayment(doc: Doc, order: Order) -> Iterator[Violation]:
    """Check that a reversed repayment settles nothing."""
    if (doc.get("status"), doc.get("applied_minor")) != ("REVERSED", 0):
        yield Violation("a reversed repayment is REVERSED and settles nothing", shortened(doc))
    if doc.get("id") != order.id:
        yield Violation("the requested repayment is reversed", f"{doc.get('id')}, not {order.id}", WRONG_REVERSAL)


def queried(doc: Doc, order: Order) -> Iterator[Violation]:
    """Check that the books have the money after a query to a channel that had it."""
    if doc.get("id") != order.id or doc.get("status") not in ("S", "REVERSED"):
        yield Violation("a query posts the money", shortened(doc), PAYMENT_RETURN)


def books(doc: Doc, known: KnownLoan) -> Iterator[Violation]:
    """Check a loan of the books: never cached, so never older than a shown page, and without a status override."""
    yield from (Violation(violation.check, violation.detail) for violation in page(doc, known))


# --- what holds for every answer ---


def same_again(first: tuple[int, object], second: tuple[int, object], replayed: str | None) -> Iterator[Violation]:
    """Check that the same key returns the same (status, document), and that the answer is marked as a replay."""
    if first != second:
        yield Violation("a repeat has the same answer", f"{shortened(second)} after {shortened(first)}", EXPIRED)
    if replayed != "true":
        yield Violation("a repeat is marked as a replay", f"Idempotency-Replayed: {replayed}", EXPIRED)


def problem(doc: object, status: int, media_type: str, known_codes: Mapping[str, int]) -> Iterator[Violation]:
    """Check that a refusal is a problem document with a code that is documented for its status."""
    if not isinstance(doc, Mapping) or not media_type.startswith("application/problem+json"):
        yield Violation("a refusal is a problem document", f"{media_type}: {shortened(doc)}")
        return
    lacking = [name for name in ("type", "title", "detail", "hint") if not isinstance(doc.get(name), str)]
    if lacking or doc.get("status") != status:
        yield Violation("a problem is complete", f"{lacking} of {shortened(doc)}")
    if known_codes.get(str(doc.get("code"))) != status:
        yield Violation("a problem's code is documented", f"{status} {doc.get('code')!r}")


def _amounts(what: str, amounts: Mapping[str, Any]) -> Iterator[Violation]:
    for name, amount in amounts.items():
        if type(amount) is not int or amount < 0:
            yield Violation("an amount is a whole number from 0", f"{what}: {name} {amount!r}")


def moment(text: str) -> datetime:
    """Parse an RFC 3339 time. Raises ValueError if it is none, or has no offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"no offset in {text!r}")
    return at


def shortened(value: object, length_max: int = 300) -> str:
    """A value as JSON for a message, cut to `length_max` characters."""
    text = json.dumps(value, default=str)
    return text if len(text) <= length_max else text[: length_max - 1] + "…"

"""Every way in which Mocklend says no: one table, one exception.

A problem is the caller's mistake or the world's, never ours: ours is an assertion, loud. The table is in order of
precedence: where two problems hold at once, the earlier row is the answer. The API renders a `Refused` as RFC 9457
problem+json; the command line prints the same sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table: the HTTP status, what it means, and what the caller can do next."""

    status: int
    title: str
    hint: str


PROBLEMS: dict[str, Problem] = {
    # The request itself.
    "host_not_allowed": Problem(
        421, "This server is not that host.", "Ask for it by its address, or allow the name: MOCKLEND_ALLOWED_HOSTS."
    ),
    "cross_site": Problem(
        403, "A page of another origin may not ask.", "Ask from a program, or from a page of this server."
    ),
    "sandbox_busy": Problem(
        429, "Too many requests of this sandbox are under way.", "Wait as long as Retry-After says, then repeat it."
    ),
    "server_stopping": Problem(503, "The server is stopping.", "Repeat the request once it is back."),
    "body_late": Problem(408, "The body did not come in time.", "Send the whole body at once."),
    "body_incomplete": Problem(
        400, "The body is not whole.", "Send as many bytes as Content-Length says; nothing was carried out."
    ),
    "body_not_json": Problem(400, "The body is not JSON.", "Send one JSON object in UTF-8."),
    "body_too_large": Problem(413, "The body is too large.", "Send at most the number of bytes given as expected."),
    "body_too_many_values": Problem(
        413, "The JSON has too many values.", "Send at most the number of values given as expected."
    ),
    "body_too_deep": Problem(400, "The JSON is nested too deeply.", "Send the flat object that /docs describes."),
    "media_type_unsupported": Problem(415, "The body is not JSON.", "Send Content-Type: application/json."),
    "text_not_storable": Problem(400, "A text cannot be stored.", "Remove NUL characters and lone surrogates."),
    "validation_failed": Problem(422, "A field is not what it should be.", "Correct the fields listed under errors."),
    "idempotency_key_missing": Problem(
        400, "This call needs an Idempotency-Key.", "Send a fresh key, and the same one again when you retry."
    ),
    "idempotency_key_invalid": Problem(
        400, "The Idempotency-Key cannot be used.", "Send 1 to 255 printable ASCII characters."
    ),
    "idempotency_key_reused": Problem(
        422, "This Idempotency-Key belongs to another request.", "Use a new key; repeat a request unchanged."
    ),
    "request_in_progress": Problem(
        409, "The first request with this key is still running.", "Wait a moment, then repeat the same request."
    ),
    # Who is asking.
    "credential_missing": Problem(401, "This plane needs a credential.", "Send the header named under expected."),
    "credential_invalid": Problem(
        401, "The credential is not known.", "Check it, or make a sandbox with POST /-/sandboxes."
    ),
    "key_of_staff": Problem(
        403,
        "A staff key does not open the control plane.",
        "Ask with the sandbox's api_key, or ask somebody who has it.",
    ),
    "method_not_allowed": Problem(405, "This address does not take that method.", "Use a method that Allow names."),
    "not_found": Problem(404, "There is nothing at this address.", "See /docs for the addresses there are."),
    # What is asked about.
    "sandbox_unknown": Problem(404, "There is no such sandbox.", "Make one with POST /-/sandboxes."),
    "sandbox_default": Problem(
        409, "The sandbox `default` stays.", "Empty it with POST /-/reset: it is where a request without a key belongs."
    ),
    "borrower_unknown": Problem(404, "There is no such borrower.", "Make one with POST /v1/borrowers."),
    "loan_unknown": Problem(404, "There is no such loan.", "Check the id; a loan lives in one sandbox."),
    "repayment_unknown": Problem(404, "There is no such repayment.", "Check the id; it lives in one sandbox."),
    "edit_unknown": Problem(404, "There is no such edit.", "List them with GET /operator/loans/{id}/edits."),
    "receipt_unknown": Problem(404, "There is no such receipt.", "List them with GET /operator/receipts."),
    "dispute_unknown": Problem(404, "There is no such dispute.", "List them with GET /v1/disputes."),
    "certificate_unknown": Problem(404, "There is no such certificate.", "Check the id; it lives in one sandbox."),
    "quote_unknown": Problem(404, "There is no such quote.", "Ask for one with POST /v1/loans/{id}/quotes."),
    "channel_unknown": Problem(404, "There is no such channel.", "List them with GET /channels."),
    "trade_unknown": Problem(404, "The channel has no such trade.", "Use the repayment's out_trade_no and channel."),
    "payout_unknown": Problem(
        404, "The channel has no such payout.", "List a loan's with GET /operator/loans/{id}/payouts."
    ),
    "product_unknown": Problem(404, "There is no such product.", "List them with GET /v1/products."),
    "lender_unknown": Problem(404, "There is no such lender.", "List them with GET /bureau/lenders."),
    "submission_unknown": Problem(
        404, "Nothing was submitted of this day.", "A day's file is submitted two hours after the day is over."
    ),
    "copy_unknown": Problem(404, "The lender has no copy of this report.", "It pulls one when somebody applies."),
    "endpoint_unknown": Problem(404, "There is no such endpoint.", "List them with GET /v1/webhook-endpoints."),
    "rule_unknown": Problem(404, "There is no such rule.", "List them with GET /-/rules."),
    "profile_unknown": Problem(404, "There is no such profile.", "List them with GET /-/profiles."),
    "experiment_unknown": Problem(404, "There is no such experiment.", "List them with GET /-/experiments."),
    "fault_unknown": Problem(422, "There is no such fault.", "List them with GET /-/faults."),
    # What there is enough of.
    "too_many_sandboxes": Problem(
        409,
        "The server has as many sandboxes as it may.",
        "Delete those that nobody uses: mocklend sandboxes expire --unused-for P7D. Or raise MOCKLEND_MAX_SANDBOXES.",
    ),
    "too_many_clocks": Problem(
        409,
        "As many clocks run by themselves as may.",
        "Make the sandbox with a manual clock, or hold one that runs. Or raise MOCKLEND_MAX_RUNNING_CLOCKS.",
    ),
    "too_many_endpoints": Problem(
        409, "The sandbox has as many webhook endpoints as it may.", "Remove one: DELETE /v1/webhook-endpoints/{id}."
    ),
    "too_many_rules": Problem(
        409, "The sandbox has as many rules as it may.", "Delete some: DELETE /-/rules/{id}, or put fewer at once."
    ),
    "too_many_experiments": Problem(
        409, "The sandbox has as many experiments as it may.", "Delete one: DELETE /-/experiments/{id}."
    ),
    "too_many_findings": Problem(
        422, "There are more findings than are scored at once.", "Send those of a shorter window, one window at a time."
    ),
    # What the lender refuses.
    "reference_taken": Problem(
        409, "This reference already names something else.", "Use another, or repeat the first request unchanged."
    ),
    "product_invalid": Problem(422, "The product cannot be lent.", "Correct the product's field."),
    "currency_mismatch": Problem(422, "The currency is not the loan's.", "Send the loan's currency, or leave it out."),
    "amount_out_of_range": Problem(422, "The amount is out of range.", "Send an amount within the bounds given."),
    "credit_limit_exceeded": Problem(
        409, "The credit limit does not cover this.", "Borrow no more than the amount given as expected."
    ),
    "loan_not_active": Problem(
        409, "The loan's status does not allow this.", "Read its books at GET /operator/loans/{id}."
    ),
    "product_not_offered": Problem(
        422, "The lender does not offer this product.", "Choose one of those given as expected."
    ),
    "quote_stale": Problem(409, "The quote no longer holds.", "Ask for a new quote and pay its total."),
    "quote_mismatch": Problem(409, "The repayment is not what the quote says.", "Send the quote's type and total."),
    "repayment_not_reversed": Problem(
        409, "Nobody has reversed the repayment.", "A payment that its channel has taken back does not come back."
    ),
    "repayment_booked_right": Problem(
        409, "The repayment is booked as it should be.", "Compare booked_type with type, and booked_at with paid_at."
    ),
    "repayment_not_applied": Problem(
        409, "The repayment is not on the books.", "Only a repayment with status S can be reversed."
    ),
    "receipt_not_movable": Problem(
        409, "The receipt cannot be moved.", "Move what an operator has matched, while its channel has it, elsewhere."
    ),
    "receipt_not_unapplied": Problem(409, "The receipt is not unapplied.", "Only money without a loan can be matched."),
    "receipt_not_second": Problem(
        409, "The receipt is no second one, or was taken back.", "Reverse the repayment instead, or match the receipt."
    ),
    "edit_not_draft": Problem(409, "The edit is no draft.", "Only a DRAFT can be approved or rejected."),
    "edit_not_applied": Problem(409, "The edit is not on the books.", "Only an APPLIED edit can be reversed."),
    "edit_not_reversible": Problem(
        409, "A refund cannot be taken back.", "Its money is gone, or about to go; charge the borrower if it was wrong."
    ),
    "four_eyes": Problem(
        409, "Somebody else has to approve this.", "Name an approver who is not the operator, or leave it out."
    ),
    "date_out_of_range": Problem(422, "The date is out of range.", "Send a date within those given as expected."),
    "refund_too_large": Problem(409, "There is less to refund than that.", "Refund at most the amount expected."),
    "edit_too_large": Problem(409, "The loan does not allow an edit of that size.", "Stay within the bounds expected."),
    "edit_already_reversed": Problem(409, "The edit is reversed already.", "Nothing is left to do."),
    "waiver_too_large": Problem(409, "There is less to waive than that.", "Waive at most the amount expected."),
    "override_contradicts_books": Problem(
        409, "The books derive another status.", "A status edit can only confirm it; to change it, correct the books."
    ),
    "statement_not_ready": Problem(
        409, "The channel's statement of that day is not ready.", "Ask again from the moment given as expected."
    ),
    "dispute_state": Problem(
        409, "The dispute's state does not allow this.", "Read its progress at GET /v1/disputes/{id}."
    ),
    "dispute_queued": Problem(409, "The desk has not got to the dispute yet.", "Try again from the moment expected."),
    "not_settled": Problem(
        409, "The books do not say that the loan is settled.", "Pay what a CLEAR quote asks for, then ask again."
    ),
    "trade_not_paid": Problem(409, "The channel has no money for this order.", "Wait until it reports SUCCESS."),
    "payout_not_failable": Problem(
        409, "This payout cannot fail.", "Only a disbursement that its channel has not paid yet can."
    ),
    # What a channel sends us.
    "callback_malformed": Problem(
        400, "The callback is not in the channel's form.", "Send the body that /docs describes."
    ),
    "callback_signature_invalid": Problem(
        401, "The callback's signature does not verify.", "Sign id.timestamp.body with the channel's secret."
    ),
    "callback_amount_mismatch": Problem(
        409, "The callback's amount is not the order's.", "Nothing was posted; ask the channel for the order."
    ),
    "callback_out_of_order": Problem(
        409, "The callback is older than what is known of its order.", "Nothing was posted; ask the channel."
    ),
    "callback_version_stale": Problem(
        409, "This inbox does not read that callback version.", "Send the version given as expected."
    ),
    # The sandbox's clock.
    "clock_not_manual": Problem(
        409, "This sandbox's clock runs by itself.", "Make a sandbox with clock mode manual to advance it."
    ),
    "clock_backwards": Problem(422, "A clock only moves forward.", "Advance to a time that is not before now."),
    "clock_reset": Problem(
        409, "The sandbox was reset while its clock moved.", "Read GET /-/clock, and advance from there."
    ),
    # Ours to say.
    "rate_limited": Problem(429, "Too many requests.", "Wait as long as Retry-After says, then repeat it unchanged."),
    "unavailable": Problem(503, "The platform cannot answer now.", "Repeat later with the same Idempotency-Key."),
    "gateway_timeout": Problem(
        504, "The answer did not come in time.", "The work may be done: repeat it with the same Idempotency-Key."
    ),
    "conflict": Problem(409, "The state was changed by somebody else.", "Read it again before you decide anything."),
    "busy": Problem(503, "The platform has too much waiting.", "Repeat later with the same Idempotency-Key."),
    "fault_broke": Problem(
        500, "A fault of the fault layer broke.", "Mend the fault, or disarm its rule: the detail names both."
    ),
    "internal_error": Problem(500, "The platform failed.", "This is a bug: please report it with the detail."),
}


class Refused(Exception):
    """The answer is no, and why. Nothing was written.

    `code` is a key of PROBLEMS. `ids` are the ids involved, shown beside the code; `expected` and `received` say
    what would have been taken and what came.
    """

    def __init__(self, code: str, detail: str, *, expected: Any = None, received: Any = None, **ids: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.expected = expected
        self.received = received
        self.ids = ids

    @property
    def problem(self) -> Problem:
        """The table's row for this code."""
        return PROBLEMS[self.code]

    def to_json(self) -> dict[str, Any]:
        """The RFC 9457 document, the same over HTTP and on the command line."""
        document: dict[str, Any] = {
            "type": f"/docs/problems#{self.code}",
            "title": self.problem.title,
            "status": self.problem.status,
            "detail": self.detail,
            "code": self.code,
            "hint": self.problem.hint,
        }
        if self.expected is not None:
            document["expected"] = self.expected
        if self.received is not None:
            document["received"] = self.received
        return document | self.ids


class FieldError(NamedTuple):
    """One field that is wrong: its path, what would have been taken, and what came, as it came."""

    field: str
    expected: str
    received: object

    def within(self, path: str) -> FieldError:
        """The error as seen from around the object that the field is in, which stands at this path."""
        return self._replace(field=".".join(part for part in (path, self.field) if part))


class Invalid(ValueError):
    """A value that is not what its type takes. Raised with every field that is wrong, by their paths in the value."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{error.field}: expected {error.expected}" for error in errors[:3]))
        self.errors = errors

"""Every refusal: one table of problems, one exception.

A problem is a mistake of the caller or a condition of the world. A mistake of Mocklend itself raises an assertion. The
table is in order of precedence: where two problems hold at once, the answer is the earlier row. The
API renders a `Refused` as RFC 9457 problem+json; the command line prints the same sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

from mocklend.domain.nouns import JsonObject


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table: the HTTP status, the title, and a hint for the caller."""

    status: int
    title: str
    hint: str


PROBLEMS: dict[str, Problem] = {
    # The request itself.
    "host_not_allowed": Problem(
        421,
        "This server does not serve that host name.",
        "Use its address, or allow the name in MOCKLEND_ALLOWED_HOSTS.",
    ),
    "cross_site": Problem(
        403, "Pages of another origin may not send requests.", "Send it from a program, or from a page of this server."
    ),
    "sandbox_busy": Problem(
        429, "This sandbox has too many requests in progress.", "Wait as long as Retry-After says, then repeat it."
    ),
    "server_stopping": Problem(503, "The server is stopping.", "Repeat the request once it is back."),
    "body_late": Problem(408, "The body did not arrive in time.", "Send the whole body at once."),
    "body_incomplete": Problem(
        400, "The body is incomplete.", "Send as many bytes as Content-Length says; nothing was done."
    ),
    "body_not_json": Problem(400, "The body is not JSON.", "Send one JSON object in UTF-8."),
    "body_too_large": Problem(413, "The body is too large.", "Send at most the number of bytes given as expected."),
    "body_too_many_values": Problem(
        413, "The JSON has too many values.", "Send at most the number of values given as expected."
    ),
    "body_too_deep": Problem(400, "The JSON is nested too deeply.", "Send the object that /docs describes."),
    "media_type_unsupported": Problem(415, "The body is not JSON.", "Send Content-Type: application/json."),
    "text_not_storable": Problem(400, "A text cannot be stored.", "Remove NUL characters and lone surrogates."),
    "validation_failed": Problem(422, "A field has an invalid value.", "Correct the fields listed under errors."),
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
    # Credentials.
    "credential_missing": Problem(401, "This plane needs a credential.", "Send the header named under expected."),
    "credential_invalid": Problem(
        401, "The credential is unknown.", "Check it, or make a sandbox with POST /-/sandboxes."
    ),
    "key_of_staff": Problem(
        403,
        "A staff key does not open the control plane.",
        "Use the sandbox's api_key, or ask its owner to.",
    ),
    "method_not_allowed": Problem(405, "This address does not take that method.", "Use a method that Allow names."),
    "not_found": Problem(404, "There is nothing at this address.", "See /docs for the addresses."),
    # The subject of the request.
    "sandbox_unknown": Problem(404, "There is no such sandbox.", "Make one with POST /-/sandboxes."),
    "sandbox_default": Problem(
        409, "The sandbox `default` cannot be deleted.", "Empty it with POST /-/reset: requests without a key use it."
    ),
    "borrower_unknown": Problem(404, "There is no such borrower.", "Make one with POST /v1/borrowers."),
    "loan_unknown": Problem(404, "There is no such loan.", "Check the id; a loan belongs to one sandbox."),
    "repayment_unknown": Problem(404, "There is no such repayment.", "Check the id; it belongs to one sandbox."),
    "edit_unknown": Problem(404, "There is no such edit.", "List them with GET /operator/loans/{id}/edits."),
    "receipt_unknown": Problem(404, "There is no such receipt.", "List them with GET /operator/receipts."),
    "dispute_unknown": Problem(404, "There is no such dispute.", "List them with GET /v1/disputes."),
    "certificate_unknown": Problem(404, "There is no such certificate.", "Check the id; it belongs to one sandbox."),
    "quote_unknown": Problem(404, "There is no such quote.", "Ask for one with POST /v1/loans/{id}/quotes."),
    "channel_unknown": Problem(404, "There is no such channel.", "List them with GET /channels."),
    "trade_unknown": Problem(404, "The channel has no such trade.", "Use the repayment's out_trade_no and channel."),
    "payout_unknown": Problem(
        404, "The channel has no such payout.", "List a loan's payouts with GET /operator/loans/{id}/payouts."
    ),
    "product_unknown": Problem(404, "There is no such product.", "List them with GET /v1/products."),
    "lender_unknown": Problem(404, "There is no such lender.", "List them with GET /bureau/lenders."),
    "submission_unknown": Problem(
        404, "Nothing was submitted for this day.", "A day's file is submitted two hours after the day ends."
    ),
    "copy_unknown": Problem(404, "The lender has no copy of this report.", "It pulls one when a borrower applies."),
    "callback_unknown": Problem(404, "There is no such callback.", "List them with GET /channels/callbacks."),
    "webhook_unknown": Problem(404, "There is no such webhook.", "List them with GET /v1/webhooks."),
    "endpoint_unknown": Problem(404, "There is no such endpoint.", "List them with GET /v1/webhook-endpoints."),
    "rule_unknown": Problem(404, "There is no such rule.", "List them with GET /-/rules."),
    "mark_unknown": Problem(
        409, "There is no audit with this mark.", "Audit without `since`, and use the mark of its answer."
    ),
    "mark_too_old": Problem(
        410,
        "Too much has changed since this audit to know all of it.",
        "Audit without `since`, and use the mark of its answer.",
    ),
    "profile_unknown": Problem(404, "There is no such profile.", "List them with GET /-/profiles."),
    "experiment_unknown": Problem(404, "There is no such experiment.", "List them with GET /-/experiments."),
    "scenario_unknown": Problem(404, "There is no such scenario.", "List them with GET /-/scenarios."),
    "run_unknown": Problem(
        404, "No scenario is played in this sandbox.", "Play one: POST /-/scenarios/{scenario}/runs has its key."
    ),
    "fault_not_installed": Problem(404, "There is no fault of this name.", "List them with GET /-/faults."),
    "fault_unknown": Problem(422, "There is no such fault.", "List them with GET /-/faults."),
    # Limits.
    "too_many_sandboxes": Problem(
        409,
        "The server has reached its limit of sandboxes.",
        "Delete unused ones: mocklend sandboxes expire --unused-for P7D. Or raise MOCKLEND_MAX_SANDBOXES.",
    ),
    "sandbox_emptying": Problem(
        503,
        "The sandbox is being reset.",
        "Repeat the request as long as Retry-After says later: what was in the sandbox is gone.",
    ),
    "too_many_clocks": Problem(
        409,
        "The server has reached its limit of running clocks.",
        "Make the sandbox with a manual clock, or stop a running clock. Or raise MOCKLEND_MAX_RUNNING_CLOCKS.",
    ),
    "too_many_streams": Problem(
        503,
        "The server has reached its limit of event streams.",
        "Read GET /-/live every few seconds instead, or try again later. Or raise MOCKLEND_LIVE_STREAMS.",
    ),
    "too_many_endpoints": Problem(
        409, "The sandbox has reached its limit of webhook endpoints.", "Remove one: DELETE /v1/webhook-endpoints/{id}."
    ),
    "too_many_rules": Problem(
        409,
        "The sandbox has reached its limit of rules.",
        "Delete some: DELETE /-/rules/{id}, or put fewer in one request.",
    ),
    "too_many_experiments": Problem(
        409, "The sandbox has reached its limit of experiments.", "Delete one: DELETE /-/experiments/{id}."
    ),
    "too_many_findings": Problem(
        422, "The request has more findings than are scored at once.", "Send shorter windows, one window per request."
    ),
    # Refusals of the lender.
    "reference_taken": Problem(
        409, "This reference already names something else.", "Use another, or repeat the first request unchanged."
    ),
    "product_invalid": Problem(422, "The product is invalid.", "Correct the product's field."),
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
        409, "The repayment was not reversed.", "A payment that its channel has returned cannot be restored."
    ),
    "repayment_booked_right": Problem(
        409, "The repayment is booked correctly.", "Compare booked_type with type, and booked_at with paid_at."
    ),
    "repayment_not_applied": Problem(
        409, "The repayment is not on the books.", "Only a repayment with status S can be reversed."
    ),
    "receipt_not_movable": Problem(
        409,
        "The receipt cannot be moved.",
        "Only a receipt that an operator has matched and its channel still holds can move, to another loan.",
    ),
    "receipt_not_unapplied": Problem(
        409, "The receipt is not unapplied.", "Only a receipt without a loan can be matched."
    ),
    "receipt_not_second": Problem(
        409,
        "The receipt is not a second receipt, or was reversed.",
        "Reverse the repayment instead, or match the receipt.",
    ),
    "edit_not_draft": Problem(409, "The edit is not a draft.", "Only a DRAFT can be approved or rejected."),
    "edit_not_applied": Problem(409, "The edit is not on the books.", "Only an APPLIED edit can be reversed."),
    "edit_not_reversible": Problem(
        409,
        "A refund cannot be reversed.",
        "Its money is paid out or about to be; charge the borrower if it was wrong.",
    ),
    "four_eyes": Problem(
        409, "A second person has to approve this.", "Name an approver who is not the operator, or leave it out."
    ),
    "date_out_of_range": Problem(422, "The date is out of range.", "Send a date within those given as expected."),
    "refund_too_large": Problem(409, "The amount exceeds what can be refunded.", "Refund at most the amount expected."),
    "edit_too_large": Problem(409, "The loan does not allow an edit of that size.", "Stay within the bounds expected."),
    "edit_already_reversed": Problem(409, "The edit is already reversed.", "Nothing is left to do."),
    "waiver_too_large": Problem(409, "The amount exceeds what can be waived.", "Waive at most the amount expected."),
    "override_contradicts_books": Problem(
        409, "The books derive another status.", "A status edit can only confirm it; to change it, correct the books."
    ),
    "statement_not_ready": Problem(
        409,
        "The channel's statement of that day is not ready.",
        "Repeat the request from the moment given as expected.",
    ),
    "dispute_state": Problem(
        409, "The dispute's state does not allow this.", "Read its progress at GET /v1/disputes/{id}."
    ),
    "dispute_queued": Problem(
        409, "Operations staff have not handled the dispute yet.", "Repeat the request from the moment expected."
    ),
    "not_settled": Problem(
        409, "By the books the loan is not settled.", "Pay the total of a CLEAR quote, then repeat the request."
    ),
    "trade_not_paid": Problem(409, "The channel has no money for this order.", "Wait until it reports SUCCESS."),
    "payout_not_failable": Problem(
        409, "This payout cannot fail.", "Only a disbursement that its channel has not paid yet can fail."
    ),
    # Callbacks of channels.
    "callback_malformed": Problem(
        400, "The callback does not have the channel's format.", "Send the body that /docs describes."
    ),
    "callback_signature_invalid": Problem(
        401, "The callback's signature does not verify.", "Sign id.timestamp.body with the channel's secret."
    ),
    "callback_amount_mismatch": Problem(
        409, "The callback's amount is not the order's.", "Nothing was posted; ask the channel for the order."
    ),
    "callback_out_of_order": Problem(
        409, "The callback is older than the platform's state of its order.", "Nothing was posted; ask the channel."
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
    "clock_advancing": Problem(
        409,
        "An advance of this sandbox's clock is in progress.",
        "Wait until GET /-/clock has no `advancing`, then repeat the request: it has moved nothing.",
    ),
    "truth_hidden": Problem(
        403,
        "The truth of this sandbox is hidden.",
        "Send X-Mocklend-Control: <token>, which the server printed at its start.",
    ),
    "audit_unknown": Problem(
        404, "There is no such audit.", "Begin one: POST /-/audits. The last one that is done is kept."
    ),
    "alert_run_unknown": Problem(
        404,
        "There is no such run of the alerts.",
        "Begin one: POST /operator/alerts/runs. The last one that is done is kept.",
    ),
    "class_unknown": Problem(404, "There is no such class.", "List them: GET /-/classes."),
    "class_not_ready": Problem(
        409,
        "This class is not ready for that.",
        "Repeat the request once its last one is done. A class that could not be made can only be deleted.",
    ),
    "class_interrupted": Problem(
        503,
        "The process that was making the class ended before it was made.",
        "Delete the class, DELETE /-/classes/{class_id}, and make a new one: the keys of this one are of no use.",
    ),
    "class_too_large": Problem(
        422, "This sandbox is too large to be copied for a class.", "Make a smaller one, or play a scenario."
    ),
    "too_many_classes": Problem(409, "There are too many classes.", "Delete one: DELETE /-/classes/{class_id}."),
    "report_unknown": Problem(
        404, "There is no such report.", "List them: GET /-/reports has the newest 50 of the sandbox."
    ),
    "score_unknown": Problem(
        404, "There is no such score.", "List them: GET /-/scores has the last 100 of the sandbox."
    ),
    "nothing_due": Problem(
        409, "Nothing is due in the sandbox.", "Advance by a duration, or lend something: then there is a due date."
    ),
    "advance_interrupted": Problem(
        503,
        "The process that moved the clock ended before the clock arrived.",
        "Repeat the request with the same Idempotency-Key, or advance to the target: the clock goes on.",
    ),
    "advance_unknown": Problem(
        404, "There is no such advance.", "List them: GET /-/clock/advances has the last 16 of the sandbox."
    ),
    # The platform itself.
    "rate_limited": Problem(429, "Too many requests.", "Wait as long as Retry-After says, then repeat it unchanged."),
    "unavailable": Problem(503, "The platform cannot answer now.", "Repeat later with the same Idempotency-Key."),
    "gateway_timeout": Problem(
        504,
        "The answer did not arrive in time.",
        "The request may have succeeded: repeat it with the same Idempotency-Key.",
    ),
    "conflict": Problem(409, "Another request changed the state.", "Read the state again before you continue."),
    "busy": Problem(503, "The platform has too many requests waiting.", "Repeat later with the same Idempotency-Key."),
    "fault_broke": Problem(
        500, "A fault of the fault layer broke.", "Repair the fault, or disarm its rule: the detail names both."
    ),
    "internal_error": Problem(500, "The platform failed.", "This is a bug: please report it with the detail."),
}


class Refused(Exception):
    """A refusal with its reason. Nothing was written.

    `code` is a key of PROBLEMS. `ids` are the ids involved, shown beside the code; `expected` is what would be
    accepted, `received` what the request had.
    """

    def __init__(
        self, code: str, detail: str, *, expected: object = None, received: object = None, **ids: object
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.expected: Any = expected
        self.received: Any = received
        self.ids: JsonObject = ids

    @property
    def problem(self) -> Problem:
        """The table's row for this code."""
        return PROBLEMS[self.code]

    def to_json(self) -> JsonObject:
        """The RFC 9457 document, the same over HTTP and on the command line."""
        document: JsonObject = {
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
    """One wrong field: its path, what would be accepted, and the received value unchanged."""

    field: str
    expected: str
    received: object

    def within(self, path: str) -> FieldError:
        """The same error with its path relative to the object that contains this one at `path`."""
        return self._replace(field=".".join(part for part in (path, self.field) if part))


class FieldErrorDoc(TypedDict):
    """A wrong field as an answer lists it under `errors`: what was received is shortened."""

    field: str
    expected: str
    received: object


class Invalid(ValueError):
    """A value that its type does not accept. Carries every wrong field with its path in the value."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{error.field}: expected {error.expected}" for error in errors[:3]))
        self.errors = errors

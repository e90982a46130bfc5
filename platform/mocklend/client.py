"""A client for Mocklend: one method per call of the API; it returns the JSON answer as a dict.

        client = Client("http://127.0.0.1:8300").sandbox(seed=7)
        ada = client.add_borrower("ada", "Ada")
        loan = client.borrow(ada["id"], 100_000, product_id="jiebei-like")

A refusal raises `ProblemError`, which says what was expected and what to do. A call that gets no answer raises the
exception of requests: whether it took effect is then *unknown*, and the safe thing is to make the same call again with
the same `idempotency_key`. Use one client in one thread.

Money is an integer in minor units of the currency beside it (`*_minor`: fen, cents). A moment is RFC 3339 in UTC, on
the sandbox's clock; a date is `YYYY-MM-DD` in the sandbox's time zone.

The docstrings name the problem codes that are particular to a call. Every call can also be refused with
`credential_missing`, `credential_invalid`, `validation_failed`, `fault_broke` and `internal_error`; a call with a body
that cannot be read, with `body_not_json` and its like; a call with an idempotency key, with `request_in_progress` (the
first request under the key still runs) and `idempotency_key_reused` (the key was used with another path or body).
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote as quoted
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

# pytest leaves the frames of this module out: a refusal is shown at the caller's own line.
__tracebackhide__ = True

DEFAULT_URL = "http://127.0.0.1:8300"
START = "2026-01-05T02:00:00Z"
"""The start of a trial sandbox's clock: 10:00 on a Monday in Shanghai."""
_PATH = re.compile(r"/(?!/)[^\s\\\x00-\x20\x7f]*")
"""A path on the server. A path with another beginning could name another host."""

ADVANCE_WITHIN_S = 3_600.0
"""How long `advance` waits for a clock, by default."""
ALERTS_WITHIN_S = 3_600.0
"""How long `run_alerts` waits for its run, by default."""
_ANSWER_MARGIN_S = 2
"""A request for an advance wants its answer this many seconds before it would time out."""
_LOOK_S = 0.5
"""How often `advance` looks how far a clock has come."""

_LIST_PAGE_MAX = 500
_LISTS: Mapping[str, str] = {
    "loans": "loans",
    "repayments": "repayments",
    "disputes": "disputes",
    "all_edits": "edits",
    "receipts": "receipts",
    "alerts": "alerts",
    "alert_history": "alerts",
    "incidents": "incidents",
    "transactions": "transactions",
    "trades": "trades",
    "callbacks": "callbacks",
    "all_webhooks": "webhooks",
    "sandboxes": "sandboxes",
}
"""The methods that return a page of a list, and the key of the list in the answer."""

Doc = dict[str, Any]
"""A JSON object as the platform sent it; money in it is a `*_minor` integer."""


class ProblemError(Exception):
    """The platform refused a request. `document` is the whole RFC 9457 answer.

    `status` is the HTTP status, `code` the problem's code, `detail` the sentence about this case, `expected` and
    `received` the values where the problem has them, `hint` what to do, `request_id` the id of the request (see
    `Client.explain`).
    """

    def __init__(self, status: int, document: Mapping[str, Any], request_id: str | None = None) -> None:
        self.status = status
        self.request_id = request_id
        self.document: Doc = dict(document)
        self.code = str(document.get("code", "unknown"))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.expected = document.get("expected")
        self.received = document.get("received")
        self.hint = str(document.get("hint", ""))
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [f"{self.status} {self.code}: {self.detail or self.title}"]
        if self.expected is not None or self.received is not None:
            lines.append(f"expected {self.expected!r}, received {self.received!r}")
        lines.extend(
            f"{error['field']}: expected {error['expected']}, received {error['received']!r}"
            for error in self.document.get("errors", ())
        )
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they were sent over HTTP."""

    method: str
    path: str
    body: Doc | None
    status: int
    answer: Doc
    request_id: str | None = None


class Armed(dict[str, Any]):
    """The rule that `arm` has created, as the platform sent it; as a context manager it disarms the rule at the end.

            with client.arm("transport.latency", probability=0.1, times=3) as rule:
                ...
            assert rule["injected"] == 3  # after the block: the counters at its end

    Without `with` it is a plain document, and the rule stays armed.
    """

    def __init__(self, client: Client, rule: Mapping[str, Any]) -> None:
        super().__init__(rule)
        self._client = client

    def refresh(self) -> Self:
        """Read the rule again: its counters and state as of now. Raises ProblemError `rule_unknown` if it is gone."""
        self.update(self._client.rule(self["id"]))
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.refresh()
            self._client.disarm(self["id"])
        except Exception as failure:
            # The rule may be gone: disarmed, replaced by an inner block, or deleted together with its sandbox.
            gone = isinstance(failure, ProblemError) and failure.code in ("rule_unknown", "credential_invalid")
            # An exception that ended the block is more important than one of the disarming.
            if error is None and not gone:
                raise


class Client:
    """A client of the platform, for the sandbox of its API key; without a key, on loopback, for the sandbox `default`.

    It sends requests to `base_url` and to no other host: redirects are not followed, and a path cannot name a host.
    Raises ValueError if `base_url` is not an HTTP address, or if a key or token cannot be a header value.

    The tokens are needed only if the server is not on loopback. `on_exchange` is called with each request and its
    answer. Calls that move money send a new idempotency key from `next_key`, unless the caller passes one. `transport`
    carries the requests instead of a connection: for a platform in the same process.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout_s: float = 10,
        control_token: str | None = None,
        operator_token: str | None = None,
        channel_token: str | None = None,
        bureau_token: str | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
        next_key: Callable[[], str] | None = None,
        transport: BaseAdapter | None = None,
    ) -> None:
        host = _host_of(base_url)
        self.base_url = base_url.rstrip("/")
        self.api_key = api_key
        self.timeout_s = timeout_s
        self.on_exchange = on_exchange
        self.next_key = next_key or fresh_key
        self.sandbox_id: str | None = None
        self.seed: int | None = None
        self._tokens = {
            "control_token": control_token,
            "operator_token": operator_token,
            "channel_token": channel_token,
            "bureau_token": bureau_token,
        }
        for name, value in {"api_key": api_key, **self._tokens}.items():
            if value is not None and not (value.isascii() and value.isprintable()):
                raise ValueError(f"the {name} cannot be a header: expected printable ASCII characters")
        self._session = requests.Session()
        # A proxy of the environment must not be used between a test and its own machine.
        self._session.trust_env = not _is_loopback(host)
        self._session.auth = self._sign  # Ours, so that a .netrc cannot replace the key.
        self._transport = transport
        if transport is not None:
            self._session.mount(self.base_url, transport)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.api_key is not None:
            request.headers["Authorization"] = f"Bearer {self.api_key}"
        for plane, header in (
            ("control_token", "X-Mocklend-Control"),
            ("operator_token", "X-Mocklend-Operator"),
            ("channel_token", "X-Mocklend-Channel"),
            ("bureau_token", "X-Mocklend-Bureau"),
        ):
            token = self._tokens[plane]
            if token is not None:
                request.headers[header] = token
        return request

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the HTTP connections."""
        self._session.close()

    # --- borrowing ---

    def add_borrower(self, reference: str, name: str, *, credit_limit_minor: int | None = None) -> Doc:
        """Create a borrower, or return the one that the same call created before.

        Returns {id, reference, name, credit_limit_minor, created_at}. Refused with `reference_taken` if the reference
        belongs to a borrower with another name or limit.
        """
        return self._post(
            "/v1/borrowers", {"reference": reference, "name": name, "credit_limit_minor": credit_limit_minor}
        )

    def borrower(self, borrower_id: str) -> Doc:
        """Return a borrower: {id, reference, name, credit_limit_minor, created_at}. Refused with `borrower_unknown`."""
        return self._get(f"/v1/borrowers/{_part(borrower_id)}")

    def products(self) -> Doc:
        """Return the products that ship with Mocklend, with every field: {products: [...]}."""
        return self._get("/v1/products")

    def schedule(self, principal_minor: int, start_date: str, product: Doc, *, currency: str | None = None) -> Doc:
        """Compute the instalments that a loan would have; nothing is stored.

        Returns {currency, instalments, total_interest_minor}. Refused with `product_invalid`.
        """
        return self._post(
            "/v1/schedules",
            {
                "principal_minor": principal_minor,
                "start_date": start_date,
                "product": product,
                "currency": currency,
            },
        )

    def borrow(
        self,
        borrower_id: str,
        principal_minor: int,
        *,
        product_id: str | None = None,
        product: Doc | None = None,
        currency: str | None = None,
        reference: str | None = None,
        auto_debit: bool | None = None,
        disburse_to: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Take out a loan on a product, given by its id or by its own fields. Returns the loan, as `loan` does.

        The principal is paid out at once, or through the channel `disburse_to`, which takes its settling delay. Refused
        with `borrower_unknown`, `product_unknown`, `product_invalid`, `channel_unknown`, `amount_out_of_range`,
        `credit_limit_exceeded`, `reference_taken`.
        """
        body = {
            "borrower_id": borrower_id,
            "principal_minor": principal_minor,
            "product_id": product_id,
            "product": product,
            "currency": currency,
            "reference": reference,
            "auto_debit": auto_debit,
            "disburse_to": disburse_to,
        }
        return self._post("/v1/loans", body, key=idempotency_key or self.next_key())

    def loan(self, loan_id: str) -> Doc:
        """Return the loan as its status page shows it, which can differ from the books.

        `version` and `as_of` say how old it is. Returns {id, borrower_id, reference, product_id, currency, status,
        principal_minor, outstanding_minor, outstanding_principal_minor, overdue_minor, overpaid_minor, paid_minor,
        next_due, disbursed_at, version, as_of}. Refused with `loan_unknown`.
        """
        return self._get(f"/v1/loans/{_part(loan_id)}")

    def loans(
        self,
        *,
        borrower_id: str | None = None,
        status: str | None = None,
        reference: str | None = None,
        q: str | None = None,
        order: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Doc:
        """Return a list page of loans, 50 by default: {loans, next_cursor}. `every("loans")` iterates over all.

        `q` is the beginning of an id, a reference or a borrower's name; `order` is "id" or "newest".
        """
        query = {"borrower_id": borrower_id, "status": status, "reference": reference, "q": q, "order": order}
        return self._get("/v1/loans", {**query, "limit": limit, "cursor": cursor})

    def borrowers(self, *, q: str | None = None, limit: int | None = None, cursor: str | None = None) -> Doc:
        """Return a list page of borrowers: {borrowers, next_cursor}; `q` as in `loans`."""
        return self._get("/v1/borrowers", {"q": q, "limit": limit, "cursor": cursor})

    def found_loans(
        self,
        *,
        wrong: bool = False,
        q: str | None = None,
        order: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Doc:
        """Return a list page of loans by the books, newest first, with their open entries: {loans, next_cursor}.

        `wrong`: only loans on which an entry of the answer key is open. For the others see `loans`.
        """
        query = {"wrong": "true" if wrong else None, "q": q, "order": order}
        return self._get("/-/loans", {**query, "limit": limit, "cursor": cursor})

    def every(self, what: str, *arguments: Any, **options: Any) -> Iterator[Doc]:
        """Iterate over a whole list, page by page: `every("loans", status="USING")`, `every("repayments", loan_id)`.

        `what` is one of loans, repayments, disputes, all_edits, receipts, alerts, alert_history, incidents,
        transactions, trades, callbacks, all_webhooks and sandboxes; anything else raises ValueError. The other
        arguments are those of the method with that name.
        """
        if what not in _LISTS:
            raise ValueError(f"{what!r} is not a list; known: {', '.join(_LISTS)}")
        options = {"limit": _LIST_PAGE_MAX} | options
        while True:
            page = getattr(self, what)(*arguments, **options)
            yield from page[_LISTS[what]]
            if page["next_cursor"] is None:
                return
            options["cursor"] = page["next_cursor"]

    def instalments(self, loan_id: str) -> Doc:
        """Return what is due when, and how much of it is paid: {loan_id, version, as_of, instalments}.

        It comes from the status page's version, so it can differ from the books. Refused with `loan_unknown`.
        """
        return self._get(f"/v1/loans/{_part(loan_id)}/instalments")

    # --- repaying ---

    def quote(self, loan_id: str, type: str = "CLEAR", *, date: str | None = None) -> Doc:
        """Return the amount that settles the loan (`CLEAR`), or the overdue and current amount (`OVD_AND_CURRENT`).

        `date` is the day of the repayment, today by default. Returns {id, loan_id, type, date, total_minor, currency,
        buckets, valid_until, version, as_of}. Refused with `loan_unknown`, `loan_not_active`, `amount_out_of_range`.
        """
        return self._post(f"/v1/loans/{_part(loan_id)}/quotes", {"type": type, "date": date})

    def repay(
        self,
        loan_id: str,
        amount_minor: int,
        channel: str,
        type: str,
        *,
        quote_id: str | None = None,
        payer_reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Order a repayment. It is PROCESSING until its channel has settled and has sent its callback to the platform.

        `type` is `CLEAR` or `OVD_AND_CURRENT`. Returns the repayment, as `repayment` does. Refused with `loan_unknown`,
        `channel_unknown`, `quote_unknown`, `quote_stale`, `quote_mismatch`, `loan_not_active`.
        """
        body = {
            "amount_minor": amount_minor,
            "channel": channel,
            "type": type,
            "quote_id": quote_id,
            "payer_reference": payer_reference,
        }
        return self._post(f"/v1/loans/{_part(loan_id)}/repayments", body, key=idempotency_key or self.next_key())

    def repay_quote(
        self,
        quote: Mapping[str, Any],
        channel: str,
        *,
        payer_reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Order a repayment of exactly the amount and type of a quote. Returns and refuses as `repay` does."""
        return self.repay(
            quote["loan_id"],
            quote["total_minor"],
            channel,
            quote["type"],
            quote_id=quote["id"],
            payer_reference=payer_reference,
            idempotency_key=idempotency_key,
        )

    def repayment(self, repayment_id: str) -> Doc:
        """Return a repayment as the platform knows it. Refused with `repayment_unknown`.

        Returns {id, loan_id, status, amount_minor, applied_minor, overpaid_minor, currency, channel, type, quote_id,
        payer_reference, out_trade_no, channel_trade_no, created_at, paid_at, applied_at, booked_type, booked_at,
        reversal_id, idempotency_key}.
        """
        return self._get(f"/v1/repayments/{_part(repayment_id)}")

    def repayments(self, loan_id: str, *, limit: int | None = None, cursor: str | None = None) -> Doc:
        """Return a list page of a loan's repayments: {repayments, next_cursor}. Refused with `loan_unknown`."""
        return self._get(f"/v1/loans/{_part(loan_id)}/repayments", {"limit": limit, "cursor": cursor})

    # --- disputes and certificates ---

    def open_dispute(
        self,
        loan_id: str,
        claim: str,
        evidence: list[Mapping[str, Any]] | None = None,
        *,
        statement: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Dispute what is shown or reported about a loan. Returns the dispute, as `dispute` does.

        A piece of evidence is {kind, channel, amount_minor, paid_at, …}. Refused with `loan_unknown`,
        `channel_unknown`.
        """
        body = {"loan_id": loan_id, "claim": claim, "statement": statement, "evidence": evidence}
        return self._post("/v1/disputes", body, key=idempotency_key or self.next_key())

    def dispute(self, dispute_id: str) -> Doc:
        """Return a dispute with its findings and progress. Refused with `dispute_unknown`.

        Returns {id, loan_id, claim, statement, evidence, findings, state, decision, corrections, left_to_do,
        compensation_minor, compensation_id, payout_id, disagreement, marked, breached, created_at, due_at, taken_up_at,
        progress}.
        """
        return self._get(f"/v1/disputes/{_part(dispute_id)}")

    def disputes(
        self,
        *,
        loan_id: str | None = None,
        state: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Doc:
        """Return a list page of disputes: {disputes, next_cursor}."""
        return self._get("/v1/disputes", {"loan_id": loan_id, "state": state, "limit": limit, "cursor": cursor})

    def add_dispute_statement(self, dispute_id: str, statement: str, *, idempotency_key: str | None = None) -> Doc:
        """Add the borrower's statement that he disagrees with a rejection. Returns the dispute.

        Refused with `dispute_unknown`, `dispute_state`.
        """
        path = f"/v1/disputes/{_part(dispute_id)}/statement"
        return self._post(path, {"statement": statement}, key=idempotency_key or self.next_key())

    def issue_certificate(self, loan_id: str) -> Doc:
        """Issue the loan's settlement certificate, or return the current one. The books must say CLEAR.

        Returns the certificate, as `certificate` does. Refused with `loan_unknown`, `not_settled`.
        """
        return self._post(f"/v1/loans/{_part(loan_id)}/certificates", {})

    def certificate(self, certificate_id: str) -> Doc:
        """Return a certificate; `superseded` says whether the books have changed since.

        Returns {id, loan_id, number, issued_at, journal_seq, journal_hash, principal_minor, currency, settled_on,
        text_zh, text_en, superseded, superseded_reason}. Refused with `certificate_unknown`.
        """
        return self._get(f"/v1/certificates/{_part(certificate_id)}")

    # --- the journal and webhooks ---

    def transactions(
        self,
        *,
        loan_id: str | None = None,
        account: str | None = None,
        kind: str | None = None,
        day: str | None = None,
        order: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Doc:
        """Return a list page of the journal: {transactions, next_cursor}.

        `order` is "chain", by loan and number, or "newest"; with `day`, a date, the newest come first. With `account`
        or `kind` a page may be short although there are more.
        """
        query = {"loan_id": loan_id, "account": account, "kind": kind, "day": day, "order": order}
        return self._get("/v1/ledger/transactions", {**query, "cursor": cursor, "limit": limit})

    def balances(self, *, as_of: str | None = None) -> Doc:
        """Return the trial balance, up to a business day or of the whole journal: {as_of, balanced, balances}."""
        return self._get("/v1/ledger/balances", {"as_of": as_of})

    def beancount(self) -> str:
        """Return the whole journal as a Beancount file, with the platform's balances as assertions."""
        return self._file("/v1/ledger/beancount").decode()

    def add_webhook_endpoint(self, url: str, events: list[str] | None = None, profile: str = "standard") -> Doc:
        """Register a URL to which events are sent: {id, url, events, profile, secret, created_at}.

        The messages are signed with `secret`. Refused with `too_many_endpoints`.
        """
        return self._post("/v1/webhook-endpoints", {"url": url, "events": events or ["*"], "profile": profile})

    def webhook_endpoints(self) -> Doc:
        """Return every webhook endpoint of the sandbox: {endpoints: [...]}."""
        return self._get("/v1/webhook-endpoints")

    def webhooks(
        self, endpoint_id: str, *, state: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Doc:
        """Return a list page of the messages to an endpoint, with the outcome of each attempt: {webhooks, next_cursor}.

        Refused with `endpoint_unknown`.
        """
        path = f"/v1/webhook-endpoints/{_part(endpoint_id)}/webhooks"
        return self._get(path, {"state": state, "cursor": cursor, "limit": limit})

    def all_webhooks(
        self,
        *,
        state: str | None = None,
        loan_id: str | None = None,
        event: str | None = None,
        endpoint_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Doc:
        """Return a list page of the messages to all endpoints, the newest first: {webhooks, next_cursor}.

        With a filter a page may be short although there are more.
        """
        filters = {"state": state, "loan_id": loan_id, "event": event, "endpoint_id": endpoint_id}
        return self._get("/v1/webhooks", {**filters, "cursor": cursor, "limit": limit})

    def resend_webhook(self, webhook_id: str) -> Doc:
        """Send a message once more, at once, and wait for its receiver for 5 seconds. Returns it with its attempts.

        Refused with `webhook_unknown`, `endpoint_unknown`.
        """
        return self._post(f"/v1/webhooks/{_part(webhook_id)}/resend", {})

    def remove_webhook_endpoint(self, endpoint_id: str) -> None:
        """Remove a webhook endpoint; nothing more is sent there. Refused with `endpoint_unknown`."""
        self._call("DELETE", f"/v1/webhook-endpoints/{_part(endpoint_id)}")

    # --- the operator plane ---

    def books(self, loan_id: str) -> Doc:
        """Return the loan as the books have it, never cached. Refused with `loan_unknown`.

        The fields are those of `loan`, and unapplied_minor, revoked_minor, written_off_minor, recovered_minor,
        refunding_minor, status_override.
        """
        return self._get(f"/operator/loans/{_part(loan_id)}")

    def edit(
        self,
        loan_id: str,
        kind: str,
        *,
        operator: str,
        memo: str,
        amount_minor: int | None = None,
        status: str | None = None,
        approver: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Change a bill by a relative amount (`MODIFY_BILL_AMOUNT`), or set its status (`MODIFY_BILL_STATUS`).

        Returns the edit: {id, loan_id, kind, amount_minor, status, channel, due_date, memo, operator, approver,
        approval_needed, state, before, after, created_at, applied_at}. Above the sandbox's four-eyes limit and without
        an `approver` it is a DRAFT. Refused with `loan_unknown`, `loan_not_active`, `waiver_too_large`,
        `edit_too_large`, `amount_out_of_range`, `override_contradicts_books`, `four_eyes`.
        """
        body = {
            "kind": kind,
            "amount_minor": amount_minor,
            "status": status,
            "memo": memo,
            "operator": operator,
            "approver": approver,
        }
        return self._post(f"/operator/loans/{_part(loan_id)}/edits", body, key=idempotency_key or self.next_key())

    def edits(self, loan_id: str) -> Doc:
        """Return the edits of a loan: {edits: [...]}. Refused with `loan_unknown`."""
        return self._get(f"/operator/loans/{_part(loan_id)}/edits")

    def reverse_edit(self, edit_id: str, *, operator: str, memo: str, idempotency_key: str | None = None) -> Doc:
        """Reverse an edit, a waiver, a charge or a write-off: it then counts as never made. Returns the edit.

        Refused with `edit_unknown`, `edit_already_reversed`, `edit_not_applied`, `edit_not_reversible`.
        """
        path = f"/operator/edits/{_part(edit_id)}/reverse"
        return self._post(path, {"memo": memo, "operator": operator}, key=idempotency_key or self.next_key())

    def refresh_page(self, loan_id: str, *, operator: str, memo: str) -> Doc:
        """Rebuild a loan's status page from the books: the repair of a page that is behind them. Returns the page.

        Refused with `loan_unknown`.
        """
        return self._post(f"/operator/loans/{_part(loan_id)}/refresh", {"memo": memo, "operator": operator})

    def catch_up(self, loan_id: str, *, operator: str, memo: str) -> Doc:
        """Run the end of day for a loan that it has skipped: {loan_id, status, version, caught_up}.

        Refused with `loan_unknown`.
        """
        return self._post(f"/operator/loans/{_part(loan_id)}/catch-up", {"memo": memo, "operator": operator})

    def reverse_repayment(
        self, repayment_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Reverse a repayment; later repayments are allocated anew. Returns the repayment.

        Refused with `repayment_unknown`, `repayment_not_applied`.
        """
        path = f"/operator/repayments/{_part(repayment_id)}/reverse"
        return self._post(path, {"memo": memo, "operator": operator}, key=idempotency_key or self.next_key())

    def query_repayment(self, repayment_id: str, *, operator: str, idempotency_key: str | None = None) -> Doc:
        """Query the channel for an order and apply its answer: the repair of a lost callback. Returns the repayment.

        Refused with `repayment_unknown`, `trade_not_paid`.
        """
        path = f"/operator/repayments/{_part(repayment_id)}/query"
        return self._post(path, {"operator": operator}, key=idempotency_key or self.next_key())

    def charge(
        self,
        loan_id: str,
        kind: str,
        amount_minor: int,
        due_date: str,
        *,
        operator: str,
        memo: str,
        approver: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Charge a `fee` or a `penalty` that falls due on a day. Returns the edit, as `edit` does.

        Refused with `loan_unknown`, `loan_not_active`, `edit_too_large`, `four_eyes`, `date_out_of_range`.
        """
        body = {"kind": kind, "amount_minor": amount_minor, "due_date": due_date}
        return self._decide(loan_id, "charges", body, operator, memo, approver, idempotency_key)

    def waive(
        self,
        loan_id: str,
        part: str,
        amount_minor: int,
        *,
        operator: str,
        memo: str,
        approver: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Waive a part of what is owed: `fee`, `interest` or `penalty`. Returns the edit, as `edit` does.

        Refused with `loan_unknown`, `loan_not_active`, `waiver_too_large`, `four_eyes`.
        """
        body = {"part": part, "amount_minor": amount_minor}
        return self._decide(loan_id, "waivers", body, operator, memo, approver, idempotency_key)

    def write_off(
        self,
        loan_id: str,
        *,
        operator: str,
        memo: str,
        approver: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Write off all that is owed; later repayments are recoveries. Returns the edit, as `edit` does.

        Refused with `loan_unknown`, `loan_not_active`, `four_eyes`.
        """
        return self._decide(loan_id, "write-offs", {}, operator, memo, approver, idempotency_key)

    def refund(
        self,
        loan_id: str,
        channel: str,
        amount_minor: int | None = None,
        *,
        operator: str,
        memo: str,
        approver: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Refund an overpayment, all of it by default, through a channel. Returns the edit, as `edit` does.

        The channel pays after its settling delay: see `payouts`. Refused with `loan_unknown`, `channel_unknown`,
        `loan_not_active`, `refund_too_large`, `four_eyes`.
        """
        body = {"channel": channel, "amount_minor": amount_minor}
        return self._decide(loan_id, "refunds", body, operator, memo, approver, idempotency_key)

    def _decide(
        self, loan_id: str, action: str, body: Doc, operator: str, memo: str, approver: str | None, key: str | None
    ) -> Doc:
        signed_body = {**body, "memo": memo, "operator": operator, "approver": approver}
        return self._post(f"/operator/loans/{_part(loan_id)}/{action}", signed_body, key=key or self.next_key())

    def payouts(self, loan_id: str) -> Doc:
        """Return the payouts of a loan, made and pending: principal, refunds, compensations. {payouts: [...]}

        Refused with `loan_unknown`.
        """
        return self._get(f"/operator/loans/{_part(loan_id)}/payouts")

    def operator_log(self, loan_id: str) -> Doc:
        """Return the actions of staff on a loan: who, why, the bill before and after. {actions: [...]}

        Refused with `loan_unknown`.
        """
        return self._get(f"/operator/loans/{_part(loan_id)}/log")

    def all_edits(self, *, state: str | None = None, limit: int | None = None, cursor: str | None = None) -> Doc:
        """Return a list page of the edits of all loans: {edits, next_cursor}. `state="DRAFT"`: those to be approved."""
        return self._get("/operator/edits", {"state": state, "limit": limit, "cursor": cursor})

    def edit_by_id(self, edit_id: str) -> Doc:
        """Return an edit. Refused with `edit_unknown`."""
        return self._get(f"/operator/edits/{_part(edit_id)}")

    def approve_edit(self, edit_id: str, *, approver: str, idempotency_key: str | None = None) -> Doc:
        """Approve a draft: it is applied to the books. The approver must not be its operator. Returns the edit.

        Refused with `edit_unknown`, `edit_not_draft`, `four_eyes`, `loan_not_active`, `waiver_too_large`,
        `refund_too_large`, `edit_too_large`, `amount_out_of_range`, `date_out_of_range`.
        """
        path = f"/operator/edits/{_part(edit_id)}/approve"
        return self._post(path, {"approver": approver}, key=idempotency_key or self.next_key())

    def reject_edit(self, edit_id: str, *, operator: str, memo: str, idempotency_key: str | None = None) -> Doc:
        """Reject a draft. Returns the edit. Refused with `edit_unknown`, `edit_not_draft`."""
        path = f"/operator/edits/{_part(edit_id)}/reject"
        return self._post(path, {"memo": memo, "operator": operator}, key=idempotency_key or self.next_key())

    def receipts(self, *, state: str | None = None, limit: int | None = None, cursor: str | None = None) -> Doc:
        """Return a list page of the receipts without an order: {receipts, next_cursor}.

        `state="UNAPPLIED"` are those to be matched with a loan.
        """
        return self._get("/operator/receipts", {"state": state, "limit": limit, "cursor": cursor})

    def alerts(
        self,
        *,
        finding_class: str | None = None,
        check: str | None = None,
        loan_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Doc:
        """Return a list page of what the platform's own monitoring finds now: {monitoring, alerts, next_cursor}."""
        filters = {"class": finding_class, "check": check, "loan_id": loan_id, "limit": limit, "cursor": cursor}
        return self._get("/operator/alerts", filters)

    def run_alerts(self, *, within_s: float = ALERTS_WITHIN_S) -> Doc:
        """Run every check of the platform's own monitoring, and keep what they see. It looks at every loan.

        Returns {n, at, open, opened, closed, left_out}. If it takes longer than a request may, the client looks until
        it is done. After `within_s` seconds it raises TimeoutError: the run goes on, and `alert_run_state` watches it.
        """
        until_s = time.monotonic() + within_s
        wait_s = max(0, int(min(self.timeout_s - _ANSWER_MARGIN_S, within_s)))
        answer = self._post("/operator/alerts/runs", {}, headers={"Prefer": f"wait={wait_s}"})
        while "state" in answer:
            if answer["state"] == "done":
                done: Doc = answer["result"]
                return done
            if answer["problem"] is not None:
                raise ProblemError(answer["problem"]["status"], answer["problem"])
            if answer["state"] == "interrupted" or time.monotonic() >= until_s:
                looked = f"{answer['looked_at']} of {answer['loans']} loans"
                raise TimeoutError(f"the run {answer['id']} is {answer['state']} and has looked at {looked}")
            time.sleep(_LOOK_S)
            answer = self.alert_run_state(answer["id"])
        return answer

    def begin_alert_run(self) -> Doc:
        """Begin a run of the checks without waiting for it; if one runs, it is that one. See `alert_run_state`."""
        return self._post("/operator/alerts/runs", {}, headers={"Prefer": "respond-async"})

    def alert_run_state(self, run_id: str) -> Doc:
        """Return a run of the checks: {id, state, at, loans, looked_at, problem, result}.

        `state` is running, done (then `result` has what `run_alerts` returns), failed or interrupted. Refused with
        `alert_run_unknown`.
        """
        return self._get(f"/operator/alerts/runs/{_part(run_id)}")

    def incidents(
        self,
        *,
        state: str | None = None,
        finding_class: str | None = None,
        check: str | None = None,
        channel: str | None = None,
        loan_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Doc:
        """Return a list page of what `run_alerts` has seen, by incidents: {last_run, incidents, next_cursor}.

        An incident is what one check has seen of one channel, as long as it goes on. `state` is `open` or `closed`.
        """
        filters = {"state": state, "class": finding_class, "check": check, "channel": channel, "loan_id": loan_id}
        return self._get("/operator/alerts/incidents", {**filters, "limit": limit, "cursor": cursor})

    def alert_history(
        self,
        *,
        state: str | None = None,
        finding_class: str | None = None,
        check: str | None = None,
        channel: str | None = None,
        loan_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Doc:
        """Return a list page of the alerts that `run_alerts` has seen: {last_run, alerts, next_cursor}.

        `state` is `open`, as of the last run, or `closed`.
        """
        filters = {"state": state, "class": finding_class, "check": check, "channel": channel, "loan_id": loan_id}
        return self._get("/operator/alerts/history", {**filters, "limit": limit, "cursor": cursor})

    def query_payment(
        self, channel: str, out_trade_no: str, *, operator: str, idempotency_key: str | None = None
    ) -> Doc:
        """Query a channel for a push payment whose callback was lost, and post it. Returns the receipt.

        Returns {id, state, loan_id, channel, out_trade_no, channel_trade_no, amount_minor, currency, type, payer_name,
        payer_reference, paid_at, received_at, applied_at}. Refused with `channel_unknown`, `trade_unknown`,
        `trade_not_paid`.
        """
        body = {"channel": channel, "out_trade_no": out_trade_no, "operator": operator}
        return self._post("/operator/receipts/query", body, key=idempotency_key or self.next_key())

    def match_receipt(
        self, receipt_id: str, loan_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Apply an unapplied receipt to a loan, effective on the day on which it was paid. Returns the receipt.

        Refused with `receipt_unknown`, `receipt_not_unapplied`, `loan_unknown`, `currency_mismatch`.
        """
        body = {"loan_id": loan_id, "memo": memo, "operator": operator}
        path = f"/operator/receipts/{_part(receipt_id)}/match"
        return self._post(path, body, key=idempotency_key or self.next_key())

    def reverse_receipt(self, receipt_id: str, *, operator: str, memo: str, idempotency_key: str | None = None) -> Doc:
        """Reverse a receipt that was posted beside the receipt of an order for the same money. Returns the receipt.

        Refused with `receipt_unknown`, `receipt_not_second`.
        """
        path = f"/operator/receipts/{_part(receipt_id)}/reverse"
        return self._post(path, {"memo": memo, "operator": operator}, key=idempotency_key or self.next_key())

    def reinstate_repayment(
        self, repayment_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Cancel the reversal of a repayment: it counts again, from the day on which it was paid.

        Returns the repayment. Refused with `repayment_unknown`, `repayment_not_reversed`.
        """
        path = f"/operator/repayments/{_part(repayment_id)}/reinstate"
        return self._post(path, {"operator": operator, "memo": memo}, key=idempotency_key or self.next_key())

    def rebook_repayment(
        self, repayment_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Book a repayment again, with the type and amount of its order and the channel's day. Returns the repayment.

        Refused with `repayment_unknown`, `repayment_not_applied`, `repayment_booked_right`.
        """
        path = f"/operator/repayments/{_part(repayment_id)}/rebook"
        return self._post(path, {"operator": operator, "memo": memo}, key=idempotency_key or self.next_key())

    def move_receipt(
        self, receipt_id: str, loan_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Move a receipt from the loan that it was matched with by mistake to another loan. Returns the receipt.

        Refused with `receipt_unknown`, `receipt_not_movable`, `loan_unknown`, `currency_mismatch`.
        """
        body = {"loan_id": loan_id, "memo": memo, "operator": operator}
        path = f"/operator/receipts/{_part(receipt_id)}/move"
        return self._post(path, body, key=idempotency_key or self.next_key())

    def verify_dispute(self, dispute_id: str, *, operator: str, idempotency_key: str | None = None) -> Doc:
        """Compare each piece of evidence with the channel's trade and with the books. Returns the dispute.

        Refused with `dispute_unknown`, `dispute_state`, `dispute_queued`.
        """
        path = f"/operator/disputes/{_part(dispute_id)}/verify"
        return self._post(path, {"operator": operator}, key=idempotency_key or self.next_key())

    def decide_dispute(
        self,
        dispute_id: str,
        decision: str,
        *,
        operator: str,
        memo: str,
        correct: bool = False,
        compensation_minor: int | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Decide a dispute: UPHELD, REJECTED or UNVERIFIABLE. Returns the dispute.

        With `correct` the books are corrected as far as it is upheld; `compensation_minor` is paid to the borrower.
        Refused with `dispute_unknown`, `dispute_state`.
        """
        body = {
            "decision": decision,
            "memo": memo,
            "operator": operator,
            "correct": correct,
            "compensation_minor": compensation_minor,
        }
        path = f"/operator/disputes/{_part(dispute_id)}/decide"
        return self._post(path, body, key=idempotency_key or self.next_key())

    # --- the channels ---

    def pay_at_channel(
        self,
        channel: str,
        amount_minor: int,
        *,
        payer_name: str,
        payer_reference: str | None = None,
        type: str = "OVD_AND_CURRENT",
        currency: str | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Pay at a channel without an order, as through bill pay. Returns the trade, as `trade` does.

        The platform knows whose payment it is only by the payer's name and reference. Refused with `channel_unknown`,
        `currency_mismatch`.
        """
        body = {
            "amount_minor": amount_minor,
            "currency": currency,
            "payer_name": payer_name,
            "payer_reference": payer_reference,
            "type": type,
        }
        return self._post(f"/channels/{_part(channel)}/payments", body, key=idempotency_key or self.next_key())

    def channels(self) -> Doc:
        """Return the channels with their settling delays (seconds) and callback profiles: {channels: [...]}."""
        return self._get("/channels")

    def trade(self, channel: str, out_trade_no: str) -> Doc:
        """Return the channel's own record of an order. Refused with `channel_unknown`, `trade_unknown`.

        Returns {channel, out_trade_no, channel_trade_no, loan_id, amount_minor, currency, state, payer_name,
        payer_reference, created_at, due_at, paid_at, returned_at}.
        """
        return self._get(f"/channels/{_part(channel)}/trades/{_part(out_trade_no)}")

    def return_payment(self, channel: str, out_trade_no: str, *, idempotency_key: str | None = None) -> Doc:
        """Let a channel return money that it had reported as paid; it sends a callback. Returns the trade.

        Refused with `channel_unknown`, `trade_unknown`, `trade_not_paid`.
        """
        path = f"/channels/{_part(channel)}/trades/{_part(out_trade_no)}/return"
        return self._post(path, {}, key=idempotency_key or self.next_key())

    def fail_payout(self, channel: str, payout_id: str, *, idempotency_key: str | None = None) -> Doc:
        """Let the payout of a loan fail for good: the loan becomes FAILED. `payouts` has the payout's id.

        Returns {id, loan_id, purpose, channel, amount_minor, currency, state, created_at, paid_at}. Refused with
        `channel_unknown`, `payout_unknown`, `payout_not_failable`.
        """
        path = f"/channels/{_part(channel)}/payouts/{_part(payout_id)}/failure"
        return self._post(path, {}, key=idempotency_key or self.next_key())

    def callback(self, channel: str, out_trade_no: str) -> Doc:
        """Return the delivery log of an order's callback. Refused with `channel_unknown`, `trade_unknown`.

        Returns {id, channel, out_trade_no, loan_id, event, state, attempts, body, queued_at, next_attempt_at, acked_at,
        applied_at}.
        """
        return self._get(f"/channels/{_part(channel)}/callbacks/{_part(out_trade_no)}")

    def trades(
        self,
        *,
        state: str | None = None,
        channel: str | None = None,
        loan_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Doc:
        """Return a list page of the trades of all channels, by their order numbers: {trades, next_cursor}.

        With a filter a page may be short although there are more. Refused with `channel_unknown`.
        """
        filters = {"state": state, "channel": channel, "loan_id": loan_id}
        return self._get("/channels/trades", {**filters, "cursor": cursor, "limit": limit})

    def callbacks(
        self,
        *,
        state: str | None = None,
        channel: str | None = None,
        loan_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Doc:
        """Return a list page of the callbacks of all channels, the newest first: {callbacks, next_cursor}.

        With a filter a page may be short although there are more. Refused with `channel_unknown`.
        """
        filters = {"state": state, "channel": channel, "loan_id": loan_id}
        return self._get("/channels/callbacks", {**filters, "cursor": cursor, "limit": limit})

    def resend_callback(self, callback_id: str) -> Doc:
        """Let a channel send a callback once more, at once and as it is. Returns it with its attempts.

        Refused with `callback_unknown`.
        """
        return self._post(f"/channels/callbacks/{_part(callback_id)}/resend", {})

    def statement_formats(self, channel: str) -> Doc:
        """Return a channel's statement formats, its cut-off, and when a statement is ready.

        Returns {channel, cut_off, statement_ready, formats}. Refused with `channel_unknown`.
        """
        return self._get(f"/channels/{_part(channel)}/statements")

    def statement(self, channel: str, date: str, *, format: str | None = None, currency: str | None = None) -> bytes:
        """Return a channel's statement of a day, as the bytes that the channel made.

        Refused with `channel_unknown`, `statement_not_ready`.
        """
        path = f"/channels/{_part(channel)}/statements/{_part(date)}"
        return self._file(path, {"format": format, "currency": currency})

    def remake_statement(self, channel: str, date: str, *, currency: str = "CNY") -> Doc:
        """Have a channel make its statement of a day again, if the last one was late, cut short or corrupt.

        Returns {channel, date, currency, times_made, ready_at}. Refused with `channel_unknown`, `statement_not_ready`.
        """
        path = f"/channels/{_part(channel)}/statements/{_part(date)}/remake"
        return self._post(path, {"currency": currency})

    def send_callback(self, channel: str, body: bytes, headers: Mapping[str, str]) -> Doc:
        """Deliver a callback as a channel would, signed by the caller: for tests that simulate a channel.

        Returns {received}. Refused with `callback_signature_invalid`, `callback_malformed`, `callback_version_stale`,
        `callback_amount_mismatch`, `callback_out_of_order`, `channel_unknown`, `trade_unknown`.
        """
        return self._call("POST", f"/v1/callbacks/{_part(channel)}", raw=body, headers=headers)

    # --- the credit bureau and partner lenders ---

    def credit_report(self, borrower_id: str) -> Doc:
        """Return what the bureau has published about a borrower's loans, at least a day behind the books.

        Returns {borrower_id, as_of, version, accounts}. Refused with `borrower_unknown`.
        """
        return self._get(f"/bureau/borrowers/{_part(borrower_id)}/report")

    def credit_score(self, borrower_id: str, *, transaction_id: str | None = None) -> Doc:
        """Return the credit score. Under a `transaction_id` the first answer is repeated for 24 hours.

        Returns {borrower_id, score, transaction_id, answered_at, refreshed_at, next_refresh}. Refused with
        `borrower_unknown`.
        """
        return self._get(f"/bureau/borrowers/{_part(borrower_id)}/score", {"transaction_id": transaction_id})

    def inquiries(self, borrower_id: str) -> Doc:
        """Return who has queried the bureau about a borrower, and the answers: {borrower_id, scores, applications}.

        Refused with `borrower_unknown`.
        """
        return self._get(f"/bureau/borrowers/{_part(borrower_id)}/inquiries")

    def bureau_records(self, loan_id: str) -> Doc:
        """Return every bureau record of a loan, with its state: {loan_id, records}. Refused with `loan_unknown`."""
        return self._get(f"/bureau/loans/{_part(loan_id)}/records")

    def bureau_submission(self, date: str, *, limit: int | None = None, cursor: str | None = None) -> Doc:
        """Return the file that was submitted for a day, with its hash: {date, count, sha256, lines, next_cursor}.

        Refused with `submission_unknown`.
        """
        return self._get(f"/bureau/submissions/{_part(date)}", {"limit": limit, "cursor": cursor})

    def lenders(self) -> Doc:
        """Return the partner lenders with their decision rules: {lenders: [...]}."""
        return self._get("/bureau/lenders")

    def apply(
        self,
        lender: str,
        borrower_id: str,
        product: str,
        amount_minor: int,
        *,
        refresh: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Apply to a partner lender, which decides by its copy of the report.

        With `refresh` it pulls a new report first. Returns {id, lender, borrower_id, product, amount_minor, decision,
        reasons, report_version, report_pulled_at, score, created_at}. Refused with `lender_unknown`,
        `borrower_unknown`, `product_not_offered`.
        """
        body = {"borrower_id": borrower_id, "product": product, "amount_minor": amount_minor, "refresh": refresh}
        return self._post(f"/bureau/lenders/{_part(lender)}/applications", body, key=idempotency_key or self.next_key())

    def lender_copy(self, lender: str, borrower_id: str) -> Doc:
        """Return the copy of a report that a lender has. Refused with `lender_unknown`, `copy_unknown`.

        Returns {lender, borrower_id, pulled_at, expires_at, report, score}.
        """
        return self._get(f"/bureau/lenders/{_part(lender)}/copies/{_part(borrower_id)}")

    # --- sandboxes and their clock ---

    def sandbox(
        self,
        *,
        seed: int,
        clock: str = "manual",
        now: str | None = None,
        speed: int | None = None,
        zone: str | None = None,
        four_eyes_above_minor: int | None = None,
        monitoring: Mapping[str, Any] | None = None,
        label: str | None = None,
        truth: str | None = None,
    ) -> Client:
        """Create a sandbox and return a client for it, with its `api_key`, `sandbox_id` and `seed`.

        `clock` is "manual" or "wall" (it runs by itself, `speed` times as fast as real time). `now` is where the clock
        starts. With `four_eyes_above_minor`, decisions of staff above that amount need a second person. `monitoring` is
        how the platform monitors itself: {enabled, tolerance_minor, net_by}. `label` is what people call it; `truth` is
        "shown" or "hidden". Refused with `too_many_sandboxes`, `too_many_clocks`.
        """
        made = self._post(
            "/-/sandboxes",
            {
                "seed": seed,
                "clock": _without_none({"mode": clock, "now": now, "speed": speed}),
                "zone": zone,
                "four_eyes_above_minor": four_eyes_above_minor,
                "monitoring": monitoring,
                "label": label,
                "truth": truth,
            },
        )
        bound = Client(
            self.base_url,
            made["api_key"],
            timeout_s=self.timeout_s,
            control_token=self._tokens["control_token"],
            operator_token=self._tokens["operator_token"],
            channel_token=self._tokens["channel_token"],
            bureau_token=self._tokens["bureau_token"],
            on_exchange=self.on_exchange,
            transport=self._transport,
        )
        bound.sandbox_id = made["id"]
        bound.seed = made["seed"]
        return bound

    def describe_sandbox(self, sandbox_id: str | None = None) -> Doc:
        """Return a sandbox, by default this client's own: {id, label, truth, seed, zone, clock, …}.

        Refused with `sandbox_unknown`. ValueError if this client has no sandbox of its own and none is named.
        """
        return self._get(f"/-/sandboxes/{_part(sandbox_id or self._own_sandbox())}")

    def change_sandbox(
        self, sandbox_id: str | None = None, *, label: str | None = None, truth: str | None = None
    ) -> Doc:
        """Change a sandbox's label, or whether it shows the truth: "shown" or "hidden". Returns the sandbox.

        By default it is this client's own. What is None stays as it is. `truth` needs the client's `control_token`.
        Refused with `sandbox_unknown`, `truth_hidden`.
        """
        path = f"/-/sandboxes/{_part(sandbox_id or self._own_sandbox())}"
        return self._call("PATCH", path, _without_none({"label": label, "truth": truth}))

    def delete_sandbox(self, sandbox_id: str | None = None) -> None:
        """Delete a sandbox and everything in it, by default this client's own.

        Refused with `sandbox_unknown`, and with `sandbox_default` for `default`.
        """
        self._call("DELETE", f"/-/sandboxes/{_part(sandbox_id or self._own_sandbox())}")

    def sandboxes(self, *, unused_for: str | None = None, limit: int | None = None, cursor: str | None = None) -> Doc:
        """Return a list page of all sandboxes with `last_used_at`: {sandboxes, next_cursor}.

        `unused_for` is an ISO 8601 duration like `P7D`: only sandboxes that were not used for that time.
        """
        return self._get("/-/sandboxes", {"unused_for": unused_for, "limit": limit, "cursor": cursor})

    def expire_sandboxes(self, unused_for: str) -> list[str]:
        """Delete the sandboxes that were not used for a time, except `default`. Returns their ids.

        `unused_for` is an ISO 8601 duration like `P7D`.
        """
        deleted: list[str] = []
        while True:
            answer = self._call("DELETE", "/-/sandboxes", query={"unused_for": unused_for})
            deleted += answer["deleted"]
            if not answer["more"]:
                return deleted

    def _own_sandbox(self) -> str:
        if self.sandbox_id is None:
            raise ValueError("this client was not made by sandbox(); pass a sandbox_id")
        return self.sandbox_id

    def staff_key(self) -> str:
        """Return the sandbox's second key, for users who must not see the answer key: it opens all planes but `/-/`."""
        return str(self._get("/-/staff-key")["staff_key"])

    def reset(self) -> Doc:
        """Empty the sandbox. The seed stays, so the same story has the same ids again. Returns the sandbox."""
        return self._post("/-/reset", {})

    def clock(self) -> Doc:
        """Return the sandbox's time and how it moves: {mode, now, moving_to, advancing, next, speed, zone}.

        `next` is what is due next, {at, kind, loan_id}; `advancing` an advance in progress, {id, from, to, now,
        released}. Either is None where there is none.
        """
        return self._get("/-/clock")

    def summary(self) -> Doc:
        """Return how the sandbox stands, in a few figures: {sandbox_id, clock, loans, in_transit, faults, alerts, …}.

        `alerts` and `last_audit` are as last seen, or None. It costs the same in any sandbox.
        """
        return self._get("/-/summary")

    def begin_audit(self) -> Doc:
        """Begin a full audit without waiting for it; if one runs, it is that one. Returns it as `audit_state` does."""
        return self._post("/-/audits", {})

    def audit_state(self, audit_id: str) -> Doc:
        """Return an audit: {id, state, at, loans, looked_at, result, problem}. Refused with `audit_unknown`.

        `state` is running, done (then `result` has what `audit` returns), failed or interrupted.
        """
        return self._get(f"/-/audits/{_part(audit_id)}")

    def live(self, since: int | None = None) -> Doc:
        """Return the sandbox second by second: {sandbox_id, alone, counted_since, rows_max, rows}.

        `since` is the `second` of the last row that is known. The process counts from the first call on.
        """
        return self._get("/-/live", None if since is None else {"since": since})

    def live_rows(self, since: int | None = None) -> Iterator[Doc]:
        """Iterate over the seconds of the sandbox, each as soon as it is over: the rows of `live`, as they come.

        `since` is the `second` of the last row that is known. It ends when the stream ends, with the sandbox or the
        server: then call it again from the last row. Refused with `too_many_streams`; `live` has the same rows.
        """
        path, query = "/-/live/stream", None if since is None else {"since": since}
        with self._send("GET", path, query=query, stream=True) as response:
            if response.status_code != 200:
                self._checked("GET", path, None, response, _document(response))
            self._checked("GET", path, None, response, {"media_type": response.headers.get("Content-Type")})
            has_id = False
            for line in response.iter_lines(chunk_size=1):
                name, _, value = line.partition(b": ")
                if name == b"data" and has_id:  # The event without an id is about the series.
                    yield json.loads(value)
                has_id = name == b"id"

    def hold_clock(self) -> Doc:
        """Stop the clock where it is: from now on it moves only by `advance`. Returns the clock."""
        return self._call("PUT", "/-/clock", {"mode": "manual"})

    def run_clock(self, *, speed: int | None = None) -> Doc:
        """Let the clock run by itself from where it is, `speed` times as fast as real time. Returns the clock."""
        return self._call("PUT", "/-/clock", {"mode": "wall", "speed": speed})

    def advance(
        self,
        by: str | int | None = None,
        *,
        to: str | None = None,
        within_s: float = ADVANCE_WITHIN_S,
        idempotency_key: str | None = None,
    ) -> Doc:
        """Move a manual clock and run everything that falls due on the way.

        `by` is an ISO 8601 duration (`PT1H`, or `P1M` by the calendar of the sandbox's zone) or a number of seconds,
        `to` a moment, or "next", when the next thing is due. Returns {now, released, released_total, released_more,
        released_by_kind}: `released` holds the first 1,000 things that ran, `released_total` and `released_by_kind`
        count all. Refused with `clock_not_manual`, `clock_backwards`, `clock_reset`, `advance_interrupted`,
        `nothing_due`.

        If it takes longer than a request may, the client looks until it is done. After `within_s` seconds it raises
        TimeoutError: the clock moves on, and `advance_state` says how far it has come. If another advance is in
        progress, the client waits for it, as long.
        """
        body = {"by": by, "to": to}
        until_s = time.monotonic() + within_s
        while True:
            wait_s = min(self.timeout_s - _ANSWER_MARGIN_S, until_s - time.monotonic())
            try:
                answer = self._post(
                    "/-/clock/advance", body, key=idempotency_key, headers={"Prefer": f"wait={max(0, int(wait_s))}"}
                )
                break
            except ProblemError as problem:
                if problem.code != "clock_advancing" or time.monotonic() >= until_s:
                    raise
            time.sleep(_LOOK_S)
        while "state" in answer:
            if answer["state"] == "done":
                done: Doc = answer["result"]
                return done
            if answer["state"] != "running":
                raise ProblemError(answer["problem"]["status"], answer["problem"])
            if time.monotonic() >= until_s:
                raise TimeoutError(f"advance {answer['id']} has come to {answer['now']}, on its way to {answer['to']}")
            time.sleep(_LOOK_S)
            answer = self.advance_state(answer["id"])
        return answer

    def start_advance(
        self, by: str | int | None = None, *, to: str | None = None, idempotency_key: str | None = None
    ) -> Doc:
        """Start an advance without waiting for it; the arguments are those of `advance`. Returns its state.

        See `advance_state`. Refused as `advance` is, and with `clock_advancing` if another one is in progress.
        """
        return self._post(
            "/-/clock/advance", {"by": by, "to": to}, key=idempotency_key, headers={"Prefer": "respond-async"}
        )

    def advance_state(self, advance_id: str) -> Doc:
        """Return an advance: {id, state, began_at, to, now, result, problem}. Refused with `advance_unknown`.

        `state` is running, done (then `result` has what `advance` returns), failed or interrupted (then `problem` says
        why). Of an interrupted advance, the clock moves on with the next one.
        """
        return self._get(f"/-/clock/advances/{_part(advance_id)}")

    def advances(self) -> list[Doc]:
        """Return the last 16 advances of the clock, newest first, each as `advance_state` does."""
        newest: list[Doc] = self._get("/-/clock/advances")["advances"]
        return newest

    def settle(self, repayment: Mapping[str, Any]) -> Doc:
        """Advance the clock by the settling delay of a repayment's channel. Returns the repayment as it is then."""
        delays_s = {channel["id"]: channel["settle_delay_s"] for channel in self.channels()["channels"]}
        self.advance(delays_s[repayment["channel"]])
        return self.repayment(repayment["id"])

    # --- scenarios ---

    def scenarios(self, *, language: str | None = None) -> Doc:
        """Return the scenarios that the server can play: {scenarios: [...]}. `language` is "en" or "zh"."""
        return self._get("/-/scenarios", {"language": language})

    def play_scenario(self, scenario: str, *, seed: int | None = None, language: str | None = None) -> Doc:
        """Begin a scenario in a new sandbox: {sandbox, run}. The steps are made with the `api_key` of that sandbox.

        Refused with `scenario_unknown`, `too_many_sandboxes`.
        """
        return self._post(f"/-/scenarios/{_part(scenario)}/runs", {"seed": seed, "language": language})

    def scenario_run(self, *, language: str | None = None) -> Doc:
        """Return the scenario that is played in this sandbox, as it stands. Refused with `run_unknown`."""
        return self._get("/-/scenarios/run", {"language": language})

    def scenario_steps(self, until: str | None = None, *, at_step: int | None = None) -> Doc:
        """Make the next step of this sandbox's scenario, or go on to the end of the "chapter", or to the "end".

        With `at_step` nothing is done unless so many steps were made. Returns the run. Refused with `run_unknown`,
        `conflict`.
        """
        return self._post("/-/scenarios/run/steps", {"until": until, "at_step": at_step})

    def make_report(self) -> Doc:
        """Make a report of this sandbox and keep it: {id, kind, title, made_at}. Refused with `truth_hidden`.

        It is about the scenario that is played here, or else about the sandbox's newest seconds.
        """
        return self._post("/-/reports", {})

    def reports(self) -> Doc:
        """Return the reports of this sandbox, the newest first: {reports, reports_max}."""
        return self._get("/-/reports")

    def report(self, report_id: str) -> Doc:
        """Return one report: {id, report}. Refused with `report_unknown`."""
        return self._get(f"/-/reports/{_part(report_id)}")

    # --- faults, the answer key, the audit ---

    def faults(self) -> Doc:
        """Return the kinds of fault, with their settings: {faults: [...]}."""
        return self._get("/-/faults")

    def fault(self, fault: str) -> Doc:
        """Return a kind of fault: its story, the JSON Schema of its settings, on what a rule may match."""
        return self._get(f"/-/faults/{_part(fault)}")

    def arm(
        self,
        fault: str,
        *,
        probability: float | None = None,
        times: int | None = None,
        match: Mapping[str, Any] | None = None,
        rule_id: str | None = None,
        activate: Mapping[str, Any] | None = None,
        select: Mapping[str, Any] | None = None,
        expect: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Armed:
        """Arm a fault. A keyword that is not listed here is a setting of the fault itself, like `lag_s=60`.

        `probability` (1 by default), `times` (at most that many injections), `match` and `rule_id` are the options of
        `mocklend faults on`. `select`, `activate` and `expect` are those of the API. The rule's id is the fault's name
        by default, so that arming a fault again replaces its rule. As a context manager it disarms the rule at the end
        of the block. Refused with `fault_unknown`, `too_many_rules`.
        """
        selection = {
            "probability": 1.0,
            **_without_none({"probability": probability, "times": times}),
            **(select or {}),
        }
        rule = {
            "fault": fault,
            "match": match,
            "activate": activate,
            "select": selection,
            "with": settings or None,
            "expect": expect,
        }
        return Armed(self, self.put_rule(rule_id or fault, rule))

    def disarm(self, rule_id: str) -> None:
        """Remove a rule. Its injections stay on the answer key. Refused with `rule_unknown`."""
        self._call("DELETE", f"/-/rules/{_part(rule_id)}")

    def put_rule(self, rule_id: str, rule: Mapping[str, Any]) -> Doc:
        """Create or replace a rule, with the fields of the API. Returns the rule, as `rule` does.

        Refused with `fault_unknown`, `too_many_rules`.
        """
        return self._call("PUT", f"/-/rules/{_part(rule_id)}", rule)

    def put_rules(self, rules: Iterable[Mapping[str, Any]]) -> Doc:
        """Create or replace several rules, each with its `id`: all of them, or none if one is wrong.

        Returns the rules: {rules: [...]}. Refused with `too_many_rules`.
        """
        return self._post("/-/rules", {"rules": list(rules)})

    def patch_rule(self, rule_id: str, **fields: Any) -> Doc:
        """Change fields of a rule, like `enabled=False`. Returns the rule. Refused with `rule_unknown`."""
        return self._call("PATCH", f"/-/rules/{_part(rule_id)}", fields)

    def rule(self, rule_id: str) -> Doc:
        """Return a rule with its counters and state. Refused with `rule_unknown`.

        Returns {id, fault, match, activate, select, with, expect, enabled, armed_at, state, evaluated, matched,
        selected, injected, lint}.
        """
        return self._get(f"/-/rules/{_part(rule_id)}")

    def rules(self) -> Doc:
        """Return all rules with their counters: {rules: [...]}."""
        return self._get("/-/rules")

    def halt(self) -> Doc:
        """Disarm all rules at once: {halted}."""
        return self._post("/-/rules/halt", {})

    def answer_key(
        self,
        *,
        status: str | None = None,
        entity: str | None = None,
        loan_id: str | None = None,
        rule: str | None = None,
        fault: str | None = None,
    ) -> Doc:
        """Return every injection: the truth, what was served, and the finding that a reconciler should report.

        Returns {entries, hint}; if the whole key is empty, `hint` says why.
        """
        filters = {"status": status, "entity": entity, "loan_id": loan_id, "rule": rule, "fault": fault}
        page = self._get("/-/answer-key", filters)
        entries, hint = page.get("entries", []), page.get("hint")
        while page.get("next_cursor"):
            page = self._get("/-/answer-key", filters | {"cursor": page["next_cursor"]})
            entries += page["entries"]
        return {"entries": entries, "hint": hint}

    def answer_key_lines(
        self, *, status: str | None = None, entity: str | None = None, loan_id: str | None = None
    ) -> Iterator[bytes]:
        """Iterate over the answer key as lines of JSON; the memory needed does not grow with the key."""
        filters = {"status": status, "entity": entity, "loan_id": loan_id, "format": "jsonl"}
        with self._send("GET", "/-/answer-key", query=filters, stream=True) as response:
            if response.status_code != 200:
                self._checked("GET", "/-/answer-key", None, response, _document(response))
            self._checked("GET", "/-/answer-key", None, response, {"media_type": response.headers.get("Content-Type")})
            yield from response.iter_lines(chunk_size=65_536)

    def score(
        self,
        findings: Iterable[Mapping[str, Any]],
        *,
        thresholds: Mapping[str, Any] | None = None,
        window: Mapping[str, str] | None = None,
        min_visible_s: int | None = None,
        checked_at: Iterable[str] | None = None,
        operators: Iterable[str] | None = None,
        listed_max: int | None = None,
        label: str | None = None,
    ) -> Doc:
        """Score a reconciler's findings against the answer key: the figures, the lists behind them, and a verdict.

        A finding needs `class` and `entity`, and may have `loan_id`, `amount_minor`, `action`, `detail`, `found_at`.
        `checked_at` are the moments of the reconciler's runs, if it ran only now and then: it is then expected to find
        what was visible at one of them. `min_visible_s` leaves out breaks that were visible for a shorter time
        (seconds). `label` says who hands in. The score is kept: see `scores`. Returns {id, label, verdict, reasons,
        hint, scored_at, window, thresholds, counts, precision, recall, f1, by_class, money, time_to_detect_s,
        time_to_repair_s, borrower_harm, lists, …}. Refused with `too_many_findings`, `truth_hidden`.
        """
        body = {
            "findings": list(findings),
            "thresholds": thresholds,
            "window": window,
            "min_visible_s": min_visible_s,
            "checked_at": None if checked_at is None else list(checked_at),
            "operators": None if operators is None else list(operators),
            "listed_max": listed_max,
            "label": label,
        }
        return self._post("/-/scores", body)

    def scores(self, *, limit: int | None = None, cursor: str | None = None) -> Doc:
        """Return a list page of the last 100 kept scores of the sandbox, newest first: {scores, next_cursor}."""
        return self._get("/-/scores", {"limit": limit, "cursor": cursor})

    # --- classes ---

    def make_class(self, name: str, **options: Any) -> Doc:
        """Make a class, a sandbox with a key for each group: {made, keys}. The keys are shown only here.

        Options are `size` or `groups`, names; `sandbox_id`, of which each gets a copy, by default this client's own; or
        `scenario` with `chapter`, `seeds` ("same" or "own"), `seed` and `language`. Refused with `too_many_classes`,
        `class_too_large`, `scenario_unknown`, `sandbox_unknown`, `too_many_sandboxes`.
        """
        return self._post("/-/classes", {"name": name, **options})

    def classes(self) -> Doc:
        """Return all classes, newest first: {classes}, each {id, name, state, …} without its groups."""
        return self._get("/-/classes")

    def class_progress(self, class_id: str, *, order: str | None = None) -> Doc:
        """Return a class: {…, figures, clock, groups, missed}; the groups by `order` "number" or "score".

        Refused with `class_unknown`, as are all that take a `class_id`.
        """
        return self._get(f"/-/classes/{_part(class_id)}", {"order": order})

    def move_class(self, class_id: str, by: str | int | None = None, *, to: str | None = None) -> Doc:
        """Move the clocks of all groups to one moment. Returns the class; its `clock` says how many have arrived.

        `to="next"` is when the next thing is due in any of their sandboxes. Refused with `class_not_ready`,
        `clock_backwards`, `nothing_due`.
        """
        return self._post(f"/-/classes/{_part(class_id)}/clock", {"by": by, "to": to})

    def reveal_class(self, class_id: str) -> Doc:
        """End a class and reveal the truth to its groups. Returns the class. Refused with `class_not_ready`."""
        return self._post(f"/-/classes/{_part(class_id)}/reveal", {})

    def new_class_keys(self, class_id: str) -> Doc:
        """Make a new key for each group, since none can be read again: {keys}. Refused with `class_not_ready`."""
        return self._post(f"/-/classes/{_part(class_id)}/keys", {})

    def class_csv(self, class_id: str) -> bytes:
        """Return the groups of a class as CSV."""
        return self._file(f"/-/classes/{_part(class_id)}/csv")

    def delete_class(self, class_id: str) -> None:
        """Delete a class with the sandboxes of its groups. Refused with `class_not_ready`."""
        self._call("DELETE", f"/-/classes/{_part(class_id)}")

    def kept_score(self, score_id: str) -> Doc:
        """Return a kept score as `score` did, with the first 50 items of each list. Refused with `score_unknown`."""
        return self._get(f"/-/scores/{_part(score_id)}")

    def profiles(self) -> Doc:
        """Return the profiles, which are named sets of rules: {profiles: [...]}."""
        return self._get("/-/profiles")

    def profile(self) -> Doc:
        """Return the current profile: {name, rules}."""
        return self._get("/-/profile")

    def put_profile(self, name: str) -> Doc:
        """Switch to a profile, like `realistic`; `none` disarms its rules. Returns {name, rules}.

        Rules that were armed otherwise stay. Refused with `profile_unknown`, `too_many_rules`.
        """
        return self._call("PUT", "/-/profile", {"name": name})

    def experiments(self) -> Doc:
        """Return the experiments with their current stages: {experiments: [...]}."""
        return self._get("/-/experiments")

    def experiment(self, experiment_id: str) -> Doc:
        """Return an experiment: {id, running, stages}. Refused with `experiment_unknown`."""
        return self._get(f"/-/experiments/{_part(experiment_id)}")

    def put_experiment(self, experiment_id: str, stages: Sequence[Mapping[str, Any]]) -> Doc:
        """Start an experiment: stages that follow each other on the sandbox's clock.

        Each stage has its rules or its profile. Returns {id, running, stages}. Refused with `profile_unknown`,
        `fault_unknown`, `too_many_rules`, `too_many_experiments`.
        """
        return self._call("PUT", f"/-/experiments/{_part(experiment_id)}", {"stages": list(stages)})

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment and its rules. Refused with `experiment_unknown`."""
        self._call("DELETE", f"/-/experiments/{_part(experiment_id)}")

    def explain(
        self,
        entity: str | None = None,
        *,
        loan_id: str | None = None,
        request_id: str | None = None,
        rule: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
    ) -> Doc:
        """Return why each rule fired, or did not, on the events of an entity, a loan, a request or a rule.

        `outcome` leaves only events on which a rule had it, `limit` only the newest of each rule. `Exchange`,
        `ProblemError` and `requests_made` have the id of a request. Returns {rules, events_known, events_kept_max}.
        """
        query = {"entity": entity, "loan_id": loan_id, "request_id": request_id}
        return self._get("/-/explain", {**query, "rule": rule, "outcome": outcome, "limit": limit})

    def audit(self, *, since: str | None = None, loan_id: str | None = None) -> Doc:
        """Compare world, books and views: every discrepancy, and the injection that explains it.

        Returns {now, clean, loans, discrepancies, in_transit, invariants, unobserved, mark, since, looked_at}. With
        `since`, the `mark` of an earlier audit, it looks only at the loans that have changed, or whose time has come,
        since then, and at what belongs to no loan: `merged_audits` makes a whole audit of the two. Refused with
        `mark_unknown`, or `mark_too_old` after more than a million changes. With `loan_id` it looks only at that loan.
        """
        return self._get("/-/audit", {"since": since, "loan_id": loan_id})

    def health(self) -> Doc:
        """Return whether the server runs: {status, writes, writes_wait_ms, version, engine, layer}."""
        return self._get("/-/health")

    def requests_made(self) -> Doc:
        """Return the requests of this sandbox in order: {complete, requests_max, starts, now, requests}.

        `mocklend scenario save` makes a scenario of them.
        """
        return self._get("/-/requests")

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None
    ) -> Doc:
        """Make any call of the API, for those without a method here.

        `path` begins with one `/`, else ValueError.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        return self._call(method, path, body, headers=headers)

    # --- HTTP ---

    def _file(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        """Return the bytes of an answer that is not JSON."""
        response = self._send("GET", path, query=query)
        if response.status_code != 200:
            self._checked("GET", path, None, response, _document(response))
        self._checked("GET", path, None, response, {"media_type": response.headers.get("Content-Type")})
        return response.content

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Doc:
        return self._call("GET", path, query=query)

    def _post(
        self, path: str, body: Mapping[str, Any], *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Doc:
        keyed = {"Idempotency-Key": key} if key else {}
        return self._call("POST", path, body, headers={**keyed, **(headers or {})})

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Doc:
        payload = None if body is None else _without_none(body)
        response = self._send(method, path, payload, query=query, raw=raw, headers=headers)
        return self._checked(method, path, payload, response, _document(response))

    def _send(
        self,
        method: str,
        path: str,
        payload: Doc | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        if not _PATH.fullmatch(path):
            raise ValueError(f"{path[:80]!r} is not a path of the server: expected one / first, and no blanks")
        return self._session.request(
            method,
            self.base_url + path,
            params=_without_none(query or {}),
            json=payload,
            data=raw,
            headers=dict(headers or {}),
            timeout=self.timeout_s,
            allow_redirects=False,
            stream=stream,
        )

    def _checked(self, method: str, path: str, payload: Doc | None, response: requests.Response, answer: Doc) -> Doc:
        """Pass the exchange to `on_exchange`; then return the answer, or raise the problem that it is."""
        request_id = response.headers.get("Mocklend-Request-Id")
        if self.on_exchange is not None:
            sent_url = urlsplit(response.request.url or path)
            full_path = f"{path}?{sent_url.query}" if sent_url.query else path
            self.on_exchange(Exchange(method, full_path, payload, response.status_code, answer, request_id))
        if response.status_code >= 300:
            raise ProblemError(response.status_code, answer, request_id)
        return answer


def merged_audits(before: Doc, after: Doc) -> Doc:
    """Merge a whole audit with a later one that continues it: what a full audit at the time of the later one answers.

    `before` is a full audit or the result of this function, and `after` the answer to `since=before["mark"]`. Raises
    ValueError if `after` does not continue `before`. The order of what is in transit may be another one, and
    `unobserved` is empty: an audit that continues another does not look for entries without a discrepancy.
    """
    if after["since"] != before["mark"] or before["looked_at"] is not None:
        raise ValueError("the later audit does not continue the earlier one")
    looked_at = set(after["looked_at"])

    def still(items: Iterable[Doc]) -> list[Doc]:
        return [item for item in items if item["loan_id"] and item["loan_id"] not in looked_at]

    discrepancies = still(before["discrepancies"]) + after["discrepancies"]
    discrepancies.sort(key=lambda found: (found["loan_id"] or "", found["class"], found["entity"]))
    now = datetime.fromisoformat(after["now"])
    in_transit = [
        {**item, "age_s": max(0, int((now - datetime.fromisoformat(item["since"])).total_seconds()))}
        for item in still(before["in_transit"])
    ]
    violations: dict[str, list[str]] = {}
    for found in discrepancies:
        if found["class"] in ("books_invariant", "world_invariant"):
            name, _, detail = found["detail"].partition(": ")
            violations.setdefault(name, []).append(detail)
    return {
        **after,
        "clean": not discrepancies,
        "discrepancies": discrepancies,
        "in_transit": in_transit + after["in_transit"],
        "invariants": [
            {**each, "holds": each["name"] not in violations, "detail": violations.get(each["name"], [])}
            for each in after["invariants"]
        ],
        "since": None,
        "looked_at": None,
    }


def _host_of(url: str) -> str:
    """Return the host of a server's address. ValueError if it is not an HTTP address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host.encode("idna")
        is_address = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except (ValueError, UnicodeError):
        is_address = False
    if not is_address or re.search(r"[@?#\\\s\x00-\x20\x7f]", url):
        shown = "the address" if "@" in url else repr(url[:80])  # It may contain a password.
        raise ValueError(f"{shown} is not an address of a server: expected one like {DEFAULT_URL}")
    return host


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _document(response: requests.Response) -> Doc:
    """Return the answer as an object. Any other answer did not come from the platform: ProblemError."""
    if response.status_code == 204 or not response.content:
        return {}
    try:
        document = response.json()
    except requests.JSONDecodeError:
        document = None
    if isinstance(document, dict):
        return document
    raise ProblemError(
        response.status_code,
        {
            "code": "answer_not_understood",
            "title": "The answer is not a JSON object.",
            "detail": f"{response.request.method} {response.url} answered {response.text[:80]!r}",
            "hint": "Check that the address is Mocklend's, and which proxy is in between.",
        },
    )


def _without_none(fields: Mapping[str, Any]) -> Doc:
    """Return the fields that are not None: defaults are the platform's."""
    return {name: value for name, value in fields.items() if value is not None}


def _part(id: str) -> str:
    """Escape a segment of a path."""
    return quoted(id, safe="")


def fresh_key() -> str:
    """Return a new idempotency key."""
    return str(uuid.uuid4())


def numbered_keys() -> Callable[[], str]:
    """Return keys `call-1`, `call-2`, …, for a client whose sandbox has no other writer.

    Ids are derived from keys, and chance from ids: the same calls have the same ids and meet the same faults.
    """
    numbers = count(1)
    return lambda: f"call-{next(numbers)}"

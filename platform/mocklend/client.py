"""A client for Mocklend: one short method for each call of the contract, plain dicts back.

        client = Client("http://127.0.0.1:8300").sandbox(seed=7)
        ada = client.add_borrower("ada", "Ada")
        loan = client.borrow(ada["id"], 100_000, product_id="jiebei-like")

A refusal raises `ProblemError` with what was expected and what to do. A call that gets no answer raises what
requests raises: whether it took effect is then *unknown*, and the safe thing is the same call with the same
`idempotency_key`. Use one client in one thread.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote as quoted
from urllib.parse import urlsplit

import requests

# pytest leaves the frames of this module out: a refusal is shown at the caller's own line.
__tracebackhide__ = True

DEFAULT_URL = "http://127.0.0.1:8300"
START = "2026-01-05T02:00:00Z"
"""Where the clock of a sandbox to try things out in starts: at 10:00 on a Monday in Shanghai."""
_PATH = re.compile(r"/(?!/)[^\s\\\x00-\x20\x7f]*")
"""A path of the server: with another beginning it could name another host."""

_PAGE_MAX = 500
_LISTS: Mapping[str, str] = {
    "loans": "loans",
    "repayments": "repayments",
    "disputes": "disputes",
    "all_edits": "edits",
    "receipts": "receipts",
    "alerts": "alerts",
    "transactions": "transactions",
    "sandboxes": "sandboxes",
}
"""The methods that answer a page of a list, and what it is called there."""

Doc = dict[str, Any]
"""A JSON object as the platform sent it; money in it is a `*_minor` integer."""


class ProblemError(Exception):
    """The platform said no. `document` is its whole RFC 9457 answer, `request_id` what it calls the request."""

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
    """One request and its answer, as they went over the wire."""

    method: str
    path: str
    body: Doc | None
    status: int
    answer: Doc
    request_id: str | None = None


class Armed(dict[str, Any]):
    """The rule that `arm` has made, as the platform sent it; and a block at whose end it is disarmed.

            with client.arm("transport.latency", probability=0.1, times=3) as rule:
                ...
            assert rule["injected"] == 3  # after the block the counters are those of its end

    Without `with` it is a plain document, and the rule stays armed.
    """

    def __init__(self, client: Client, rule: Mapping[str, Any]) -> None:
        super().__init__(rule)
        self._client = client

    def refresh(self) -> Self:
        """Read the rule again: its counters and its state as they are now. A rule that is gone is refused."""
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
            # It may be gone by now: disarmed, halted, replaced by a block within this one, or its sandbox deleted.
            gone = isinstance(failure, ProblemError) and failure.code in ("rule_unknown", "credential_invalid")
            # Where an exception ended the block, that one is the news.
            if error is None and not gone:
                raise


class Client:
    """The platform as seen by one sandbox's key; without a key, on loopback, by the `default` sandbox.

    It asks `base_url` and nobody else: no answer leads it elsewhere, and neither does a path. ValueError where
    `base_url` is no address, or a key or token cannot stand in a header.

    The tokens are needed only where the server is not on loopback. `on_exchange` hears each request and answer.
    Calls that move money carry a fresh idempotency key of `next_key` where the caller gives none.
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
                raise ValueError(f"the {name} is not one: expected printable ASCII characters")
        self._session = requests.Session()
        # A proxy from the environment must not come between a test and its own machine.
        self._session.trust_env = not _is_loopback(host)
        self._session.auth = self._sign  # Ours, so that a .netrc cannot replace the key.

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
        """Close the connections."""
        self._session.close()

    # --- borrowing ---

    def add_borrower(self, reference: str, name: str, *, credit_limit_minor: int | None = None) -> Doc:
        """Make a borrower, or get the one that the same call made before."""
        return self._post(
            "/v1/borrowers", {"reference": reference, "name": name, "credit_limit_minor": credit_limit_minor}
        )

    def borrower(self, borrower_id: str) -> Doc:
        """One borrower."""
        return self._get(f"/v1/borrowers/{_part(borrower_id)}")

    def products(self) -> Doc:
        """The products that ship, with every field."""
        return self._get("/v1/products")

    def schedule(self, principal_minor: int, start_date: str, product: Doc, *, currency: str | None = None) -> Doc:
        """A trial schedule; nothing is stored."""
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
        """Take out a loan on a product by id, or on a product's own fields."""
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
        """The status page. It may lie: `version` and `as_of` say how old it is."""
        return self._get(f"/v1/loans/{_part(loan_id)}")

    def loans(
        self,
        *,
        borrower_id: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Doc:
        """A page of loans, 50 unless told otherwise, and the `next_cursor`; `every("loans")` has them all."""
        return self._get("/v1/loans", {"borrower_id": borrower_id, "status": status, "limit": limit, "cursor": cursor})

    def every(self, what: str, *given: Any, **asked: Any) -> Iterator[Doc]:
        """All of a list, page after page: `every("loans", status="USING")`, `every("repayments", loan_id)`.

        `what` is one of loans, repayments, disputes, all_edits, receipts, alerts, transactions and sandboxes; else
        ValueError.
        """
        if what not in _LISTS:
            raise ValueError(f"{what!r} is no list; known: {', '.join(_LISTS)}")
        asked = {"limit": _PAGE_MAX} | asked
        while True:
            page = getattr(self, what)(*given, **asked)
            yield from page[_LISTS[what]]
            if page["next_cursor"] is None:
                return
            asked["cursor"] = page["next_cursor"]

    def instalments(self, loan_id: str) -> Doc:
        """What is due when, and what of it is paid."""
        return self._get(f"/v1/loans/{_part(loan_id)}/instalments")

    # --- repaying ---

    def quote(self, loan_id: str, type: str = "CLEAR", *, date: str | None = None) -> Doc:
        """What settles the loan (`CLEAR`), or what is overdue and current (`OVD_AND_CURRENT`)."""
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
        """Order a repayment. It is only PROCESSING: the channel takes its time, then tells the platform."""
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
        """Order a repayment of exactly what a quote says."""
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
        """A repayment as the platform knows it."""
        return self._get(f"/v1/repayments/{_part(repayment_id)}")

    def repayments(self, loan_id: str, *, limit: int | None = None, cursor: str | None = None) -> Doc:
        """A page of a loan's repayments and the `next_cursor`."""
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
        """Dispute what is said of a loan. A piece of evidence is `{kind, channel, amount_minor, paid_at, …}`."""
        body = {"loan_id": loan_id, "claim": claim, "statement": statement, "evidence": evidence}
        return self._post("/v1/disputes", body, key=idempotency_key or self.next_key())

    def dispute(self, dispute_id: str) -> Doc:
        """A dispute, its findings and its progress."""
        return self._get(f"/v1/disputes/{_part(dispute_id)}")

    def disputes(
        self,
        *,
        loan_id: str | None = None,
        state: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Doc:
        """A page of disputes and the `next_cursor`."""
        return self._get("/v1/disputes", {"loan_id": loan_id, "state": state, "limit": limit, "cursor": cursor})

    def add_dispute_statement(self, dispute_id: str, statement: str, *, idempotency_key: str | None = None) -> Doc:
        """Put on record that a rejection is not agreed with."""
        path = f"/v1/disputes/{_part(dispute_id)}/statement"
        return self._post(path, {"statement": statement}, key=idempotency_key or self.next_key())

    def issue_certificate(self, loan_id: str) -> Doc:
        """The loan's settlement certificate; refused unless the books say CLEAR."""
        return self._post(f"/v1/loans/{_part(loan_id)}/certificates", {})

    def certificate(self, certificate_id: str) -> Doc:
        """A certificate, and whether the books have moved on since it was issued."""
        return self._get(f"/v1/certificates/{_part(certificate_id)}")

    # --- the journal and webhooks ---

    def transactions(self, *, loan_id: str | None = None, cursor: str | None = None, limit: int | None = None) -> Doc:
        """A page of the journal and the `next_cursor`, which is the next `cursor`."""
        return self._get("/v1/ledger/transactions", {"loan_id": loan_id, "cursor": cursor, "limit": limit})

    def beancount(self) -> str:
        """The whole journal as a Beancount file, with the platform's balances as assertions."""
        return self._file("/v1/ledger/beancount").decode()

    def add_webhook_endpoint(self, url: str, events: list[str] | None = None, profile: str = "standard") -> Doc:
        """Have events sent to a URL. The answer holds the secret that they are signed with."""
        return self._post("/v1/webhook-endpoints", {"url": url, "events": events or ["*"], "profile": profile})

    def webhook_endpoints(self) -> Doc:
        """The endpoints there are."""
        return self._get("/v1/webhook-endpoints")

    def webhooks(
        self, endpoint_id: str, *, state: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Doc:
        """A page of the messages to an endpoint, each with what came of its attempts, and the `next_cursor`."""
        path = f"/v1/webhook-endpoints/{_part(endpoint_id)}/webhooks"
        return self._get(path, {"state": state, "cursor": cursor, "limit": limit})

    def remove_webhook_endpoint(self, endpoint_id: str) -> None:
        """Send nothing more there."""
        self._call("DELETE", f"/v1/webhook-endpoints/{_part(endpoint_id)}")

    # --- what the operator sees and does ---

    def books(self, loan_id: str) -> Doc:
        """The loan as the books have it, never cached."""
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
        """Change a bill: a relative amount, or a status."""
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
        """The edits of a loan."""
        return self._get(f"/operator/loans/{_part(loan_id)}/edits")

    def reverse_edit(self, edit_id: str, *, operator: str, memo: str, idempotency_key: str | None = None) -> Doc:
        """Take an edit back."""
        path = f"/operator/edits/{_part(edit_id)}/reverse"
        return self._post(path, {"memo": memo, "operator": operator}, key=idempotency_key or self.next_key())

    def refresh_page(self, loan_id: str, *, operator: str, memo: str) -> Doc:
        """Have a loan's page made anew from the books: the repair of a page that stays behind them."""
        return self._post(f"/operator/loans/{_part(loan_id)}/refresh", {"memo": memo, "operator": operator})

    def catch_up(self, loan_id: str, *, operator: str, memo: str) -> Doc:
        """Bring a loan up to the day that a nightly run has left out."""
        return self._post(f"/operator/loans/{_part(loan_id)}/catch-up", {"memo": memo, "operator": operator})

    def reverse_repayment(
        self, repayment_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Take a repayment off the loan; later ones are replayed."""
        path = f"/operator/repayments/{_part(repayment_id)}/reverse"
        return self._post(path, {"memo": memo, "operator": operator}, key=idempotency_key or self.next_key())

    def query_repayment(self, repayment_id: str, *, operator: str, idempotency_key: str | None = None) -> Doc:
        """Ask the channel for an order and apply what it says: the repair of a callback that never came."""
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
        """Charge a `fee` or a `penalty` that falls due on a day."""
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
        """Waive part of what is owed: `fee`, `interest` or `penalty`."""
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
        """Give up all that is owed. Later repayments are recoveries."""
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
        """Pay back what is overpaid, all of it by default. The channel takes its time: see `payouts`."""
        body = {"channel": channel, "amount_minor": amount_minor}
        return self._decide(loan_id, "refunds", body, operator, memo, approver, idempotency_key)

    def _decide(
        self, loan_id: str, what: str, body: Doc, operator: str, memo: str, approver: str | None, key: str | None
    ) -> Doc:
        signed = {**body, "memo": memo, "operator": operator, "approver": approver}
        return self._post(f"/operator/loans/{_part(loan_id)}/{what}", signed, key=key or self.next_key())

    def payouts(self, loan_id: str) -> Doc:
        """What was paid out on a loan, or is about to be."""
        return self._get(f"/operator/loans/{_part(loan_id)}/payouts")

    def operator_log(self, loan_id: str) -> Doc:
        """What staff did to a loan: who, why, and the bill before and after."""
        return self._get(f"/operator/loans/{_part(loan_id)}/log")

    def all_edits(self, *, state: str | None = None, limit: int | None = None, cursor: str | None = None) -> Doc:
        """A page of the edits of all loans; `state="DRAFT"` is what waits for a second person."""
        return self._get("/operator/edits", {"state": state, "limit": limit, "cursor": cursor})

    def edit_by_id(self, edit_id: str) -> Doc:
        """One edit."""
        return self._get(f"/operator/edits/{_part(edit_id)}")

    def approve_edit(self, edit_id: str, *, approver: str, idempotency_key: str | None = None) -> Doc:
        """Put a draft on the books; the approver is not its operator."""
        path = f"/operator/edits/{_part(edit_id)}/approve"
        return self._post(path, {"approver": approver}, key=idempotency_key or self.next_key())

    def reject_edit(self, edit_id: str, *, operator: str, memo: str, idempotency_key: str | None = None) -> Doc:
        """Drop a draft."""
        path = f"/operator/edits/{_part(edit_id)}/reject"
        return self._post(path, {"memo": memo, "operator": operator}, key=idempotency_key or self.next_key())

    def receipts(self, *, state: str | None = None, limit: int | None = None, cursor: str | None = None) -> Doc:
        """Money that came without an order: `state="UNAPPLIED"` is what waits to be matched."""
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
        """A page of what the platform's own monitoring has to say now, and the `next_cursor`."""
        asked = {"class": finding_class, "check": check, "loan_id": loan_id, "limit": limit, "cursor": cursor}
        return self._get("/operator/alerts", asked)

    def query_payment(
        self, channel: str, out_trade_no: str, *, operator: str, idempotency_key: str | None = None
    ) -> Doc:
        """Ask a channel for a push payment whose callback never came, and take it onto the books."""
        body = {"channel": channel, "out_trade_no": out_trade_no, "operator": operator}
        return self._post("/operator/receipts/query", body, key=idempotency_key or self.next_key())

    def match_receipt(
        self, receipt_id: str, loan_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Put an unapplied receipt on a loan, effective on the day on which the channel was paid."""
        body = {"loan_id": loan_id, "memo": memo, "operator": operator}
        path = f"/operator/receipts/{_part(receipt_id)}/match"
        return self._post(path, body, key=idempotency_key or self.next_key())

    def reverse_receipt(self, receipt_id: str, *, operator: str, memo: str, idempotency_key: str | None = None) -> Doc:
        """Take back a receipt that was posted beside an order's own."""
        path = f"/operator/receipts/{_part(receipt_id)}/reverse"
        return self._post(path, {"memo": memo, "operator": operator}, key=idempotency_key or self.next_key())

    def reinstate_repayment(
        self, repayment_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Take the reversal of a repayment back: it counts again, from the channel's day on."""
        path = f"/operator/repayments/{_part(repayment_id)}/reinstate"
        return self._post(path, {"operator": operator, "memo": memo}, key=idempotency_key or self.next_key())

    def rebook_repayment(
        self, repayment_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Book a repayment anew, as was ordered and when its channel was paid."""
        path = f"/operator/repayments/{_part(repayment_id)}/rebook"
        return self._post(path, {"operator": operator, "memo": memo}, key=idempotency_key or self.next_key())

    def move_receipt(
        self, receipt_id: str, loan_id: str, *, operator: str, memo: str, idempotency_key: str | None = None
    ) -> Doc:
        """Take a receipt off the loan that it was matched to by mistake, and put it on another."""
        body = {"loan_id": loan_id, "memo": memo, "operator": operator}
        path = f"/operator/receipts/{_part(receipt_id)}/move"
        return self._post(path, body, key=idempotency_key or self.next_key())

    def verify_dispute(self, dispute_id: str, *, operator: str, idempotency_key: str | None = None) -> Doc:
        """Hold each piece of evidence against the channel's record and the books."""
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
        """Answer a dispute: UPHELD, REJECTED or UNVERIFIABLE. What is upheld is corrected and compensated if asked."""
        body = {
            "decision": decision,
            "memo": memo,
            "operator": operator,
            "correct": correct,
            "compensation_minor": compensation_minor,
        }
        path = f"/operator/disputes/{_part(dispute_id)}/decide"
        return self._post(path, body, key=idempotency_key or self.next_key())

    # --- what the channels say ---

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
        """Pay at a channel without an order, as through bill-pay: all that tells whose it is, is what was typed."""
        body = {
            "amount_minor": amount_minor,
            "currency": currency,
            "payer_name": payer_name,
            "payer_reference": payer_reference,
            "type": type,
        }
        return self._post(f"/channels/{_part(channel)}/payments", body, key=idempotency_key or self.next_key())

    def channels(self) -> Doc:
        """The channels, with their settling delays and callback profiles."""
        return self._get("/channels")

    def trade(self, channel: str, out_trade_no: str) -> Doc:
        """The channel's own record of an order."""
        return self._get(f"/channels/{_part(channel)}/trades/{_part(out_trade_no)}")

    def return_payment(self, channel: str, out_trade_no: str, *, idempotency_key: str | None = None) -> Doc:
        """Let a channel take back money that it had reported as paid; its callback tells the platform."""
        path = f"/channels/{_part(channel)}/trades/{_part(out_trade_no)}/return"
        return self._post(path, {}, key=idempotency_key or self.next_key())

    def fail_payout(self, channel: str, payout_id: str, *, idempotency_key: str | None = None) -> Doc:
        """Let the payout of a loan fail for good; the loan is FAILED. See `payouts` for its id."""
        path = f"/channels/{_part(channel)}/payouts/{_part(payout_id)}/failure"
        return self._post(path, {}, key=idempotency_key or self.next_key())

    def callback(self, channel: str, out_trade_no: str) -> Doc:
        """The channel's delivery log of an order's callback."""
        return self._get(f"/channels/{_part(channel)}/callbacks/{_part(out_trade_no)}")

    def statement_formats(self, channel: str) -> Doc:
        """The formats of a channel's statements, when its day ends and when the statement of one is ready."""
        return self._get(f"/channels/{_part(channel)}/statements")

    def statement(self, channel: str, date: str, *, format: str | None = None, currency: str | None = None) -> bytes:
        """A channel's statement of a day, byte by byte as the channel made it."""
        path = f"/channels/{_part(channel)}/statements/{_part(date)}"
        return self._file(path, {"format": format, "currency": currency})

    def remake_statement(self, channel: str, date: str, *, currency: str = "CNY") -> Doc:
        """Ask a channel to make its file of a day again, where the last one was late, cut short or spoiled."""
        path = f"/channels/{_part(channel)}/statements/{_part(date)}/remake"
        return self._post(path, {"currency": currency})

    def send_callback(self, channel: str, body: bytes, headers: Mapping[str, str]) -> Doc:
        """Deliver a callback as a channel would, signed by the caller: for those who simulate one."""
        return self._call("POST", f"/v1/callbacks/{_part(channel)}", raw=body, headers=headers)

    # --- what the credit bureau says, and partner lenders do ---

    def credit_report(self, borrower_id: str) -> Doc:
        """What is published of a borrower's loans: at least a day behind the books."""
        return self._get(f"/bureau/borrowers/{_part(borrower_id)}/report")

    def credit_score(self, borrower_id: str, *, transaction_id: str | None = None) -> Doc:
        """The score. Under a `transaction_id` the first answer is repeated for 24 hours."""
        return self._get(f"/bureau/borrowers/{_part(borrower_id)}/score", {"transaction_id": transaction_id})

    def inquiries(self, borrower_id: str) -> Doc:
        """Who asked the bureau about somebody, and what they were told."""
        return self._get(f"/bureau/borrowers/{_part(borrower_id)}/inquiries")

    def bureau_records(self, loan_id: str) -> Doc:
        """Everything that was reported of a loan, and how far each record has come."""
        return self._get(f"/bureau/loans/{_part(loan_id)}/records")

    def bureau_submission(self, date: str, *, limit: int | None = None, cursor: str | None = None) -> Doc:
        """The file that was submitted of a day, with its hash."""
        return self._get(f"/bureau/submissions/{_part(date)}", {"limit": limit, "cursor": cursor})

    def lenders(self) -> Doc:
        """The partner lenders, with the rules that they decide by."""
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
        """Apply to a partner lender, which decides by its copy of the report; `refresh` has it pull a new one."""
        body = {"borrower_id": borrower_id, "product": product, "amount_minor": amount_minor, "refresh": refresh}
        return self._post(f"/bureau/lenders/{_part(lender)}/applications", body, key=idempotency_key or self.next_key())

    def lender_copy(self, lender: str, borrower_id: str) -> Doc:
        """The copy of a report that a lender keeps."""
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
    ) -> Client:
        """A client bound to a new sandbox of its own.

        With `four_eyes_above_minor`, what staff decide above that amount waits for a second person.
        `monitoring` is how the platform watches itself: {enabled, tolerance_minor, net_by}.
        """
        made = self._post(
            "/-/sandboxes",
            {
                "seed": seed,
                "clock": _given({"mode": clock, "now": now, "speed": speed}),
                "zone": zone,
                "four_eyes_above_minor": four_eyes_above_minor,
                "monitoring": monitoring,
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
        )
        bound.sandbox_id = made["id"]
        bound.seed = made["seed"]
        return bound

    def describe_sandbox(self, sandbox_id: str | None = None) -> Doc:
        """A sandbox's seed, clock and zone; by default this client's own."""
        return self._get(f"/-/sandboxes/{_part(sandbox_id or self._own_sandbox())}")

    def delete_sandbox(self, sandbox_id: str | None = None) -> None:
        """Remove a sandbox and all that is in it, by default this client's own. `default` itself cannot be removed."""
        self._call("DELETE", f"/-/sandboxes/{_part(sandbox_id or self._own_sandbox())}")

    def sandboxes(self, *, unused_for: str | None = None, limit: int | None = None, cursor: str | None = None) -> Doc:
        """A page of all sandboxes, with `last_used_at`; of those that nobody has used for so long, like `P7D`."""
        return self._get("/-/sandboxes", {"unused_for": unused_for, "limit": limit, "cursor": cursor})

    def expire_sandboxes(self, unused_for: str) -> list[str]:
        """Delete the sandboxes that nobody has used for so long, like `P7D`; `default` stays. Returns their ids."""
        gone: list[str] = []
        while True:
            answer = self._call("DELETE", "/-/sandboxes", query={"unused_for": unused_for})
            gone += answer["deleted"]
            if not answer["more"]:
                return gone

    def _own_sandbox(self) -> str:
        if self.sandbox_id is None:
            raise ValueError("this client was not made by sandbox(); say which sandbox_id is meant")
        return self.sandbox_id

    def staff_key(self) -> str:
        """The sandbox's second key, for whoever may not see the answer key: it opens all planes but `/-/`."""
        return str(self._get("/-/staff-key")["staff_key"])

    def reset(self) -> Doc:
        """Empty the sandbox. The seed stays, so ids repeat."""
        return self._post("/-/reset", {})

    def clock(self) -> Doc:
        """What time the sandbox has, and how it moves."""
        return self._get("/-/clock")

    def hold_clock(self) -> Doc:
        """Let the clock stand where it is: from now on it moves only when told."""
        return self._call("PUT", "/-/clock", {"mode": "manual"})

    def run_clock(self, *, speed: int | None = None) -> Doc:
        """Let the clock run on by itself from where it is, so many times as fast as real time."""
        return self._call("PUT", "/-/clock", {"mode": "wall", "speed": speed})

    def advance(self, by: str | int | None = None, *, to: str | None = None) -> Doc:
        """Move a manual clock by an ISO 8601 duration (`PT1H`) or seconds, or to a moment; what fell due.

        `released` holds the first 1,000 things; `released_total` and `released_by_kind` count all.
        """
        return self._post("/-/clock/advance", {"by": by, "to": to})

    def settle(self, repayment: Mapping[str, Any]) -> Doc:
        """Let a repayment's channel finish: advance by its settling delay. The repayment as then known."""
        delays_s = {channel["id"]: channel["settle_delay_s"] for channel in self.channels()["channels"]}
        self.advance(delays_s[repayment["channel"]])
        return self.repayment(repayment["id"])

    # --- faults, the answer key, the audit ---

    def faults(self) -> Doc:
        """The kinds of fault there are, with their settings."""
        return self._get("/-/faults")

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
        """Arm a fault. What is not named here is a setting of the fault itself, like `lag_s=60`.

        `probability` (1 unless given), `times` (at most so many injections), `match` and `rule_id` are the options of
        `mocklend faults on`; `select` says how often in full, as the contract has it. The rule's id is the fault's
        name unless given, so that arming a fault again replaces its rule. As a context manager it disarms the rule at
        the end of the block.
        """
        chosen = {"probability": 1.0, **_given({"probability": probability, "times": times}), **(select or {})}
        rule = {
            "fault": fault,
            "match": match,
            "activate": activate,
            "select": chosen,
            "with": settings or None,
            "expect": expect,
        }
        return Armed(self, self.put_rule(rule_id or fault, rule))

    def disarm(self, rule_id: str) -> None:
        """Remove a rule. What it did stays on the answer key."""
        self._call("DELETE", f"/-/rules/{_part(rule_id)}")

    def put_rule(self, rule_id: str, rule: Mapping[str, Any]) -> Doc:
        """Make or replace a rule, field by field as the contract has it."""
        return self._call("PUT", f"/-/rules/{_part(rule_id)}", rule)

    def patch_rule(self, rule_id: str, **fields: Any) -> Doc:
        """Change fields of a rule, like `enabled=False`."""
        return self._call("PATCH", f"/-/rules/{_part(rule_id)}", fields)

    def rule(self, rule_id: str) -> Doc:
        """A rule with its counters."""
        return self._get(f"/-/rules/{_part(rule_id)}")

    def rules(self) -> Doc:
        """All rules with their counters."""
        return self._get("/-/rules")

    def halt(self) -> Doc:
        """Disarm everything at once."""
        return self._post("/-/rules/halt", {})

    def answer_key(self, *, status: str | None = None, entity: str | None = None, loan_id: str | None = None) -> Doc:
        """What was injected, all of it: the truth, what was served, and what a reconciler should find.

        `hint` says why the whole key is empty, where it is.
        """
        asked = {"status": status, "entity": entity, "loan_id": loan_id}
        page = self._get("/-/answer-key", asked)
        entries, hint = page.get("entries", []), page.get("hint")
        while page.get("next_cursor"):
            page = self._get("/-/answer-key", asked | {"cursor": page["next_cursor"]})
            entries += page["entries"]
        return {"entries": entries, "hint": hint}

    def answer_key_lines(
        self, *, status: str | None = None, entity: str | None = None, loan_id: str | None = None
    ) -> Iterator[bytes]:
        """The same as lines of JSON, one by one: however many they are, memory stays bounded."""
        asked = {"status": status, "entity": entity, "loan_id": loan_id, "format": "jsonl"}
        with self._send("GET", "/-/answer-key", query=asked, stream=True) as response:
            if response.status_code != 200:
                self._heard("GET", "/-/answer-key", None, response, _document(response))
            self._heard("GET", "/-/answer-key", None, response, {"media_type": response.headers.get("Content-Type")})
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
    ) -> Doc:
        """How good a reconciler's findings are, by the answer key: the numbers, the lists behind them, a verdict.

        A finding needs `class` and `entity`, and may have `loan_id`, `amount_minor`, `action`, `detail`, `found_at`.
        `checked_at` are the moments at which the reconciler ran, where it did so now and then: it is asked for what
        was visible at one of them.
        """
        body = {
            "findings": list(findings),
            "thresholds": thresholds,
            "window": window,
            "min_visible_s": min_visible_s,
            "checked_at": None if checked_at is None else list(checked_at),
            "operators": None if operators is None else list(operators),
            "listed_max": listed_max,
        }
        return self._post("/-/scores", body)

    def profiles(self) -> Doc:
        """The profiles: named sets of rules."""
        return self._get("/-/profiles")

    def profile(self) -> Doc:
        """The profile that is on."""
        return self._get("/-/profile")

    def put_profile(self, name: str) -> Doc:
        """Switch to a profile, like `realistic`; `none` switches its rules off."""
        return self._call("PUT", "/-/profile", {"name": name})

    def experiments(self) -> Doc:
        """The experiments, and what each is at."""
        return self._get("/-/experiments")

    def experiment(self, experiment_id: str) -> Doc:
        """An experiment: its stages, and which of them is running."""
        return self._get(f"/-/experiments/{_part(experiment_id)}")

    def put_experiment(self, experiment_id: str, stages: Sequence[Mapping[str, Any]]) -> Doc:
        """Start an experiment: stages that follow each other on the sandbox's clock, each with its rules or profile."""
        return self._call("PUT", f"/-/experiments/{_part(experiment_id)}", {"stages": list(stages)})

    def delete_experiment(self, experiment_id: str) -> None:
        """Forget an experiment and its rules."""
        self._call("DELETE", f"/-/experiments/{_part(experiment_id)}")

    def explain(self, entity: str | None = None, *, loan_id: str | None = None, request_id: str | None = None) -> Doc:
        """Why each rule fired on the events of an entity, of a loan or of a request, or did not.

        An exchange, a problem and `requests_made` have the id of the request.
        """
        return self._get("/-/explain", {"entity": entity, "loan_id": loan_id, "request_id": request_id})

    def audit(self) -> Doc:
        """World against books against views: every discrepancy, and the injection that explains it."""
        return self._get("/-/audit")

    def health(self) -> Doc:
        """Whether the platform is up, and with what."""
        return self._get("/-/health")

    def requests_made(self) -> Doc:
        """What was asked in this sandbox since it was made, in order: `mocklend scenario save` makes a story of it."""
        return self._get("/-/requests")

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None
    ) -> Doc:
        """Any call, as the contract has it: for what no other method says. `path` begins with one `/`."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        return self._call(method, path, body, headers=headers)

    # --- the wire ---

    def _file(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        """What is not JSON, byte by byte."""
        response = self._send("GET", path, query=query)
        if response.status_code != 200:
            self._heard("GET", path, None, response, _document(response))
        self._heard("GET", path, None, response, {"media_type": response.headers.get("Content-Type")})
        return response.content

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Doc:
        return self._call("GET", path, query=query)

    def _post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Doc:
        return self._call("POST", path, body, headers={"Idempotency-Key": key} if key else None)

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
        sent = None if body is None else _given(body)
        response = self._send(method, path, sent, query=query, raw=raw, headers=headers)
        return self._heard(method, path, sent, response, _document(response))

    def _send(
        self,
        method: str,
        path: str,
        sent: Doc | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        if not _PATH.fullmatch(path):
            raise ValueError(f"{path[:80]!r} is no path of the server: expected one / at its beginning, and no blanks")
        return self._session.request(
            method,
            self.base_url + path,
            params=_given(query or {}),
            json=sent,
            data=raw,
            headers=dict(headers or {}),
            timeout=self.timeout_s,
            allow_redirects=False,
            stream=stream,
        )

    def _heard(self, method: str, path: str, sent: Doc | None, response: requests.Response, answer: Doc) -> Doc:
        """Tell who listens; then the answer, or the problem that it is."""
        request_id = response.headers.get("Mocklend-Request-Id")
        if self.on_exchange is not None:
            asked = urlsplit(response.request.url or path)
            shown = f"{path}?{asked.query}" if asked.query else path
            self.on_exchange(Exchange(method, shown, sent, response.status_code, answer, request_id))
        if response.status_code >= 300:
            raise ProblemError(response.status_code, answer, request_id)
        return answer


def _host_of(url: str) -> str:
    """The host in a server's address. ValueError where it is no address of HTTP."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host.encode("idna")
        is_one = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except (ValueError, UnicodeError):
        is_one = False
    if not is_one or re.search(r"[@?#\\\s\x00-\x20\x7f]", url):
        shown = "the address" if "@" in url else repr(url[:80])  # It may hold a password.
        raise ValueError(f"{shown} is no address of a server: expected one like {DEFAULT_URL}")
    return host


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _document(response: requests.Response) -> Doc:
    """The answer as an object. What is none did not come from the platform, and is told as a problem."""
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
            "title": "The answer is no JSON object.",
            "detail": f"{response.request.method} {response.url} answered {response.text[:80]!r}",
            "hint": "Check that the address is Mocklend's, and what stands in between.",
        },
    )


def _given(fields: Mapping[str, Any]) -> Doc:
    """Only what the caller gave: the platform's defaults are the platform's."""
    return {name: value for name, value in fields.items() if value is not None}


def _part(id: str) -> str:
    """One segment of a path, whatever is in it."""
    return quoted(id, safe="")


def fresh_key() -> str:
    """An idempotency key that nobody has used."""
    return str(uuid.uuid4())


def numbered_keys() -> Callable[[], str]:
    """Keys `call-1`, `call-2`, …, for one client in a sandbox that nobody else writes to.

    Ids follow from keys, and chance from ids: so the same calls have the same ids and meet the same faults.
    """
    numbers = count(1)
    return lambda: f"call-{next(numbers)}"

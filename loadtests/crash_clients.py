"""Clients that borrow, repay and edit while the server is killed, and repeat each request until it is answered.

A client that does not know the outcome of a request keeps its key and sends the same request until there is an answer.
It logs each answer; afterwards the platform must have carried out every acknowledged request exactly once.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from tool import CutShort
from urllib3.exceptions import NewConnectionError

from mocklend.client import Doc

PRINCIPAL_MINOR = 300_000
REPAYMENTS_A_LOAN = 12
PAUSE_S_MAX = 0.03
"""The longest pause between two requests of one client."""
SLOW_PAUSE_S_MAX = 1.0
"""The longest pause while a killed process is replaced: the kills are what is tested, not the time between them."""
BACK_WITHIN_S = 60.0
RECOVERY_S_MAX = 5.0
"""For so long after the database is back, requests may still be answered 503: each process notices it by itself."""
REQUESTS_A_CONNECTION = 10
"""A client then opens another connection, so that each process of a server gets connections. When slow: after one."""


class ServerGone(CutShort):
    """The server does not come back, or no client gets an answer."""


@dataclass(slots=True)
class SentRequest:
    """One request that moves money, with its answer, or the code of its refusal.

    `in_doubt`: a connection broke after it was sent. `unavailable`: it was answered 503 while the database was away.
    `had_happened`: the repeated request got a stored answer.
    """

    kind: str
    key: str
    path: str
    body: Doc
    answer: Doc | None = None
    refused: str | None = None
    in_doubt: bool = False
    unavailable: bool = False
    had_happened: bool = False


@dataclass(slots=True)
class Ledger:
    """The requests of all clients, and the refusals that nothing explains."""

    requests: list[SentRequest] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    def acknowledged(self, kind: str) -> list[SentRequest]:
        """The requests of a kind that were answered with 2xx."""
        return [request for request in self.requests if request.kind == kind and request.answer is not None]


class ServerAddress:
    """The address of the server, which changes with each start. Clients wait here while the server is down."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._url: str | None = None
        self.epoch = 0
        self.answers = 0
        self.closed = False
        self.pause_s_max = PAUSE_S_MAX
        self._outage_until = 0.0

    def open(self, url: str) -> None:
        """The server is up, at this address."""
        with self._change:
            self._url, self.epoch, self.answers = url, self.epoch + 1, 0
            self.pause_s_max = PAUSE_S_MAX
            self._change.notify_all()

    def shut(self) -> None:
        """The server is down: clients wait from now on."""
        with self._change:
            self._url = None

    def slow(self) -> None:
        """The server is up, and no kill comes soon: clients make longer pauses until `open`."""
        self.pause_s_max = SLOW_PAUSE_S_MAX

    def close(self) -> None:
        """The run ends: no new requests, but unanswered ones are repeated."""
        with self._change:
            self.closed = True
            self._change.notify_all()

    def url(self) -> str:
        """The address, as soon as the server is up. Raises ServerGone if it does not come back."""
        with self._change:
            self._change.wait_for(lambda: self._url is not None or self.closed, timeout=BACK_WITHIN_S)
            if self._url is None:
                raise ServerGone("the server did not come back")
            return self._url

    @contextmanager
    def outage(self) -> Iterator[None]:
        """A block in which the database is away, so that requests may be answered 503."""
        self._outage_until = float("inf")
        try:
            yield
        finally:
            self._outage_until = time.monotonic() + RECOVERY_S_MAX

    def in_outage(self) -> bool:
        """Whether the database is away, or was until RECOVERY_S_MAX ago."""
        return time.monotonic() < self._outage_until

    def answered(self) -> None:
        """Count an answer in this epoch."""
        with self._change:
            self.answers += 1
            self._change.notify_all()

    def answered_within(self, seconds: float) -> bool:
        """Wait for the next answer; whether there is one within so many seconds."""
        with self._change:
            answers = self.answers
            return self._change.wait_for(lambda: self.answers > answers, timeout=seconds)

    def wait_for_an_answer(self) -> None:
        """Wait for the next answer, for at most a second."""
        self.answered_within(1)

    def wait_for_answers(self, at_least: int) -> None:
        """Wait until the epoch has this many answers. Raises ServerGone after 20 s."""
        with self._change:
            if not self._change.wait_for(lambda: self.answers >= at_least, timeout=20):
                raise ServerGone("no client got an answer within 20 s")


PUSH_CHANNELS = ("bank_transfer", "bill_pay")
"""Channels with push payments, which have no order: only the payer reference names the loan."""


class CrashClient:
    """A client that repeats each request until it has the answer."""

    def __init__(
        self, number: int, seed: int, api_key: str, address: ServerAddress, ledger: Ledger, channels: list[str]
    ) -> None:
        self.number, self.address, self.ledger, self.channels = number, address, ledger, channels
        self.chance = random.Random(f"{seed}:payer:{number}")
        self.reference = f"crash-{seed}-{number}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {api_key}"
        self.keys_used = 0

    def work(self) -> None:
        """Borrow, repay in small parts and edit at times, until the run ends; a new loan after REPAYMENTS_A_LOAN."""
        while not self.address.closed:
            sent = {"reference": f"{self.reference}-{self.keys_used}", "name": f"Payer {self.number}"}
            borrower = self._add_borrower(sent)
            body = {"borrower_id": borrower, "principal_minor": PRINCIPAL_MINOR, "product_id": "jiebei-like"}
            loan = self._send("loan", "/v1/loans", body).answer
            for _ in range(REPAYMENTS_A_LOAN if loan else 0):
                if self.address.closed:
                    return
                self._send_one(loan["id"])  # type: ignore[index]

    def _send_one(self, loan_id: str) -> None:
        time.sleep(self.chance.uniform(0, self.address.pause_s_max))
        if self.chance.random() < 0.15:
            body = {
                "kind": "MODIFY_BILL_AMOUNT",
                "amount_minor": self.chance.randrange(100, 999),
                "memo": "Agreed on the phone",
                "operator": f"op-{self.number}",
            }
            self._send("edit", f"/operator/loans/{loan_id}/edits", body)
            return
        if self.chance.random() < 0.1:
            body = {
                "amount_minor": self.chance.randrange(100, 2_000),
                "payer_name": f"Payer {self.number}",
                "payer_reference": loan_id,
            }
            self._send("payment", f"/channels/{self.chance.choice(PUSH_CHANNELS)}/payments", body)
            return
        body = {
            "amount_minor": self.chance.randrange(100, 2_000),
            "channel": self.chance.choice(self.channels),
            "type": "OVD_AND_CURRENT",
        }
        self._send("repayment", f"/v1/loans/{loan_id}/repayments", body)

    def _add_borrower(self, sent: Doc) -> str:
        # The reference of a borrower makes the request safe to repeat without a key.
        answer = self._until_answered("/v1/borrowers", sent, {}, SentRequest("borrower", "", "/v1/borrowers", sent))
        return str(answer["id"])

    def _send(self, kind: str, path: str, body: Doc) -> SentRequest:
        self.keys_used += 1
        if self.address.pause_s_max > PAUSE_S_MAX or self.keys_used % REQUESTS_A_CONNECTION == 0:
            self.session.close()
        request = SentRequest(kind, f"{self.reference}-{self.keys_used}", path, body)
        self.ledger.requests.append(request)
        self._until_answered(path, body, {"Idempotency-Key": request.key}, request)
        return request

    def _until_answered(self, path: str, body: Doc, headers: Mapping[str, str], request: SentRequest) -> Doc:
        while True:
            url = self.address.url()
            in_outage = self.address.in_outage()
            try:
                response = self.session.post(url + path, json=body, headers=dict(headers), timeout=20)
                document: Doc = response.json()
            except requests.RequestException as failure:
                # Without a connection nothing can have happened; after any other failure it may have.
                refused = _is_refused(failure)
                request.in_doubt |= not refused
                if refused and self.address.closed:
                    raise ServerGone("the server was not started again") from failure
                time.sleep(0.02)
                continue
            code = document.get("code")
            if code == "unavailable" and (in_outage or self.address.in_outage()) and "Retry-After" in response.headers:
                request.unavailable = True
                time.sleep(0.1)
                continue
            self.address.answered()
            if response.ok:
                request.had_happened = response.headers.get("Idempotency-Replayed") == "true"
                request.answer = document
                return document
            if code in ("request_in_progress", "busy"):
                time.sleep(0.05)
                continue
            request.refused = str(code)
            self.ledger.unexplained.append(f"{request.kind}: {response.status_code} {code}")
            return document


def _is_refused(failure: requests.RequestException) -> bool:
    reason = getattr(failure.args[0], "reason", None) if failure.args else None
    return isinstance(reason, NewConnectionError)

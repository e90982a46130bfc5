"""Clients that borrow, repay and edit while the server is killed under them, and never forget a request unanswered.

What a client does about an outcome that it does not know is the point: it keeps the key, and asks the same again until
there is an answer. It writes each answer down; that is what the platform is held to afterwards.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from tool import CutShort
from urllib3.exceptions import NewConnectionError

Doc = dict[str, Any]

PRINCIPAL_MINOR = 300_000
REPAYMENTS_A_LOAN = 12
BREATH_S = 0.03
"""The longest breath between two requests of one client."""
BACK_WITHIN_S = 60.0


class Deserted(CutShort):
    """The server is not there and does not come back, or nobody gets an answer."""


@dataclass(slots=True)
class SentRequest:
    """One request that moves money, and what its client wrote down about it."""

    kind: str
    key: str
    path: str
    body: Doc
    answer: Doc | None = None
    refused: str | None = None
    in_doubt: bool = False
    had_happened: bool = False


@dataclass(slots=True)
class Ledger:
    """What all clients wrote down."""

    kept: list[SentRequest] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    def acknowledged(self, kind: str) -> list[SentRequest]:
        """The requests of a kind that were answered with 2xx."""
        return [one for one in self.kept if one.kind == kind and one.answer is not None]


class Place:
    """Where the server is. While it is nowhere, clients wait here."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._url: str | None = None
        self.epoch = 0
        self.answers = 0
        self.closed = False

    def open(self, url: str) -> None:
        """It is up again."""
        with self._change:
            self._url, self.epoch, self.answers = url, self.epoch + 1, 0
            self._change.notify_all()

    def shut(self) -> None:
        """It is about to be killed: who asks from now on waits."""
        with self._change:
            self._url = None

    def close(self) -> None:
        """No more new requests; what is in doubt is still cleared up."""
        with self._change:
            self.closed = True
            self._change.notify_all()

    def url(self) -> str:
        """The address, once there is one."""
        with self._change:
            self._change.wait_for(lambda: self._url is not None or self.closed, timeout=BACK_WITHIN_S)
            if self._url is None:
                raise Deserted("the server did not come back")
            return self._url

    def answered(self) -> None:
        """A client has got an answer in this epoch."""
        with self._change:
            self.answers += 1
            self._change.notify_all()

    def wait_for_an_answer(self) -> None:
        """Until the next answer leaves; not for long, since any moment will do."""
        with self._change:
            answers = self.answers
            self._change.wait_for(lambda: self.answers > answers, timeout=1)

    def wait_for_answers(self, at_least: int) -> None:
        """Until the epoch is under way."""
        with self._change:
            if not self._change.wait_for(lambda: self.answers >= at_least, timeout=20):
                raise Deserted("nobody got an answer within 20 s")


PUSH_CHANNELS = ("bank_transfer", "bill_pay")
"""Where people pay without an order: all that tells whose money it is, is what they type."""


class Payer:
    """A client that never forgets a request before it has the answer."""

    def __init__(self, number: int, seed: int, api_key: str, place: Place, ledger: Ledger, channels: list[str]) -> None:
        self.number, self.place, self.ledger, self.channels = number, place, ledger, channels
        self.chance = random.Random(f"{seed}:payer:{number}")
        self.reference = f"crash-{seed}-{number}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {api_key}"
        self.asked = 0

    def work(self) -> None:
        """Borrow, repay in small parts, edit now and then; a new loan when the old one has had enough."""
        while not self.place.closed:
            sent = {"reference": f"{self.reference}-{self.asked}", "name": f"Payer {self.number}"}
            borrower = self._made_borrower(sent)
            body = {"borrower_id": borrower, "principal_minor": PRINCIPAL_MINOR, "product_id": "jiebei-like"}
            loan = self._send("loan", "/v1/loans", body).answer
            for _ in range(REPAYMENTS_A_LOAN if loan else 0):
                if self.place.closed:
                    return
                self._one_thing(loan["id"])  # type: ignore[index]

    def _one_thing(self, loan_id: str) -> None:
        time.sleep(self.chance.uniform(0, BREATH_S))
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

    def _made_borrower(self, sent: Doc) -> str:
        # Its reference makes it safe to repeat without a key.
        answer = self._until_answered("/v1/borrowers", sent, {}, SentRequest("borrower", "", "/v1/borrowers", sent))
        return str(answer["id"])

    def _send(self, kind: str, path: str, body: Doc) -> SentRequest:
        self.asked += 1
        kept = SentRequest(kind, f"{self.reference}-{self.asked}", path, body)
        self.ledger.kept.append(kept)
        self._until_answered(path, body, {"Idempotency-Key": kept.key}, kept)
        return kept

    def _until_answered(self, path: str, body: Doc, headers: Mapping[str, str], kept: SentRequest) -> Doc:
        while True:
            url = self.place.url()
            try:
                response = self.session.post(url + path, json=body, headers=dict(headers), timeout=20)
                document: Doc = response.json()
            except requests.RequestException as failure:
                # Where there was no connection, nothing can have happened; anywhere else it may have.
                refused = _is_refused(failure)
                kept.in_doubt |= not refused
                if refused and self.place.closed:
                    raise Deserted("the server is gone for good") from failure
                time.sleep(0.02)
                continue
            self.place.answered()
            if response.ok:
                kept.had_happened = response.headers.get("Idempotency-Replayed") == "true"
                kept.answer = document
                return document
            if document.get("code") in ("request_in_progress", "busy"):
                time.sleep(0.05)
                continue
            kept.refused = str(document.get("code"))
            self.ledger.unexplained.append(f"{kept.kind}: {response.status_code} {document.get('code')}")
            return document


def _is_refused(failure: requests.RequestException) -> bool:
    reason = getattr(failure.args[0], "reason", None) if failure.args else None
    return isinstance(reason, NewConnectionError)

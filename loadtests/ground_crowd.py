"""Clients that repay and read until the end, repeat unanswered requests with the same key, and count the answers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator

import requests

from mocklend.client import Doc

PRINCIPAL_MINOR = 1_000_000
AMOUNT_MINOR = 10
PAUSE_S = 0.02
"""The pause before each request of a client, in seconds."""
TIMEOUT_S = 60.0
CLIENTS = 4


class Crowd:
    """Clients with a loan each in the sandbox `default`: start them, mark the outage, end them, count lost writes."""

    def __init__(self, url: str, clients: int = CLIENTS) -> None:
        self.url = url
        self.answers: Counter[str] = Counter()
        """HTTP statuses during the outage; `none` is a request without an answer."""
        self.writes: Counter[str] = Counter()
        self.refused_s: list[float] = []
        self.cost_s = 0.0
        """Processor time of the server in all outages, in seconds."""
        self.acknowledged: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self._in_gap = False
        self._over = threading.Event()
        self._last_written = 0.0
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(clients)]

    def start(self) -> None:
        """Borrow a loan for each client, and start the clients."""
        for n, thread in enumerate(self._threads):
            ada = self._must("/v1/borrowers", {"reference": f"ground-{n}", "name": "Ada"}, None)["id"]
            body = {"borrower_id": ada, "principal_minor": PRINCIPAL_MINOR, "product_id": "jiebei-like"}
            loan = self._must("/v1/loans", body, f"ground-{n}")["id"]
            self.acknowledged[loan] = []
            thread.name = loan
        for thread in self._threads:
            thread.start()

    def gap(self, now: bool) -> None:
        """Mark the start (True) or the end (False) of an outage."""
        with self._lock:
            self._in_gap = now

    def written_after(self, moment: float, within_s: float = 60.0) -> float | None:
        """Seconds from a time of `time.monotonic` to the first write that was sent after it and acknowledged."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if self._last_written > moment:
                return self._last_written - moment
            time.sleep(0.02)
        return None

    def end(self) -> None:
        """Stop the clients, after the answer to the last request of each."""
        self._over.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def lost_and_doubled(self) -> tuple[int, int]:
        """How many acknowledged repayments are missing, and how many are there twice or without acknowledgement."""
        lost = doubled = 0
        for loan, ids in self.acknowledged.items():
            there = Counter(self._listed(loan))
            lost += sum(there[id] == 0 for id in ids)
            doubled += sum(count - 1 for count in there.values()) + len(there.keys() - set(ids))
        return lost, doubled

    def settled(self, within_s: float = 30.0) -> bool:
        """Whether all repayments settle within this many seconds."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if all(self._statuses(loan) <= {"S"} for loan in self.acknowledged):
                return True
            time.sleep(0.3)
        return False

    def audit(self) -> Doc:
        """The audit of the sandbox."""
        document: Doc = requests.get(f"{self.url}/-/audit", timeout=TIMEOUT_S).json()
        return document

    # --- one client ---

    def _work(self, number: int) -> None:
        loan, nth = threading.current_thread().name, 0
        session = requests.Session()
        while not self._over.is_set():
            nth += 1
            self._repay(session, loan, f"ground-{number}-{nth}")
            self._ask(session, "GET", f"/v1/loans/{loan}")

    def _repay(self, session: requests.Session, loan: str, key: str) -> None:
        body = {"amount_minor": AMOUNT_MINOR, "channel": "wallet", "type": "OVD_AND_CURRENT"}
        until = time.monotonic() + TIMEOUT_S * 2
        while time.monotonic() < until:
            asked = time.monotonic()
            answer = self._ask(session, "POST", f"/v1/loans/{loan}/repayments", body, key)
            if answer is not None and answer.ok:
                with self._lock:
                    self.acknowledged[loan].append(answer.json()["id"])
                    self._last_written = max(asked, self._last_written)
                return
            time.sleep(PAUSE_S * 5)

    def _ask(
        self, session: requests.Session, method: str, path: str, body: Doc | None = None, key: str | None = None
    ) -> requests.Response | None:
        time.sleep(PAUSE_S)
        with self._lock:
            in_gap = self._in_gap
        began = time.monotonic()
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            answer = session.request(method, self.url + path, json=body, headers=headers, timeout=TIMEOUT_S)
        except requests.RequestException:
            answer = None
        with self._lock:
            if in_gap and self._in_gap:
                status = "none" if answer is None else str(answer.status_code)
                self.answers[status] += 1
                if method == "POST":
                    self.writes[status] += 1
                if status == "503":
                    self.refused_s.append(time.monotonic() - began)
        return answer

    def _must(self, path: str, body: Doc, key: str | None) -> Doc:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = requests.post(self.url + path, json=body, headers=headers, timeout=TIMEOUT_S)
        answer.raise_for_status()
        document: Doc = answer.json()
        return document

    def _pages(self, loan: str) -> Iterator[Doc]:
        cursor: str | None = None
        while True:
            query = {"limit": "500"} | ({} if cursor is None else {"cursor": cursor})
            page = requests.get(f"{self.url}/v1/loans/{loan}/repayments", params=query, timeout=TIMEOUT_S).json()
            yield from page["repayments"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _listed(self, loan: str) -> list[str]:
        return [doc["id"] for doc in self._pages(loan)]

    def _statuses(self, loan: str) -> set[str]:
        return {doc["status"] for doc in self._pages(loan)}

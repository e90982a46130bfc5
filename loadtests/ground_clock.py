"""The parts of `scripts/ground` about time: the machine's clock is set back, or a sandbox's clock is moved, under load.

The machine's own clock is left alone. The server process gets a faked one: `time.time`, `time.time_ns` and
`datetime.now` read an offset from a file. Its monotonic clock stays real, as on a machine whose clock is set.
(libfaketime does the same for a whole process, but its 0.9 breaks Python's `time.sleep`.)
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from ground_crowd import Crowd
from ground_result import PartResult
from server import Server
from tool import say
from webhook_receiver import WebhookReceiver, open_webhook_receiver

BEFORE_S, AFTER_S = 3.0, 6.0
SETTLED_S_MAX = 10.0
"""A wallet settles after 2 s, and the callback follows with the next tick."""
ADVANCE_S = 420
ADVANCE_S_MAX = 20.0
ADVANCE_AFTER_S = 8.0
CLIENTS = 8
DELIVERED_WITHIN_S = 60.0
SET = """
import datetime, os, time

_real, _real_ns = time.time, time.time_ns

def _off_s():
    with open(os.environ["GROUND_CLOCK_OFF"]) as file:
        return int(file.read() or 0)

class Set(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

time.time = lambda: _real() + _off_s()
time.time_ns = lambda: _real_ns() + _off_s() * 1_000_000_000
datetime.datetime = Set
"""


def set_back(part: str, by_s: int) -> Callable[[Path], PartResult]:
    """The part in which the machine's clock is set back under a running server, which is restarted afterwards."""

    def run(folder: Path) -> PartResult:
        result = PartResult(part)
        offset = folder / "off"
        offset.write_text("0")
        (folder / "sitecustomize.py").write_text(SET)
        path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
        faked = {"PYTHONPATH": path, "GROUND_CLOCK_OFF": str(offset)}
        database, log = str(folder / "ground.db"), folder / "log"
        server = Server(database, log, env=faked)
        try:
            crowd, watch = Crowd(server.url), Watch(server.url)
            crowd.start()
            time.sleep(BEFORE_S)
            crowd.gap(True)
            watch.look()
            offset.write_text(f"-{by_s}")
            say(f"the clock is {by_s} s back")
            watch.look_for(AFTER_S)
            crowd.gap(False)
            result.answers.update(crowd.answers)
            crowd.end()
            _settled(result, crowd, "while the clock was set back")
            watch.look()
            server.stop()
            server = Server(database, log, env=faked)
            again = Crowd(server.url)
            again.acknowledged = crowd.acknowledged
            watch.url = server.url
            watch.look()
            _one_more(result, server.url)
            _conclude(result, again)
            result.figures["clock_went_back_ms"] = watch.back_ms
            if watch.back_ms:
                result.fail(f"the sandbox's clock went back by {watch.back_ms} ms")
        finally:
            server.kill()
        return result

    return run


class Watch:
    """Polls a sandbox's clock. `back_ms` is by how much it went back at most, in milliseconds."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.back_ms = 0
        self._last: datetime | None = None

    def look(self) -> None:
        """Read the clock once."""
        now = datetime.fromisoformat(requests.get(f"{self.url}/-/clock", timeout=60).json()["now"])
        if self._last is not None and now < self._last:
            self.back_ms = max(self.back_ms, (self._last - now) // timedelta(milliseconds=1))
        self._last = max(now, self._last or now)

    def look_for(self, seconds: float) -> None:
        """Read the clock repeatedly for this long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            time.sleep(0.05)


def _settled(result: PartResult, crowd: Crowd, when: str) -> None:
    began = time.monotonic()
    if not crowd.settled(SETTLED_S_MAX):
        result.fail(f"settling stopped {when}")
    result.figures["settled_after_s"] = round(time.monotonic() - began, 1)


def _one_more(result: PartResult, url: str) -> None:
    """Check that a repayment after the restart settles."""
    later = Crowd(url, clients=1)
    later.start()
    time.sleep(0.5)
    later.end()
    _settled(result, later, "after the restart")


def _conclude(result: PartResult, crowd: Crowd) -> None:
    result.acknowledged = sum(map(len, crowd.acknowledged.values()))
    result.lost, result.doubled = crowd.lost_and_doubled()
    _judge_audit(result, crowd.audit())
    result.judge_answers()
    result.judge_books()


def _judge_audit(result: PartResult, audit: Mapping[str, Any]) -> None:
    if audit["discrepancies"]:
        result.fail(f"the audit finds {len(audit['discrepancies'])} discrepancies")
    broken = [invariant["name"] for invariant in audit["invariants"] if not invariant["holds"]]
    if broken:
        result.fail(f"broken: {', '.join(broken)}")


class Clients:
    """Clients of one sandbox on a manual clock: they order repayments until the end, and keep the acknowledged ids."""

    def __init__(self, url: str, head: Mapping[str, str]) -> None:
        self.url, self.head = url, dict(head)
        self.answers: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.acknowledged: list[str] = []
        self.loans: list[str] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(CLIENTS)]

    def post(self, path: str, body: Mapping[str, object], key: str | None = None) -> requests.Response:
        """Send a POST with the sandbox's key."""
        more = {} if key is None else {"Idempotency-Key": key}
        return requests.post(self.url + path, json=body, headers={**self.head, **more}, timeout=120)

    def start(self) -> None:
        """Borrow a loan for each client, and start the clients."""
        for n, thread in enumerate(self._threads):
            ada = self.post("/v1/borrowers", {"reference": f"payer-{n}", "name": "Ada", "credit_limit_minor": 10**12})
            body = {"borrower_id": ada.json()["id"], "principal_minor": 1_000_000, "product_id": "jiebei-like"}
            self.loans.append(self.post("/v1/loans", body, uuid.uuid4().hex).json()["id"])
            thread.start()

    def end(self) -> None:
        """Stop the clients, after the answer to the last request of each."""
        self._over.set()
        for thread in self._threads:
            thread.join(120)

    def _work(self, n: int) -> None:
        body = {"amount_minor": 10, "channel": "wallet", "type": "OVD_AND_CURRENT"}
        while not self._over.is_set():
            began = time.monotonic()
            try:
                answer = self.post(f"/v1/loans/{self.loans[n]}/repayments", body, uuid.uuid4().hex)
            except requests.RequestException:
                answer = None
            with self._lock:
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.answers["none" if answer is None else str(answer.status_code)] += 1
                if answer is not None and answer.ok:
                    self.acknowledged.append(answer.json()["id"])
            time.sleep(0.02)


def advance(folder: Path) -> PartResult:
    """A clock is moved by seven minutes while clients order repayments, and a receiver gets all webhooks."""
    result, log = PartResult("advance"), folder / "log"
    server = Server(str(folder / "ground.db"), log)
    try:
        clock = {"mode": "manual", "now": "2026-01-05T02:00:00Z"}
        made = requests.post(f"{server.url}/-/sandboxes", json={"seed": 1, "clock": clock}, timeout=60).json()
        clients = Clients(server.url, {"Authorization": f"Bearer {made['api_key']}"})
        with open_webhook_receiver() as (webhook_receiver, address):
            body = {"url": address, "events": ["repayment.ordered", "repayment.succeeded"]}
            webhook_receiver.secret = clients.post("/v1/webhook-endpoints", body).json()["secret"]
            clients.start()
            time.sleep(ADVANCE_AFTER_S)
            say(f"the clock is moved by {ADVANCE_S} s")
            began = time.monotonic()
            moved = clients.post("/-/clock/advance", {"by": ADVANCE_S})
            took_s = time.monotonic() - began
            time.sleep(1)
            clients.end()
            result.figures |= {"advance_took_s": round(took_s, 1), "slowest_request_s": round(clients.slowest_s, 2)}
            result.figures |= {"orders": len(clients.acknowledged), "released": moved.json().get("released_total")}
            if moved.status_code != 200 or took_s > ADVANCE_S_MAX:
                result.fail(f"the advance was answered {moved.status_code} after {took_s:.1f} s")
            clients.post("/-/clock/advance", {"by": ADVANCE_S})
            _all_delivered(result, clients, webhook_receiver)
        result.answers.update(clients.answers)
        result.acknowledged = len(clients.acknowledged)
        listed = Counter(_listed(clients))
        result.lost = sum(listed[id] == 0 for id in clients.acknowledged)
        result.doubled = sum(count - 1 for count in listed.values()) + len(listed.keys() - set(clients.acknowledged))
        _judge_audit(result, requests.get(f"{server.url}/-/audit", headers=clients.head, timeout=120).json())
        now = requests.get(f"{server.url}/-/clock", headers=clients.head, timeout=60).json()["now"]
        if now != "2026-01-05T02:14:00.000Z":
            result.fail(f"two advances by {ADVANCE_S} s moved the clock to {now}")
        result.judge_answers()
        result.judge_books()
        if server.stop() != 0:
            result.fail("the server did not end on SIGTERM")
    finally:
        server.kill()
    return result


def _all_delivered(result: PartResult, clients: Clients, webhook_receiver: WebhookReceiver) -> None:
    """Check that there is at least one delivery of each event of each order."""

    def missing() -> list[str]:
        events = ("repayment.ordered", "repayment.succeeded")
        return [line for event in events for line in webhook_receiver.missing(event, clients.acknowledged)]

    began = time.monotonic()
    while (lost := missing()) and time.monotonic() < began + DELIVERED_WITHIN_S:
        clients.post("/-/clock/advance", {"by": 0})
    result.figures["webhooks_repeated"] = sum(webhook_receiver.deliveries.values()) - len(webhook_receiver.deliveries)
    result.figures["last_webhook_after_s"] = round(time.monotonic() - began, 1)
    if lost:
        result.fail(f"{len(lost)} webhooks were not delivered, such as {lost[0]}")


def _listed(clients: Clients) -> list[str]:
    ids: list[str] = []
    for loan in clients.loans:
        cursor: str | None = None
        while True:
            query = {"limit": "500"} | ({} if cursor is None else {"cursor": cursor})
            page = requests.get(
                f"{clients.url}/v1/loans/{loan}/repayments", params=query, headers=clients.head, timeout=60
            ).json()
            ids += [doc["id"] for doc in page["repayments"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    return ids


PARTS: Mapping[str, Callable[[Path], PartResult]] = {
    "clock_back_20_s": set_back("clock_back_20_s", 20),
    "clock_back_1_h": set_back("clock_back_1_h", 3_600),
    "advance": advance,
}

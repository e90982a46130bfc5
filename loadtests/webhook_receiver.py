"""A client's webhook endpoint on loopback: accepts each delivery with a valid signature, and counts it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

ABOUT = ("edit_id", "repayment_id", "loan_id")
"""The fields with the id that an event is about: the first that it has."""


class WebhookReceiver:
    """Counts deliveries by (event type, id). `secret` is set once the address is registered."""

    def __init__(self) -> None:
        self.secret = ""
        self.deliveries: Counter[tuple[str, str]] = Counter()
        self.forged = 0
        self._lock = threading.Lock()

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """Count a delivery. False if its signature is not valid."""
        try:
            Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            return False
        event = json.loads(body)
        about = next(event["data"][name] for name in ABOUT if name in event["data"])
        with self._lock:
            self.deliveries[(event["type"], about)] += 1
        return True

    def missing(self, event: str, ids: Iterable[str]) -> list[str]:
        """The ids without a delivery of this event type, as sentences."""
        return [f"{event} of {id}" for id in ids if not self.deliveries[(event, id)]]


@contextmanager
def open_webhook_receiver() -> Iterator[tuple[WebhookReceiver, str]]:
    """A receiver on loopback and its address, for the duration of the block."""
    webhook_receiver = WebhookReceiver()

    class Slot(BaseHTTPRequestHandler):
        """One delivery."""

        def do_POST(self) -> None:
            """Answer 204, or 401 if the signature is not valid."""
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204 if webhook_receiver.take(headers, body) else 401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slot)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="webhook receiver", daemon=True)
    thread.start()
    try:
        yield webhook_receiver, f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)

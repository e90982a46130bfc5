"""A client's own address for webhooks: takes every delivery that is rightly signed, and remembers what came."""

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
"""What an event is about: the first of these that it names."""


class WebhookReceiver:
    """What has come, by event and by what it is about. `secret` is known only after the address is registered."""

    def __init__(self) -> None:
        self.secret = ""
        self.came: Counter[tuple[str, str]] = Counter()
        self.forged = 0
        self._lock = threading.Lock()

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """Whether it is taken."""
        try:
            Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            return False
        said = json.loads(body)
        about = next(said["data"][name] for name in ABOUT if name in said["data"])
        with self._lock:
            self.came[(said["type"], about)] += 1
        return True

    def missing(self, event: str, ids: Iterable[str]) -> list[str]:
        """The ids of which no delivery of this event has come."""
        return [f"{event} of {id}" for id in ids if not self.came[(event, id)]]


@contextmanager
def open_webhook_receiver() -> Iterator[tuple[WebhookReceiver, str]]:
    """A receiver on loopback and its address, as long as the block."""
    webhook_receiver = WebhookReceiver()

    class Slot(BaseHTTPRequestHandler):
        """One delivery."""

        def do_POST(self) -> None:
            """Take it or say no."""
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204 if webhook_receiver.take(headers, body) else 401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

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

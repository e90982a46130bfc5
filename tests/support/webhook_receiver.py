"""A client's endpoint on loopback, and what the platform has queued and sent."""

from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.storage.entities import Webhook as Message
from mocklend.storage.values import EndpointDoc
from mocklend.webhooks.endpoints import AddEndpoint
from support.story import Story


class Receiver(ThreadingHTTPServer):
    """A client's endpoint on loopback: it keeps what comes and answers what it was told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receive)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.answers: list[int] = []

    def get_request(self) -> tuple[socket.socket, object]:
        self.connections += 1
        return super().get_request()


class _Receive(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, dict(self.headers.items()), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("location", f"{self.server.url}/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None: ...


def listen(story: Story, url: str, *events: str, profile: str = "standard") -> EndpointDoc:
    return story.run(AddEndpoint(story.sandbox_id, url, events or ("*",), profile), EndpointDoc)


def messages(story: Story) -> list[Message]:
    return sorted(story.entities(Message), key=lambda message: (message.queued_ms, message.event))


def log(message: Message) -> list[tuple[int, str]]:
    return [(parse_rfc3339(attempt.at), attempt.outcome) for attempt in message.log]

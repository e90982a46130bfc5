"""The rules of docs/signatures.md and /openapi.json about signatures, applied with nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from mocklend.channels.callback_secrets import callback_secret
from mocklend.client import Client
from mocklend.signing import signed_headers
from mocklend.webhooks.events import EVENTS
from support.caller import Documented

PAGE = (Path(__file__).parents[2] / "docs" / "signatures.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"]


def quoted(pattern: str) -> str:
    """The example with this name on the page."""
    [snippet] = set(re.findall(pattern, PAGE))
    assert isinstance(snippet, str)
    return snippet


def of_page(name: str) -> Callable[..., object]:
    """A function that the page defines."""
    [block] = [block for block in BLOCKS if f"def {name}(" in block]
    names: dict[str, Callable[..., object]] = {}
    exec(block, names)
    return names[name]


def test_the_examples_of_the_page_follow_from_its_rules() -> None:
    text = quoted(r"```text\n(.*)\n```")
    assert hashlib.sha256(text.encode()).hexdigest() == quoted(r"hash is `([0-9a-f]{64})`")

    secret = quoted(r"`(whsec_[A-Za-z0-9+/]{43}=)`")
    key = hmac.new(b"mk_example", b"callback:wallet", hashlib.sha256).digest()
    assert secret == "whsec_" + base64.b64encode(key).decode() == callback_secret("mk_example", "wallet")

    signed = quoted(r"`(cb_1\.[^`]*)`")
    signature = "v1," + base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    assert signature == quoted(r"`(v1,[A-Za-z0-9+/]{43}=)`")
    message_id, stamp, body = signed.split(".", 2)
    assert signed_headers(secret, message_id, int(stamp) * 1000, body) == dict(
        zip(HEADERS, (message_id, stamp, signature), strict=True)
    )


def test_a_changed_figure_breaks_the_hash_chain_of_the_page(mocklend: Client) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")
    mocklend.advance("P70D")
    transactions = mocklend.transactions(limit=500)["transactions"]
    hash_of = of_page("hash_of")
    assert any(entry["period_from"] for entry in transactions)

    for entry in transactions:
        assert hash_of(entry, entry["prev_hash"]) == entry["hash"]
        posting = {**entry["postings"][0], "amount_minor": entry["postings"][0]["amount_minor"] + 1}
        for changed in (
            {"postings": [posting, *entry["postings"][1:]]},
            {"effective_date": "2025-01-01"},
            {"ref": "loan_b"},
            {"reverses": 7},
            {"period_from": "2025-01-01", "period_to": "2025-01-02"},
        ):
            assert hash_of(entry | changed, entry["prev_hash"]) != entry["hash"]


class Receiver(ThreadingHTTPServer):
    """A client's endpoint, which keeps the requests that it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.came: list[tuple[dict[str, str], bytes]] = []


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_verifies_by_the_rule_of_the_page_and_fits_its_schema(mocklend: Client, receiver: Receiver) -> None:
    secret = mocklend.add_webhook_endpoint(f"http://127.0.0.1:{receiver.server_port}/")["secret"]
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")
    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
    webhooks = mocklend.request("GET", "/openapi.json")["webhooks"]
    is_genuine = of_page("is_genuine")

    assert receiver.came
    for headers, body in receiver.came:
        assert is_genuine(secret, headers, body)
        assert not is_genuine(secret, headers, body + b" ")
        assert not is_genuine(secret, headers | {"webhook-id": "msg_other"}, body)
        assert not is_genuine("whsec_" + base64.b64encode(b"x" * 32).decode(), headers, body)
        message = json.loads(body)
        operation = webhooks[message["type"]]["post"]
        Draft202012Validator(operation["requestBody"]["content"]["application/json"]["schema"]).validate(message)
        for parameter in operation["parameters"]:
            Draft202012Validator(parameter["schema"]).validate(headers[parameter["name"]])


def test_the_document_describes_every_event_and_how_it_is_signed(documented: Documented) -> None:
    document = documented.document
    validate(document)

    assert set(document["webhooks"]) == set(EVENTS)
    for event, methods in document["webhooks"].items():
        schema = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert schema["properties"]["type"]["const"] == event
        assert [parameter["name"] for parameter in methods["post"]["parameters"]] == HEADERS
        assert all(parameter["required"] and parameter["description"] for parameter in methods["post"]["parameters"])


def test_the_document_has_the_rules_of_the_page(documented: Documented) -> None:
    document = documented.document
    transaction = document["components"]["schemas"]["TransactionList.TransactionDoc"]["properties"]
    callback = document["paths"]["/v1/callbacks/{channel}"]["post"]

    for name in ("prev_hash", "chain", "seq", "kind", "ref", "effective_date", "reverses", "currency", "postings"):
        assert name in transaction["hash"]["description"], name
    assert "64 zeros" in transaction["prev_hash"]["description"]
    assert "callback:<channel>" in callback["requestBody"]["description"]
    assert [parameter["name"] for parameter in callback["parameters"] if parameter["in"] == "header"] == HEADERS

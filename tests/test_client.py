"""The client against a small server of the test: the requests that it sends, and how it reads the answers."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import requests

from mocklend.client import Client, Exchange, ProblemError

pytestmark = pytest.mark.security

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

REFUSED = {
    "type": "/docs/problems#quote_mismatch",
    "title": "The repayment is not what the quote says.",
    "status": 409,
    "detail": "the quote is for CLEAR, 1,004.50 CNY",
    "code": "quote_mismatch",
    "expected": {"amount_minor": 100450},
    "received": {"amount_minor": 100449},
    "hint": "Send the quote's type and total.",
    "quote_id": "qte_1",
}


@dataclass(frozen=True)
class ReceivedRequest:
    """One request, as it came in."""

    command: str
    path: str
    headers: Message
    body: Any


@dataclass
class Wire:
    """A server that notes what it is asked and answers what it is told to."""

    url: str = ""
    status: int = 200
    answer: bytes = b"{}"
    requests: list[ReceivedRequest] = field(default_factory=list)

    @property
    def last(self) -> ReceivedRequest:
        return self.requests[-1]


@pytest.fixture
def wire() -> Iterator[Wire]:
    noted = Wire()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            noted.requests.append(
                ReceivedRequest(self.command, self.path, self.headers, json.loads(body) if body else None)
            )
            status, answer = noted.status, b"" if noted.status == 204 else noted.answer
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    noted.url = f"http://127.0.0.1:{server.server_port}"
    yield noted
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(wire: Wire) -> Iterator[Client]:
    with Client(wire.url, "mk_ada") as client:
        yield client


def test_each_payment_has_a_key_of_its_own_unless_the_caller_retries_with_one(wire: Wire, client: Client) -> None:
    client.repay("loan_1", 100, "wallet", "CLEAR")
    client.repay("loan_1", 100, "wallet", "CLEAR")
    client.repay("loan_1", 100, "wallet", "CLEAR", idempotency_key="again")

    keys = [exchange.headers["Idempotency-Key"] for exchange in wire.requests]
    assert [uuid.UUID(key).version for key in keys[:2]] == [4, 4]
    assert keys[0] != keys[1]
    assert keys[2] == "again"


def test_omitted_arguments_are_not_sent(wire: Wire, client: Client) -> None:
    client.borrow("brw_1", 100_000, product_id="jiebei-like")

    assert wire.last.body == {"borrower_id": "brw_1", "principal_minor": 100_000, "product_id": "jiebei-like"}


def test_a_quote_is_repaid_to_the_cent(wire: Wire, client: Client) -> None:
    quote = {"id": "qte_1", "loan_id": "loan_1", "total_minor": 100_450, "type": "CLEAR"}

    client.repay_quote(quote, "wallet", payer_reference="Ada")

    assert (wire.last.command, wire.last.path) == ("POST", "/v1/loans/loan_1/repayments")
    assert wire.last.body == {
        "amount_minor": 100_450, "channel": "wallet", "type": "CLEAR", "quote_id": "qte_1", "payer_reference": "Ada",
    }  # fmt: skip


def test_a_refusal_says_what_was_expected_and_what_to_do(wire: Wire, client: Client) -> None:
    wire.status, wire.answer = 409, json.dumps(REFUSED).encode()

    with pytest.raises(ProblemError) as caught:
        client.repay("loan_1", 100_449, "wallet", "CLEAR", quote_id="qte_1")

    problem = caught.value
    assert (problem.status, problem.code) == (409, "quote_mismatch")
    assert problem.document == REFUSED
    assert problem.hint in str(problem)
    assert "expected {'amount_minor': 100450}, received {'amount_minor': 100449}" in str(problem)


@pytest.mark.parametrize(("status", "answer"), [(502, b"<h1>Bad Gateway</h1>"), (200, b"[1, 2]"), (200, b"hello")])
def test_an_answer_that_is_not_the_platforms_is_named_as_such(
    wire: Wire, client: Client, status: int, answer: bytes
) -> None:
    wire.status, wire.answer = status, answer

    with pytest.raises(ProblemError) as caught:
        client.loan("loan_1")

    assert (caught.value.status, caught.value.code) == (status, "answer_not_understood")


@pytest.mark.parametrize(
    "path",
    ["", "v1/loans", "//evil.example/v1", "@evil.example/v1", ":80@evil.example/", ".evil.example/", "http://evil.example/",
     "\\\\evil.example/", "/\\evil.example/", "/v1 /loans", "/v1/loans\r\nX: 1", "/v1\t", "/v1/\x00", "/v1/\u3000", "\u2028/v1"],
)  # fmt: skip
def test_a_path_that_leaves_the_api_is_refused_and_nothing_is_sent(wire: Wire, path: str) -> None:
    with (
        Client(wire.url, "mk_key", control_token="secret-token") as client,
        pytest.raises(ValueError, match="not a path"),
    ):
        client.request("POST", path, {})

    assert wire.requests == []


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8300", "//127.0.0.1", "ftp://127.0.0.1", "http://", "http://[::1", "http://a..b", "http://127.0.0.1:x",
     "http://127.0.0.1:8300@evil.example", "http://127.0.0.1\\@evil.example", "http://127.0.0.1?a=", "http://127.0.0.1/#a",
     "http://127.0.0.1/\n"],
)  # fmt: skip
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not an address of a server"):
        Client(url)


@pytest.mark.parametrize("named", ["api_key", "control_token", "operator_token", "channel_token", "bureau_token"])
def test_a_key_that_no_header_takes_is_refused_and_not_shown(named: str) -> None:
    for value in ("a\r\nX: 1", "é", "\0", "\ud800"):
        arguments: dict[str, Any] = {named: value}
        with pytest.raises(ValueError, match=f"the {named} cannot be a header") as caught:
            Client("http://127.0.0.1", **arguments)
        assert value not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "LOCALHOST", "a.localhost", "[::1]", "[0:0:0:0:0:0:0:1]"])
def test_no_proxy_stands_before_any_address_of_this_machine(host: str) -> None:
    with Client(f"http://{host}:8300") as client, Client("http://192.0.2.7") as elsewhere:
        assert not client._session.trust_env
        assert elsewhere._session.trust_env


def test_a_redirect_is_not_followed_with_our_key(wire: Wire, client: Client) -> None:
    wire.status = 302

    with pytest.raises(ProblemError):
        client.loan("loan_1")

    assert len(wire.requests) == 1


def test_a_missing_answer_is_not_a_problem_error() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(requests.ConnectionError):
        client.loan("loan_1")


def test_an_id_stays_one_segment_of_the_path(wire: Wire, client: Client) -> None:
    client.loan("../-/audit?x=1#é")

    assert wire.last.path == "/v1/loans/..%2F-%2Faudit%3Fx%3D1%23%C3%A9"


def test_the_key_and_the_tokens_go_with_every_request(wire: Wire) -> None:
    tokens = {"control_token": "ct", "operator_token": "ot", "channel_token": "ch", "bureau_token": "bu"}
    with Client(wire.url, "mk_ada", **tokens) as client:  # type: ignore[arg-type]
        client.health()

    headers = wire.last.headers
    assert headers["Authorization"] == "Bearer mk_ada"
    planes = ("Control", "Operator", "Channel", "Bureau")
    assert [headers[f"X-Mocklend-{plane}"] for plane in planes] == ["ct", "ot", "ch", "bu"]


def test_netrc_and_proxies_are_ignored_on_loopback(
    wire: Wire, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login eve password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    client.health()

    assert wire.last.headers["Authorization"] == "Bearer mk_ada"


def test_a_sandbox_is_a_client_with_a_key_of_its_own(wire: Wire, client: Client) -> None:
    wire.answer = json.dumps({"id": "sbx_1", "api_key": "mk_new", "seed": 7}).encode()

    with client.sandbox(seed=7, now="2026-01-05T02:00:00Z") as bound:
        assert wire.last.body == {"seed": 7, "clock": {"mode": "manual", "now": "2026-01-05T02:00:00Z"}}
        bound.clock()

        assert (bound.sandbox_id, bound.seed) == ("sbx_1", 7)
        assert wire.last.headers["Authorization"] == "Bearer mk_new"


def test_deleting_the_default_sandbox_needs_its_id(client: Client) -> None:
    with pytest.raises(ValueError, match="pass a sandbox_id"):
        client.delete_sandbox()


def test_arming_a_fault_names_its_settings_and_can_be_repeated(wire: Wire, client: Client) -> None:
    client.arm("cache.bounded_stale", probability=0.5, match={"channel": "wallet"}, select={"times": 3}, lag_s=60)

    assert (wire.last.command, wire.last.path) == ("PUT", "/-/rules/cache.bounded_stale")
    assert wire.last.body == {
        "fault": "cache.bounded_stale",
        "match": {"channel": "wallet"},
        "select": {"probability": 0.5, "times": 3},
        "with": {"lag_s": 60},
    }


def test_a_setting_may_be_null(wire: Wire, client: Client) -> None:
    client.arm("callback.dropped", attempts_lost=None)

    assert wire.last.body["with"] == {"attempts_lost": None}


def test_on_exchange_is_called_for_each_request_and_answer(wire: Wire, client: Client) -> None:
    exchanges: list[Exchange] = []
    client.on_exchange = exchanges.append
    wire.answer = b'{"loans": [], "next_cursor": null}'

    client.loans(status="USING", limit=2)

    expected = Exchange("GET", "/v1/loans?status=USING&limit=2", None, 200, {"loans": [], "next_cursor": None})
    assert exchanges == [expected]


def test_there_is_a_method_for_every_call_of_the_contract(wire: Wire, client: Client) -> None:
    for call in CALLS:
        wire.status = 204 if call.startswith("DELETE") else 200
        wire.answer = b'{"id": "sbx_1", "api_key": "mk_new", "seed": 7, "advances": []}'

        CALLS[call](client)

        path = wire.last.path.partition("?")[0]
        assert f"{wire.last.command} {path}" == call


def test_the_platform_knows_every_address_that_the_client_uses(mocklend_server: str) -> None:
    document = requests.get(f"{mocklend_server}/openapi.json", timeout=10).json()
    routes = [
        (method.upper(), re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path))))
        for path, item in document["paths"].items()
        for method in item
    ]

    unknown = [
        call
        for call in CALLS
        if not any(method == call.split()[0] and path.fullmatch(call.split()[1]) for method, path in routes)
    ]

    assert [call for call in unknown if "/-/" not in call] == []
    assert not unknown or not entry_points(group="mocklend.layer")


CALLS: dict[str, Any] = {
    "POST /v1/borrowers": lambda c: c.add_borrower("ada", "Ada"),
    "GET /v1/borrowers/b": lambda c: c.borrower("b"),
    "GET /v1/products": lambda c: c.products(),
    "POST /v1/schedules": lambda c: c.schedule(100, "2026-01-05", {}),
    "POST /v1/loans": lambda c: c.borrow("b", 100, product_id="p"),
    "GET /v1/loans": lambda c: c.loans(),
    "GET /v1/loans/l": lambda c: c.loan("l"),
    "GET /v1/loans/l/instalments": lambda c: c.instalments("l"),
    "POST /v1/loans/l/quotes": lambda c: c.quote("l"),
    "POST /v1/loans/l/repayments": lambda c: c.repay("l", 100, "wallet", "CLEAR"),
    "GET /v1/repayments/r": lambda c: c.repayment("r"),
    "GET /v1/loans/l/repayments": lambda c: c.repayments("l"),
    "POST /v1/webhook-endpoints": lambda c: c.add_webhook_endpoint("http://127.0.0.1/x"),
    "GET /v1/webhook-endpoints": lambda c: c.webhook_endpoints(),
    "GET /v1/webhook-endpoints/e/webhooks": lambda c: c.webhooks("e"),
    "DELETE /v1/webhook-endpoints/e": lambda c: c.remove_webhook_endpoint("e"),
    "GET /v1/ledger/transactions": lambda c: c.transactions(),
    "POST /v1/callbacks/wallet": lambda c: c.send_callback("wallet", b"{}", {}),
    "POST /operator/loans/l/edits": lambda c: c.edit("l", "MODIFY_BILL_STATUS", operator="o", memo="m", status="CLEAR"),
    "GET /operator/loans/l/edits": lambda c: c.edits("l"),
    "POST /operator/loans/l/charges": lambda c: c.charge("l", "fee", 1, "2026-02-05", operator="o", memo="m"),
    "POST /operator/loans/l/waivers": lambda c: c.waive("l", "interest", 1, operator="o", memo="m"),
    "POST /operator/loans/l/write-offs": lambda c: c.write_off("l", operator="o", memo="m"),
    "POST /operator/loans/l/refunds": lambda c: c.refund("l", "wallet", operator="o", memo="m"),
    "GET /operator/loans/l/payouts": lambda c: c.payouts("l"),
    "GET /operator/loans/l/log": lambda c: c.operator_log("l"),
    "GET /operator/edits": lambda c: c.all_edits(),
    "GET /operator/edits/e": lambda c: c.edit_by_id("e"),
    "POST /operator/edits/e/approve": lambda c: c.approve_edit("e", approver="o"),
    "POST /operator/edits/e/reject": lambda c: c.reject_edit("e", operator="o", memo="m"),
    "POST /operator/loans/l/refresh": lambda c: c.refresh_page("l", operator="o", memo="m"),
    "POST /operator/edits/e/reverse": lambda c: c.reverse_edit("e", operator="o", memo="m"),
    "POST /operator/repayments/r/reverse": lambda c: c.reverse_repayment("r", operator="o", memo="m"),
    "POST /operator/repayments/r/query": lambda c: c.query_repayment("r", operator="o"),
    "POST /v1/disputes": lambda c: c.open_dispute("l", "other"),
    "GET /v1/disputes": lambda c: c.disputes(),
    "GET /v1/disputes/d": lambda c: c.dispute("d"),
    "POST /v1/disputes/d/statement": lambda c: c.add_dispute_statement("d", "No."),
    "POST /operator/disputes/d/verify": lambda c: c.verify_dispute("d", operator="o"),
    "POST /operator/disputes/d/decide": lambda c: c.decide_dispute("d", "UPHELD", operator="o", memo="m"),
    "POST /v1/loans/l/certificates": lambda c: c.issue_certificate("l"),
    "GET /v1/certificates/c": lambda c: c.certificate("c"),
    "GET /operator/loans/l": lambda c: c.books("l"),
    "GET /channels": lambda c: c.channels(),
    "GET /channels/wallet/trades/t": lambda c: c.trade("wallet", "t"),
    "GET /channels/wallet/callbacks/t": lambda c: c.callback("wallet", "t"),
    "POST /operator/alerts/runs": lambda c: c.run_alerts(),
    "GET /operator/alerts/runs/chk_1": lambda c: c.alert_run_state("chk_1"),
    "GET /operator/alerts/incidents": lambda c: c.incidents(),
    "GET /operator/alerts/history": lambda c: c.alert_history(),
    "GET /channels/trades": lambda c: c.trades(),
    "GET /channels/callbacks": lambda c: c.callbacks(),
    "POST /channels/callbacks/c/resend": lambda c: c.resend_callback("c"),
    "GET /v1/webhooks": lambda c: c.all_webhooks(),
    "POST /v1/webhooks/w/resend": lambda c: c.resend_webhook("w"),
    "GET /bureau/borrowers/b/report": lambda c: c.credit_report("b"),
    "GET /bureau/borrowers/b/score": lambda c: c.credit_score("b", transaction_id="t"),
    "GET /bureau/loans/l/records": lambda c: c.bureau_records("l"),
    "GET /bureau/submissions/2026-01-05": lambda c: c.bureau_submission("2026-01-05"),
    "GET /bureau/lenders": lambda c: c.lenders(),
    "POST /bureau/lenders/x/applications": lambda c: c.apply("x", "b", "card", 100),
    "GET /bureau/lenders/x/copies/b": lambda c: c.lender_copy("x", "b"),
    "POST /-/sandboxes": lambda c: c.sandbox(seed=7).close(),
    "GET /-/sandboxes/s": lambda c: c.describe_sandbox("s"),
    "DELETE /-/sandboxes/s": lambda c: c.delete_sandbox("s"),
    "GET /-/clock": lambda c: c.clock(),
    "POST /-/clock/advance": lambda c: c.advance("PT1H"),
    "GET /-/clock/advances": lambda c: c.advances(),
    "GET /-/clock/advances/a": lambda c: c.advance_state("a"),
    "POST /-/reset": lambda c: c.reset(),
    "GET /-/faults": lambda c: c.faults(),
    "GET /-/faults/f": lambda c: c.fault("f"),
    "PUT /-/rules/r": lambda c: c.put_rule("r", {}),
    "GET /-/rules/r": lambda c: c.rule("r"),
    "PATCH /-/rules/r": lambda c: c.patch_rule("r", enabled=False),
    "DELETE /-/rules/r": lambda c: c.disarm("r"),
    "GET /-/rules": lambda c: c.rules(),
    "POST /-/rules": lambda c: c.put_rules([]),
    "POST /-/rules/halt": lambda c: c.halt(),
    "GET /-/answer-key": lambda c: c.answer_key(),
    "POST /-/scores": lambda c: c.score([]),
    "GET /-/audit": lambda c: c.audit(),
    "GET /-/health": lambda c: c.health(),
}
"""The contract's JSON calls, and the client's method for each."""


def test_a_statement_comes_byte_by_byte_and_its_refusal_as_a_problem(wire: Wire, client: Client) -> None:
    exchanges: list[Exchange] = []
    client.on_exchange = exchanges.append
    wire.answer = "#账号：[wallet-CNY]\r\n".encode("gbk")

    got = client.statement("wallet", "2026-01-05", format="alipay_funds_csv")

    assert got == wire.answer
    assert wire.last.path == "/channels/wallet/statements/2026-01-05?format=alipay_funds_csv"
    wire.status, wire.answer = 409, json.dumps({**REFUSED, "code": "statement_not_ready"}).encode()
    with pytest.raises(ProblemError) as caught:
        client.statement("wallet", "2026-01-06")
    assert caught.value.code == "statement_not_ready"
    assert [exchange.status for exchange in exchanges] == [200, 409]


def test_every_reads_a_list_page_by_page(mocklend: Client) -> None:
    ada = mocklend.add_borrower("ada", "Ada")["id"]
    loans = [mocklend.borrow(ada, 10_000, product_id="jiebei-like")["id"] for _ in range(5)]
    for loan in loans:
        mocklend.repay(loans[0], 100, "wallet", "OVD_AND_CURRENT")
        mocklend.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=100, operator="olaf", memo="a fee")
        mocklend.open_dispute(loan, "other")
        mocklend.pay_at_channel("bank_transfer", 100, payer_name="Ada")
    mocklend.advance("P1D")

    for method, arguments, count in (
        ("loans", (), 5),
        ("repayments", (loans[0],), 5),
        ("disputes", (), 5),
        ("all_edits", (), 5),
        ("receipts", (), 5),
    ):
        assert len({item["id"] for item in mocklend.every(method, *arguments, limit=2)}) == count, method
    assert (
        len(list(mocklend.every("transactions", limit=2))) == len(mocklend.transactions(limit=500)["transactions"]) > 5
    )
    assert list(mocklend.every("alerts", limit=1)) == mocklend.alerts(limit=500)["alerts"]
    with pytest.raises(ValueError, match="'page' is not a list; known: loans, repayments"):
        next(mocklend.every("page"))


def test_the_all_loans_baseline_reports_loans_beyond_the_first_list_page(mocklend: Client) -> None:
    from mocklend.reconcilers.baselines import all_loans

    for n in range(51):
        who = mocklend.add_borrower(f"borrower-{n}", "Ada")["id"]
        mocklend.borrow(who, 10_000, product_id="jiebei-like")

    assert len({loan.entity for loan in all_loans(mocklend)}) == 51

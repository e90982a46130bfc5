"""Sandboxes are isolated: events in another sandbox with the same ids change no answer in this one.

Every GET of the OpenAPI document is requested, with every parameter that has a value here. That each SQL text reads the
rows of one sandbox is tested elsewhere: every text of the source in `tests/storage/test_scoping.py`, and every text that
any test runs in `tests/conftest.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from apiflask import APIFlask

from mocklend.client import Doc
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend_faults.engine import FaultLayer
from support.caller import Caller, Documented

pytestmark = pytest.mark.security

MONDAY_MS = 1_767_578_400_000
BY = {"operator": "wei", "memo": "a memo"}
TERMS = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}
LEFT_OUT = {
    "/-/sandboxes", "/-/metrics", "/-/health", "/-/requests", "/-/live", "/-/live/stream",
    "/-/classes", "/-/classes/{class_id}", "/-/classes/{class_id}/csv",
    "/-/reports", "/-/reports/{report_id}",
}  # fmt: skip
"""Endpoints about the whole server, the request log, which grows with each request, and what is of real seconds."""


@pytest.fixture
def platform(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with faults."""
    return open_platform(FaultLayer())


class Somebody:
    """A caller in a sandbox of seed 7 who uses most operations; `n` changes the amounts."""

    def __init__(self, app: APIFlask, documented: Documented, platform: Platform, caller: type[Caller], n: int) -> None:
        sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS, four_eyes_above_minor=10_000 * n)
        self.id, self.n = sandbox.id, n
        self.api = caller(app, documented, sandbox.api_key)
        self.known: dict[str, str] = {
            "id": sandbox.id,
            "channel": "wallet",
            "date": "2026-01-05",
            "lender": "swift-card",
        }

    def lives(self) -> None:
        """Run the operations in a fixed order, and so with the same ids in every sandbox of this seed."""
        api, n = self.api, self.n
        ada = api.borrower()
        body = {"borrower_id": ada, "principal_minor": 100_000 * n, "product": TERMS, "reference": "first"}
        loan = api.made(api.post("/v1/loans", body))["id"]
        paid_up = api.made(api.post("/v1/loans", body | {"reference": "second", "disburse_to": "wallet"}))["id"]
        api.wait("PT1H")
        self._arms()
        quote = api.quote(loan)
        repayment = api.repay(loan, 9_500 * n)
        api.wait("PT1H")
        api.repay(paid_up, api.quote(paid_up)["total_minor"], type="CLEAR")
        push = {"amount_minor": 700 * n, "currency": "CNY", "payer_name": f"Nobody {n}", "payer_reference": "for it"}
        api.made(api.post("/channels/bill_pay/payments", push))
        api.wait("PT1H")
        fee = {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 5 * n, **BY}
        edit = api.made(api.post(f"/operator/loans/{loan}/edits", fee))["id"]
        api.made(api.post(f"/operator/loans/{loan}/edits", fee | {"amount_minor": 20_000 * n}))  # waits for approval
        certificate = api.post(f"/v1/loans/{paid_up}/certificates", {})
        complaint = {"loan_id": loan, "claim": "wrong_amount", "statement": f"I paid {n}.", "evidence": []}
        dispute = api.made(api.post("/v1/disputes", complaint))["id"]
        wish = {"borrower_id": ada, "product": "card", "amount_minor": 1_000 * n}
        api.made(api.post("/bureau/lenders/swift-card/applications", wish))
        api.wait("P40D")
        hook = {"url": "http://127.0.0.1:9/", "events": ["*"], "profile": "standard"}
        endpoint = api.made(api.post("/v1/webhook-endpoints", hook))["id"]
        api.repay(loan, 100 * n)
        self.known |= {
            "loan_id": loan, "borrower_id": ada, "quote_id": quote["id"], "repayment_id": repayment["id"],
            "out_trade_no": repayment["out_trade_no"], "edit_id": edit, "dispute_id": dispute, "rule_id": "late",
            "experiment_id": "weather", "entity": loan, "limit": "1", "format": "jsonl", "state": "DRAFT",
            "currency": "CNY", "transaction_id": "t1", "endpoint_id": endpoint, "advance_id": "adv_1", "audit_id": "aud_1",
            "alert_run_id": "chk_2",
            "fault": "cache.bounded_stale", "score_id": api.made(api.post("/-/scores", {"findings": []}))["id"],
            "event": "repayment.ordered",
        }  # fmt: skip
        if certificate.status_code < 300:
            self.known["certificate_id"] = certificate.get_json()["id"]

    def _arms(self) -> None:
        rules = {
            "late": {"fault": "cache.bounded_stale", "with": {"lag_s": 60 * self.n}},
            "gone": {"fault": "callback.dropped", "match": {"channel": "bill_pay"}},
        }
        for id, rule in rules.items():
            self.api.made(self.api.call("PUT", f"/-/rules/{id}", json=rule))
        weather = {"stages": [{"name": "calm", "duration_s": 600 * self.n}]}
        self.api.made(self.api.call("PUT", "/-/experiments/weather", json=weather))

    def asks_everything(self, document: Doc) -> dict[str, tuple[int, bytes]]:
        """The answers to every GET, without parameters and with each parameter alone."""
        answers = {}
        for path, operations in sorted(document["paths"].items()):
            if "get" not in operations or path in LEFT_OUT:
                continue
            placeholders = re.findall(r"\{(\w+)\}", path)
            assert set(placeholders) <= self.known.keys(), f"{path} needs {placeholders}"
            address = path.format(**self.known)
            names = [
                parameter["name"] for parameter in operations["get"].get("parameters", ()) if parameter["in"] == "query"
            ]
            for query in [{}, *({name: self.known[name]} for name in names if name in self.known)]:
                if path == "/channels/{channel}/statements/{date}" and "format" in query:
                    query = {"format": "wechat_csv"}
                answered = self.api.get(address, **query)
                answers[f"{address} {query}"] = (answered.status_code, answered.data)
        return answers


def test_what_happens_in_another_sandbox_changes_no_answer(
    app: APIFlask, documented: Documented, platform: Platform, api: Caller
) -> None:
    ada, twin = (Somebody(app, documented, platform, type(api), n) for n in (1, 2))
    ada.lives()
    ada.asks_everything(documented.document)  # A statement is made when it is asked for first.
    alone = ada.asks_everything(documented.document)

    twin.lives()

    beside = ada.asks_everything(documented.document)
    assert [request for request in alone if alone[request] != beside[request]] == []
    same_ids = {name for name in ada.known if ada.known[name] == twin.known[name]}
    assert ada.known.keys() - same_ids == {"id"}  # They would be taken for each other.
    answered = {request.split(" ")[0] for request, (status, _) in alone.items() if status == 200}
    assert {f"/v1/loans/{ada.known['loan_id']}", "/operator/receipts", "/operator/alerts"} <= answered
    refused = sorted(request for request, (status, _) in alone.items() if status != 200)
    assert len(refused) <= 13, refused


def test_deleting_a_sandbox_removes_all_its_rows_and_no_others(
    app: APIFlask, documented: Documented, platform: Platform, api: Caller
) -> None:
    ada, twin = (Somebody(app, documented, platform, type(api), n) for n in (1, 2))
    ada.lives()
    twin.lives()
    ada.asks_everything(documented.document)
    before = ada.asks_everything(documented.document)

    platform.delete_sandbox(twin.id)

    assert ada.asks_everything(documented.document) == before
    with pytest.raises(Refused, match="sandbox_unknown"):
        platform.audit(twin.id)

"""Bad input to every POST endpoint: a clear problem+json, never a 500, and no row is written.

The addresses come from the app itself, so a new endpoint is in the table, or the first test here fails.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from apiflask import APIFlask

from mocklend.views.reads import cursor
from support.caller import Caller, Documented
from support.story import Story

pytestmark = pytest.mark.security

TERMS = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}
BY = {"memo": "a memo", "operator": "wei"}

GOOD: dict[str, dict[str, Any]] = {
    "/v1/borrowers": {"reference": "bob", "name": "Bob", "credit_limit_minor": 100_000},
    "/v1/schedules": {"principal_minor": 1000, "currency": "CNY", "start_date": "2026-01-05", "product": TERMS},
    "/v1/loans": {
        "borrower_id": "brw_ada",
        "principal_minor": 1000,
        "currency": "CNY",
        "product": TERMS,
        "reference": "r",
    },
    "/v1/loans/<id:loan_id>/quotes": {"type": "CLEAR", "date": "2026-01-05"},
    "/v1/loans/<id:loan_id>/repayments": {
        "amount_minor": 1000,
        "channel": "wallet",
        "type": "OVD_AND_CURRENT",
        "quote_id": "qte_1",
        "payer_reference": "r",
    },
    "/v1/webhook-endpoints": {"url": "http://127.0.0.1:9/", "events": ["*"], "profile": "standard"},
    "/operator/loans/<id:loan_id>/edits": {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 5, "approver": "li", **BY},
    "/operator/loans/<id:loan_id>/charges": {
        "kind": "fee",
        "amount_minor": 5,
        "due_date": "2026-02-05",
        "approver": "li",
        **BY,
    },
    "/operator/loans/<id:loan_id>/waivers": {"part": "interest", "amount_minor": 5, "approver": "li", **BY},
    "/operator/loans/<id:loan_id>/write-offs": {"approver": "li", **BY},
    "/operator/loans/<id:loan_id>/refunds": {"amount_minor": 5, "channel": "wallet", "approver": "li", **BY},
    "/operator/loans/<id:loan_id>/catch-up": BY,
    "/operator/edits/<id:edit_id>/approve": {"approver": "li"},
    "/operator/edits/<id:edit_id>/reject": BY,
    "/operator/loans/<id:loan_id>/refresh": BY,
    "/operator/edits/<id:edit_id>/reverse": BY,
    "/operator/repayments/<id:repayment_id>/reverse": BY,
    "/operator/repayments/<id:repayment_id>/rebook": BY,
    "/operator/repayments/<id:repayment_id>/reinstate": BY,
    "/operator/repayments/<id:repayment_id>/query": {"operator": "wei"},
    "/channels/<id:channel>/payments": {
        "amount_minor": 1000,
        "currency": "CNY",
        "payer_name": "Ada",
        "payer_reference": "my loan",
        "type": "OVD_AND_CURRENT",
    },
    "/channels/<id:channel>/statements/<id:date>/remake": {"currency": "CNY"},
    "/operator/receipts/query": {"channel": "bill_pay", "out_trade_no": "PYNOBODY", "operator": "wei"},
    "/operator/receipts/<id:receipt_id>/match": {"loan_id": "loan_1", **BY},
    "/operator/receipts/<id:receipt_id>/reverse": BY,
    "/operator/receipts/<id:receipt_id>/move": {"loan_id": "loan_1", **BY},
    "/v1/disputes": {"loan_id": "loan_1", "claim": "other", "statement": "I paid.", "evidence": []},
    "/v1/disputes/<id:dispute_id>/statement": {"statement": "I disagree."},
    "/operator/disputes/<id:dispute_id>/verify": {"operator": "wei"},
    "/operator/disputes/<id:dispute_id>/decide": {"decision": "UPHELD", "compensation_minor": 5, **BY},
    "/bureau/lenders/<id:lender>/applications": {
        "borrower_id": "brw_ada",
        "product": "car",
        "amount_minor": 1000,
    },
    "/-/sandboxes": {"seed": 1, "clock": {"mode": "manual", "now": "2026-01-05T02:00:00Z"}, "zone": "Asia/Tokyo"},
    "/-/clock/advance": {"to": "2026-01-06T02:00:00Z"},
}
READS_ITSELF = {
    "/v1/callbacks/<id:channel>",
    "/-/reset",
    "/-/audits",
    "/v1/loans/<id:loan_id>/certificates",
    "/channels/<id:channel>/trades/<id:out_trade_no>/return",
    "/channels/<id:channel>/payouts/<id:payout_id>/failure",
    "/channels/callbacks/<id:callback_id>/resend",
    "/v1/webhooks/<id:webhook_id>/resend",
    "/operator/alerts/runs",
}
"""Addresses whose bodies are looked at in tests of their own."""

DEEP = 50_000
UNREADABLE: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "body_not_json"),
    "cut off": (b'{"amount_minor": 1', 400, "body_not_json"),
    "no JSON": (b"amount_minor=1", 400, "body_not_json"),
    "two documents": (b"{} {}", 400, "body_not_json"),
    "single quotes": (b"{'amount_minor': 1}", 400, "body_not_json"),
    "a trailing comma": (b'{"amount_minor": 1,}', 400, "body_not_json"),
    "Latin-1": ('{"name": "é"}'.encode("latin-1"), 400, "body_not_json"),
    "half a surrogate in UTF-8": (b'{"name": "\xed\xa0\x80"}', 400, "body_not_json"),
    "a byte order mark and nothing": (b"\xef\xbb\xbf", 400, "body_not_json"),
    "two byte order marks": (b"\xef\xbb\xbf\xef\xbb\xbf{}", 400, "body_not_json"),
    "UTF-16": ('{"name": "Ada"}'.encode("utf-16"), 400, "body_not_json"),
    "UTF-16 without a mark": ('{"name": "Ada"}'.encode("utf-16-le"), 400, "body_not_json"),
    "NUL as it is": (b'{"name": "\0"}', 400, "body_not_json"),
    "NaN": (b'{"amount_minor": NaN}', 400, "body_not_json"),
    "Infinity": (b'{"amount_minor": -Infinity}', 400, "body_not_json"),
    "1e999": (b'{"amount_minor": 1e999}', 400, "body_not_json"),
    "a field given twice": (b'{"name": "a", "name": "b"}', 400, "body_not_json"),
    "brackets": (b"[" * DEEP, 400, "body_too_deep"),
    "brackets that close": (b"[" * 20_000 + b"]" * 20_000, 400, "body_too_deep"),
    "brackets in a field": (b'{"name": ' + b"[" * DEEP + b"1", 400, "body_too_deep"),
    "braces": (b'{"a":' * 10_000, 400, "body_too_deep"),
    "brackets behind a quote": (b'{"a\\"": ' + b"[" * DEEP, 400, "body_too_deep"),
    "too much": (b'{"name": "' + b"a" * 70_000 + b'"}', 413, "body_too_large"),
    "NUL": (b'{"name": "\\u0000"}', 400, "text_not_storable"),
    "NUL in a name": (b'{"\\u0000": 1}', 400, "text_not_storable"),
    "half a surrogate": (b'{"name": "\\ud800"}', 400, "text_not_storable"),
    "the other half": (b'{"name": ["\\udfff"]}', 400, "text_not_storable"),
    "an array": (b"[]", 422, "validation_failed"),
    "a string": (b'"loan"', 422, "validation_failed"),
    "a number": (b"1", 422, "validation_failed"),
    "null": (b"null", 422, "validation_failed"),
    "an unknown field": (b'{"amount": 1}', 422, "validation_failed"),
    "brackets in a string": (json.dumps({"amount": "[" * 1000}).encode(), 422, "validation_failed"),
}

NO_INTEGERS: list[Any] = [
    True, False, 3.0, 1.5, "5", "", [], [1], {}, 2**63, -(2**63) - 1, 10**60, 10**15 + 1, -(10**15) - 1, 1e300,
]  # fmt: skip
NO_TEXTS: list[Any] = [5, 0, True, 1.5, [], ["a"], {}, "", "a" * 5000]


def address(rule: str, values: dict[str, str]) -> str:
    """An address of a route."""
    for name, id in values.items():
        rule = rule.replace(f"<id:{name}>", id)
    return rule


@pytest.fixture
def ids(api: Caller) -> dict[str, str]:
    """A loan with a repayment on the books, an edit and a borrower."""
    loan = api.borrow()
    repayment = api.repay(loan["id"], 1000)
    api.wait(2)
    fee = {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 5, **BY}
    edit = api.made(api.post(f"/operator/loans/{loan['id']}/edits", fee))
    return {
        "loan_id": loan["id"],
        "repayment_id": repayment["id"],
        "edit_id": edit["id"],
        "channel": "wallet",
        "date": "2026-01-05",
        "receipt_id": "rct_nobody",
        "dispute_id": "dsp_nobody",
        "lender": "harbour-bank",
        "borrower": loan["borrower_id"],
    }


def test_every_post_endpoint_is_in_the_table(app: APIFlask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}

    assert rules == set(GOOD) | READS_ITSELF


@pytest.mark.parametrize("rule", sorted(GOOD))
def test_what_cannot_be_read_is_refused_and_nothing_is_written(
    api: Caller, story: Story, ids: dict[str, str], rule: str
) -> None:
    before = story.everything()
    path = address(rule, ids)

    for name, (body, status, code) in UNREADABLE.items():
        headers = {"Content-Type": "application/json", "Idempotency-Key": "a"}
        refused = api.call("POST", path, headers, data=body)
        assert api.problem(refused, status, code), name

    assert story.everything() == before


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_with_another_media_type_than_json_is_refused(
    api: Caller, ids: dict[str, str], content_type: str
) -> None:
    for rule in GOOD:
        refused = api.call("POST", address(rule, ids), {"Content-Type": content_type}, data=b"{}")
        api.problem(refused, 415, "media_type_unsupported")


def test_a_bad_change_of_a_sandbox_is_refused_and_nothing_is_written(api: Caller, story: Story) -> None:
    before, path = story.everything(), "/-/sandboxes/default"

    for name, (body, status, code) in UNREADABLE.items():
        refused = api.call("PATCH", path, {"Content-Type": "application/json"}, data=body)
        assert api.problem(refused, status, code), name
    for field in ("label", "truth"):
        for value in NO_TEXTS:
            if (field, value) != ("label", ""):  # That takes the label away.
                refused = api.call("PATCH", path, json={field: value})
                assert api.problem(refused, 422, "validation_failed")["errors"][0]["field"] == field, value
    api.problem(api.call("PATCH", path, {"Content-Type": "text/plain"}, data=b"{}"), 415, "media_type_unsupported")

    assert story.everything() == before


@pytest.mark.parametrize("nobody", [" ", "\u3000", "\u200b\u200d", "\u2066\u2069", "\u3164"])
def test_a_name_of_invisible_characters_is_refused(api: Caller, ids: dict[str, str], nobody: str) -> None:
    named = [(rule, field) for rule, body in GOOD.items() for field in body if field in ("operator", "approver")]
    assert len(named) > 20

    for rule, field in named:
        refused = api.post(address(rule, ids), GOOD[rule] | {field: nobody}, key="a")
        assert api.problem(refused, 422, "validation_failed")["errors"][0]["field"] == field


@pytest.mark.parametrize("rule", sorted(GOOD))
def test_a_wrong_field_is_named(api: Caller, story: Story, ids: dict[str, str], rule: str) -> None:
    before = story.everything()
    path = address(rule, ids)

    for field, good in GOOD[rule].items():
        wrong = NO_INTEGERS if isinstance(good, int) else NO_TEXTS if isinstance(good, str) else [5, "a", True]
        for value in wrong:
            if field == "seed" and value == 10**15 + 1:
                continue  # A seed is no amount.
            refused = api.post(path, GOOD[rule] | {field: value}, key="a")
            document = api.problem(refused, 422, "validation_failed")
            assert document["errors"][0]["field"].startswith(field), (field, value)
            assert document["errors"][0]["expected"]

    assert story.everything() == before


@pytest.mark.parametrize("rule", sorted(GOOD))
def test_a_missing_required_field_is_named(api: Caller, documented: Documented, ids: dict[str, str], rule: str) -> None:
    template = rule.replace("<id:", "{").replace(">", "}")
    body = documented.document["paths"][template]["post"]["requestBody"]
    assert body["required"] is True
    name = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]

    for field in documented.document["components"]["schemas"][name].get("required", []):
        less = {right_value: value for right_value, value in GOOD[rule].items() if right_value != field}
        document = api.problem(api.post(address(rule, ids), less), 422, "validation_failed")
        assert {"field": field, "expected": "a value: the field is required", "received": "nothing"} in document[
            "errors"
        ]


@pytest.mark.parametrize("digits", [19, 20, 40, 400, 5000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_very_long_integer_is_refused_and_shown_shortened(
    api: Caller, ids: dict[str, str], digits: int, sign: str
) -> None:
    body = f'{{"amount_minor": {sign}{"9" * digits}, "channel": "wallet", "type": "CLEAR"}}'.encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "a"}

    refused = api.call("POST", f"/v1/loans/{ids['loan_id']}/repayments", headers, data=body)

    document = api.problem(refused, 422, "validation_failed")
    assert document["errors"][0]["field"] == "amount_minor"
    assert len(refused.data) < 1000


@pytest.mark.parametrize("amount_minor", [0, -1, -(10**15)])
def test_an_amount_that_moves_is_at_least_one(
    api: Caller, story: Story, ids: dict[str, str], amount_minor: int
) -> None:
    before = story.everything()

    repayment = {"amount_minor": amount_minor, "channel": "wallet", "type": "CLEAR"}
    api.problem(api.post(f"/v1/loans/{ids['loan_id']}/repayments", repayment), 422, "validation_failed")
    loan = {"borrower_id": ids["borrower"], "principal_minor": amount_minor, "product": TERMS}
    api.problem(api.post("/v1/loans", loan), 422, "validation_failed")

    assert story.everything() == before


NO_IDS = [
    "%00",
    "%ED%A0%80",
    "%FF",
    "a%00b",
    "%20",
    "a b",
    "é",
    "%F0%9F%92%B8",
    "a" * 81,
    "a" * 8000,
    "-1",
    "*",
    "%2e%2e",
    "a%0a",
]
IDS = ["9223372036854775808", "-9223372036854775809"[1:], "18446744073709551616", "loan_0", "NaN", "null", "a" * 80]


def test_a_malformed_id_in_an_address_is_not_found(api: Caller, app: APIFlask) -> None:
    for rule in app.url_map.iter_rules():
        if not rule.arguments or rule.rule.startswith("/docs"):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for id in NO_IDS:
                path = address(rule.rule, dict.fromkeys(rule.arguments, id))
                refused = api.call(method, path, json={} if method == "POST" else None)
                assert refused.status_code in (404, 405), (method, path)
                assert refused.mimetype == "application/problem+json"


def test_a_well_formed_id_without_an_entity_is_unknown(api: Caller, app: APIFlask) -> None:
    for rule in app.url_map.iter_rules():
        if not rule.arguments or rule.rule.startswith("/docs"):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for id in IDS:
                path = address(rule.rule, dict.fromkeys(rule.arguments, id))
                if method == "POST":
                    refused = api.post(path, GOOD.get(rule.rule, {}))
                else:
                    refused = api.call(method, path, json={} if method == "PATCH" else None)
                assert refused.status_code == 404, (method, path)
                assert refused.get_json()["code"].endswith("_unknown")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=-1", "limit=1.0", "limit=", "limit=9223372036854775808", "limit=%00", "limit=٣", "limit=1e2",
     "cursor=", "cursor=%00", "cursor=!!!", "cursor=a", "cursor=AAAA", "cursor=_____w", "cursor=" + "a" * 500, "cursor=%ED%A0%80",
     "page=2", "limit=1&after_=x", "%00=1"],
)  # fmt: skip
def test_a_wrong_query_parameter_is_named(api: Caller, ids: dict[str, str], query: str) -> None:
    for path in ("/v1/loans", f"/v1/loans/{ids['loan_id']}/repayments"):
        api.problem(api.call("GET", f"{path}?{query}"), 422, "validation_failed")
    api.problem(api.call("GET", f"/v1/ledger/transactions?{query}"), 422, "validation_failed")


def test_an_address_with_an_empty_part_is_not_found_and_not_redirected(app: APIFlask) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            path = address(rule.rule, dict.fromkeys(rule.arguments, "x"))
            for doubled in {path.replace("/x", "/", 1), path.replace("/", "//")[1:]} - {path}:
                answer = client.open(doubled, method=method)
                assert (answer.status_code, answer.headers.get("Location")) == (404, None), (method, doubled)


NO_TEXTS_IN_QUERIES = (
    "%00",
    "a%00b",
    "%ff",
    "%C3",
    "%ED%A0%80",
    "\xff",
    "%0a",
    "%0d%0aX: 1",
    "%1b[2J",
    "%7f",
    "%C2%85",
)


@pytest.mark.parametrize("text", NO_TEXTS_IN_QUERIES)
def test_a_query_parameter_is_text_without_control_characters(
    api: Caller, app: APIFlask, ids: dict[str, str], text: str
) -> None:
    path = f"/bureau/borrowers/{ids['borrower']}/score"

    for query, field in ((f"transaction_id={text}", "transaction_id"), (f"{text}=1", None)):
        environ = {"PATH_INFO": path, "QUERY_STRING": query}
        refused = api.call("GET", "/", environ_overrides=environ)
        [error] = api.problem(refused, 422, "validation_failed")["errors"]
        if field:
            assert error["field"] == field
            assert error["expected"] == "text in UTF-8 without control characters"


@pytest.mark.parametrize("place", ["loan_x/²", "/³", "x/9999999999999999999", "x/-1", "/"])
def test_an_invented_cursor_is_refused(api: Caller, ids: dict[str, str], place: str) -> None:
    read = api.get("/v1/ledger/transactions", cursor=cursor("journal.chain", place))

    assert read.status_code == 422
    api.problem(read, 422, "validation_failed")

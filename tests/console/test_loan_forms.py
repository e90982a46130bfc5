"""The loan's forms: each does what its curl does, errors stand by their field, and the answer is in the timeline."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Callable
from typing import NamedTuple

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mocklend.app import create_app
from mocklend.client import Client, Doc, numbered_keys
from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.console.loan_forms import FORMS, SECTIONS
from mocklend.language import Language
from mocklend.runtime import NewSandbox, Platform
from mocklend.scenarios.in_process import client_of
from mocklend_faults.engine.layer import FaultLayer
from support.console import Browser, english_sentences, seen
from support.story import MONDAY_MS, SEED, Story

BY = {"operator": "wei", "memo": "as agreed"}


class Told(NamedTuple):
    """A loan to which every form but one can do something, and what each form acts on, by its operation."""

    loan_id: str
    paid_off: str
    lending: str
    targets: dict[str, str]


def told(client: Client) -> Told:
    """Ada borrows twice; orders, receipts, edits and disputes of every state are about her first loan."""
    client.next_key = numbered_keys()
    ada = client.add_borrower("ada", "Ada")["id"]
    loan, paid_off = (client.borrow(ada, 100_000, product_id="jiebei-like")["id"] for _ in range(2))
    first = client.repay(loan, 9_000, "wallet", "OVD_AND_CURRENT")
    client.settle(first)
    reversed_order = client.repay(loan, 100, "wallet", "OVD_AND_CURRENT")
    client.settle(reversed_order)
    client.reverse_repayment(reversed_order["id"], **BY)
    client.arm("operator.prepay_as_partial", rule_id="partial", select={"times": 1})
    booked_wrong = client.repay_quote(client.quote(paid_off), "wallet")
    client.settle(booked_wrong)
    client.arm("callback.duplicated", rule_id="twice", select={"times": 1})
    client.settle(client.repay(loan, 200, "wallet", "OVD_AND_CURRENT"))
    client.halt()
    [second] = client.receipts()["receipts"]
    for amount in (700, 800):
        client.pay_at_channel("bill_pay", amount, payer_name="Ada")
    client.advance("P1D")
    unapplied = [receipt["id"] for receipt in client.receipts(state="UNAPPLIED")["receipts"]]
    client.match_receipt(unapplied[0], loan_id=loan, **BY)
    edit = client.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=300, **BY)["id"]
    draft = client.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=20_000, **BY)["id"]
    waits, verifying, rejected = (
        client.open_dispute(loan, "wrong_amount", statement="I paid more.")["id"] for _ in range(3)
    )
    client.advance("P5D")
    for dispute in (verifying, rejected):
        client.verify_dispute(dispute, operator="wei")
    client.decide_dispute(rejected, "REJECTED", operator="wei", memo="as agreed")
    order = client.repay(loan, 400, "bank_transfer", "OVD_AND_CURRENT")
    client.advance("P1D")
    payment = client.pay_at_channel("bill_pay", 900, payer_name="Ada")
    client.advance("P1D")
    client.edit(loan, "MODIFY_PAID_REVOKE_AMOUNT", amount_minor=50, **BY)
    client.charge(loan, "fee", 500, due_date="2026-02-01", **BY)
    client.statement("wallet", "2026-01-05")
    lending = client.borrow(ada, 50_000, product_id="jiebei-like", disburse_to="bank_transfer")["id"]
    [payout] = client.payouts(lending)["payouts"]
    return Told(
        loan,
        paid_off,
        lending,
        {
            "applyAtLender": "swift-card", "approveEdit": draft, "rejectEdit": draft, "reverseEdit": edit,
            "queryRepayment": order["id"], "rebookRepayment": booked_wrong["id"], "reverseRepayment": first["id"],
            "reinstateRepayment": reversed_order["id"], "matchReceipt": unapplied[1], "moveReceipt": unapplied[0],
            "reverseReceipt": second["id"], "verifyDispute": waits, "decideDispute": verifying,
            "addStatement": rejected, "remakeStatement": "wallet/statements/2026-01-05",
            "queryPayment": payment["out_trade_no"], "failPayout": f"bank_transfer/payouts/{payout['id']}",
        },
    )  # fmt: skip


TYPED: dict[str, dict[str, str]] = {
    "repay": {"amount_minor": "5000", "channel": "wallet", "type": "OVD_AND_CURRENT"},
    "openDispute": {
        "claim": "wrong_amount", "statement": "I paid 90.00.", "evidence.0.kind": "bank_slip",
        "evidence.0.channel": "wallet", "evidence.0.amount_minor": "9000", "evidence.0.paid_at": "2026-01-05T10:00",
    },
    "applyAtLender": {"product": "card", "amount_minor": "100000", "refresh": "true"},
    "edit": {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": "-100"},
    "charge": {"kind": "fee", "amount_minor": "100", "due_date": "2026-02-01"},
    "waive": {"part": "fee", "amount_minor": "100"},
    "refund": {"channel": "wallet", "amount_minor": "1"},
    "approveEdit": {"approver": "li"},
    "queryPayment": {"channel": "bill_pay"},
    "decideDispute": {"decision": "UPHELD", "compensation_minor": "500"},
    "addStatement": {"statement": "I do not agree."},
    "remakeStatement": {"currency": "CNY"},
}  # fmt: skip
"""What is typed into each form beside operator and memo."""


@pytest.fixture
def faulty(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with the fault layer."""
    return open_platform(FaultLayer())


@pytest.fixture
def api(faulty: Platform) -> FlaskClient:
    """The API."""
    return create_app(Settings(), faulty).test_client()


class Twin(NamedTuple):
    """One of two sandboxes in which the same has happened."""

    sandbox: NewSandbox
    client: Client
    told: Told
    browser: Browser


def twin(platform: Platform, name: str) -> Twin:
    """A sandbox with the story."""
    made = platform.create_sandbox(seed=SEED, mode="manual", now_ms=MONDAY_MS, id=name, four_eyes_above_minor=10_000)
    client = client_of(create_app(Settings(), platform).wsgi_app, name)
    return Twin(made, client, told(client), Browser(create_console(platform, Settings()).test_client(), name))


def what_is(client: Client, loan_id: str) -> Doc:
    """All that a form may have changed."""
    borrower = client.loan(loan_id)["borrower_id"]
    return {
        "loans": client.loans(),
        "books": client.books(loan_id),
        "journal": client.transactions(),
        "orders": client.repayments(loan_id),
        "edits": client.edits(loan_id),
        "log": client.operator_log(loan_id),
        "receipts": client.receipts(),
        "disputes": client.disputes(loan_id=loan_id),
        "inquiries": client.inquiries(borrower),
    }


def hidden_key(page: str) -> str:
    """The key that a form carries."""
    return page.partition('name="key" value="')[2].partition('"')[0]


def curl_in(page: str) -> str:
    """The command of a form's page."""
    shown = page.partition('<details class="sent"')[2].partition("<pre")[2].partition(">")[2]
    return html.unescape(shown.partition("</pre>")[0])


def run_curl(command: str, api: FlaskClient, key: str) -> TestResponse:
    """Do what a command of curl does, with the key of a sandbox in its environment."""
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:4] == ["curl", "-sS", "-X", "POST"]
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    headers["Authorization"] = headers["Authorization"].replace("$MOCKLEND_API_KEY", key)
    body = words[words.index("-d") + 1]
    return api.post(words[4].removeprefix("http://localhost"), data=body.encode(), headers=headers)


@pytest.mark.parametrize("operation", sorted(FORMS))
def test_a_form_does_what_its_curl_does(faulty: Platform, api: FlaskClient, operation: str) -> None:
    by_form, by_curl = twin(faulty, "by-form"), twin(faulty, "by-curl")
    loan_id, paid_off, lending, targets = by_form.told
    loan_id = {"rebookRepayment": paid_off, "failPayout": lending}.get(operation, loan_id)
    before = what_is(by_form.client, loan_id)
    assert before == what_is(by_curl.client, loan_id)
    form = FORMS[operation]
    address = f"/loans/{loan_id}/forms/{operation}"
    typed = {**BY, **TYPED.get(operation, {})}
    if form.targets is not None:
        typed["target"] = targets[operation]
    if operation in ("matchReceipt", "moveReceipt"):
        typed["loan_id"] = loan_id if operation == "matchReceipt" else paid_off
    if operation == "queryPayment":
        typed["out_trade_no"] = targets[operation]
    typed["key"] = hidden_key(by_form.browser.get(address))

    shown = by_form.browser.post(address, {**typed, "show": "1"})
    assert shown.status_code == 200, seen(shown.text)
    assert what_is(by_form.client, loan_id) == before, "only shown"
    answer = run_curl(curl_in(shown.text), api, by_curl.sandbox.api_key)
    assert answer.status_code in (200, 201, 202), answer.text
    page = by_form.browser.go(address, typed)

    assert what_is(by_form.client, loan_id) == what_is(by_curl.client, loan_id)
    assert f"Done: {form.title}." in html.unescape(seen(page))


def test_a_form_and_its_curl_together_act_once(faulty: Platform, api: FlaskClient) -> None:
    here = twin(faulty, "once")
    address = f"/loans/{here.told.loan_id}/forms/repay"
    typed = {**TYPED["repay"], "key": hidden_key(here.browser.get(address))}
    command = curl_in(here.browser.post(address, {**typed, "show": "1"}).text)
    count = len(here.client.repayments(here.told.loan_id)["repayments"])

    here.browser.go(address, typed)
    here.browser.go(address, typed)
    answer = run_curl(command, api, here.sandbox.api_key)

    assert answer.status_code == 202
    assert len(here.client.repayments(here.told.loan_id)["repayments"]) == count + 1


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(
    ("operation", "typed", "field"),
    [
        ("repay", {"amount_minor": "a lot"}, "amount_minor"),
        ("repay", {"amount_minor": "-5"}, "amount_minor"),
        ("repay", {"channel": "pigeon"}, "channel"),
        ("repay", {"quote_id": "qte_x"}, "quote_id"),
        ("edit", {"amount_minor": ""}, "amount_minor"),
        ("edit", {"amount_minor": "0"}, "amount_minor"),
        ("edit", {"memo": " ".join(["long"] * 300)}, "memo"),
        ("charge", {"due_date": "soon"}, "due_date"),
        ("charge", {"due_date": "2020-01-01"}, "due_date"),
        ("waive", {"amount_minor": "99999999"}, "amount_minor"),
        ("openDispute", {"evidence.0.paid_at": "yesterday"}, "evidence.0.paid_at"),
        ("openDispute", {"evidence.0.amount_minor": ""}, "evidence.0.amount_minor"),
        ("openDispute", {"evidence.0.channel": "pigeon"}, "evidence.0.channel"),
        ("applyAtLender", {"target": "../../v1"}, "target"),
        ("applyAtLender", {"target": "no-bank"}, "target"),
        ("applyAtLender", {"target": "harbour-bank", "product": "card"}, "product"),
        ("queryPayment", {"out_trade_no": "PYNONE"}, "out_trade_no"),
        ("matchReceipt", {"target": ""}, "target"),
    ],
)
def test_an_error_stands_by_its_field_and_the_input_is_kept(
    browser: Browser, story: Story, operation: str, typed: dict[str, str], field: str, language: Language
) -> None:
    loan_id = story.borrow()
    form = {**BY, "loan_id": loan_id, **TYPED.get(operation, {}), "statement": "I kept the slip.", **typed}

    answer = browser.post(f"/loans/{loan_id}/forms/{operation}", form, language)

    assert 400 <= answer.status_code < 500
    wrong = re.findall(r'name="([^"]+)"[^>]*aria-invalid="true" aria-describedby="error-([^"]+)"', answer.text)
    assert (field, field) in wrong, answer.text
    assert answer.text.count(f'id="error-{field}"') == 1
    for name, value in form.items():
        if value and f'name="{name}"' in answer.text and name not in ("channel", "evidence.0.channel", "product"):
            assert html.escape(value) in answer.text, f"{name} is lost"
    if language is Language.ZH:
        said = re.sub(r"<textarea.*?</textarea>|<option.*?</option>", "", answer.text, flags=re.DOTALL)
        assert english_sentences(said) == []


def test_the_page_as_operator_offers_what_the_state_of_the_loan_allows(browser: Browser, story: Story) -> None:
    loan_id = story.borrow()

    def offered() -> set[str]:
        return set(re.findall(r"/forms/(\w+)", browser.get(f"/loans/{loan_id}/operator")))

    assert {"edit", "charge", "waive", "writeOff", "refreshLoan"} <= offered()
    assert not offered() & {"refund", "reverseEdit", "reverseRepayment", "matchReceipt", "approveEdit", "decideDispute"}

    story.repay(loan_id, story.quote(loan_id)["total_minor"], type="CLEAR")

    assert {"edit", "reverseRepayment", "refreshLoan"} <= offered()
    assert not offered() & {"charge", "waive", "writeOff"}


@pytest.mark.parametrize("operation", sorted(FORMS))
def test_each_form_is_in_chinese(browser: Browser, story: Story, operation: str) -> None:
    loan_id = story.borrow()

    page = browser.get(f"/loans/{loan_id}/forms/{operation}", Language.ZH)

    assert english_sentences(re.sub(r"<pre.*?</pre>|<option.*?</option>", "", page, flags=re.DOTALL)) == []


def test_each_form_is_of_an_operation_of_the_api_and_in_a_section(platform: Platform) -> None:
    document = create_app(Settings(), platform).test_client().get("/openapi.json").get_json()
    paths = {
        of_method["operationId"]: re.sub(r"{\w+}", "{}", path)
        for path, methods in document["paths"].items()
        for method, of_method in methods.items()
        if method == "post"
    }

    for form in FORMS.values():
        kind = {"remakeStatement": "/statements/{}", "failPayout": "/payouts/{}"}.get(form.operation, "")
        assert re.sub(r"{\w+}", "{}" + kind, form.path) == paths[form.operation]
    assert {form.section for form in FORMS.values()} - set(SECTIONS) == {"As the borrower"}


def test_the_answer_is_in_the_timeline(browser: Browser, story: Story) -> None:
    loan_id = story.borrow()

    page = browser.go(f"/loans/{loan_id}/forms/edit", {**BY, **TYPED["edit"], "amount_minor": "100"})

    [event] = re.findall(r'<p class="moved".*?href="#([^"]+)"', page, re.DOTALL)
    shown = page.partition(f'id="{event}"')[2].partition("</li>")[0]
    assert "edit posted" in seen(f"<body>{shown}")


def test_a_form_that_there_is_not_and_one_of_another_loan_are_not_found(browser: Browser, story: Story) -> None:
    loan_id = story.borrow()

    browser.get(f"/loans/{loan_id}/forms/forgive", status=404)
    browser.get("/loans/loan_x/forms/repay", status=404)
    browser.get("/loans/loan_x/operator", status=404)


def test_a_student_orders_and_disputes_and_is_no_operator(platform: Platform, story: Story) -> None:
    settings = Settings(host="0.0.0.0", control_token="the-teachers-token")
    student = Browser(create_console(platform, settings).test_client(), story.sandbox_id)
    student.client.post("/console/sign-in", data={"secret": story.sandbox.api_key})
    loan_id = story.borrow()

    for operation, form in FORMS.items():
        student.get(f"/loans/{loan_id}/forms/{operation}", status=200 if form.path.startswith("/v1/") else 401)
    student.get(f"/loans/{loan_id}/operator", status=401)
    assert student.post(f"/loans/{loan_id}/forms/edit", {**BY, **TYPED["edit"]}).status_code == 401
    assert student.post(f"/loans/{loan_id}/forms/repay", TYPED["repay"]).status_code == 303
    command = curl_in(student.get(f"/loans/{loan_id}/forms/repay"))
    assert "OPERATOR_TOKEN" not in command


def test_off_loopback_the_curl_has_the_token_of_its_plane(platform: Platform, story: Story) -> None:
    settings = Settings(host="0.0.0.0", control_token="the-teachers-token")
    teacher = Browser(create_console(platform, settings).test_client(), story.sandbox_id)
    teacher.client.post("/console/sign-in", data={"secret": "the-teachers-token"})

    command = curl_in(teacher.get(f"/loans/{story.borrow()}/forms/charge"))

    assert "X-Mocklend-Operator: $MOCKLEND_OPERATOR_TOKEN" in command
    assert "the-teachers-token" not in command


def test_what_the_curl_sends_is_the_json_of_the_form(browser: Browser, story: Story) -> None:
    page = browser.get(f"/loans/{story.borrow()}/forms/edit?amount_minor=5&kind=MODIFY_PAID_AMOUNT&memo=it's")

    words = shlex.split(curl_in(page).replace("\\\n", " "))

    assert json.loads(words[-1]) == {
        "kind": "MODIFY_PAID_AMOUNT", "amount_minor": 5, "memo": "it's", "operator": "wei",
    }  # fmt: skip

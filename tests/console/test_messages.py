"""The page Messages: callbacks and webhooks with their attempts, filters, and sending one again."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from mocklend.channels.messages import PAID, PAYMENT_RETURN, PUSH
from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.console.words import CALLBACK_EVENTS, DELIVERY
from mocklend.domain.statuses import DeliveryState
from mocklend.language import Language
from mocklend.runtime import Platform
from mocklend.storage.entities import Callback, Webhook
from support.console import Browser, english_sentences, seen
from support.story import Story
from support.webhook_receiver import listen

NOBODY = "http://127.0.0.1:9/hooks"


@pytest.fixture
def told(story: Story) -> str:
    """A loan that is repaid, with an endpoint that nobody listens at."""
    listen(story, NOBODY)
    loan_id = story.borrow()
    story.order(loan_id, 10_000)
    story.wait(60)
    return loan_id


@pytest.mark.parametrize("language", list(Language))
def test_an_empty_page_says_what_would_be_there_and_how(browser: Browser, language: Language) -> None:
    callbacks = seen(browser.get("/messages", language))
    webhooks = browser.get("/messages?tab=webhooks", language)

    assert {"en": "No message is here.", "zh": "这里没有消息。"}[language] in callbacks
    assert {"en": "Nobody is told anything yet.", "zh": "还没有推送地址。"}[language] in seen(webhooks)
    assert "/v1/webhook-endpoints" in webhooks


def test_a_callback_has_state_attempts_body_and_its_loan(browser: Browser, told: str) -> None:
    [link] = re.findall(r'href="([^"]*open=[^"]*)#cb_', browser.get("/messages"))

    page = browser.get("/messages" + link.replace("&amp;", "&"))

    assert "Accepted" in seen(page)
    assert "attempt 1 · accepted" in seen(page)
    assert "&#34;amount_minor&#34;: 10000" in page
    assert f"/loans/{told}" in page
    assert "/channels/callbacks" in page


def test_a_webhook_has_its_receiver_the_reason_and_the_next_attempt(browser: Browser, story: Story, told: str) -> None:
    page = browser.get("/messages?tab=webhooks")

    assert NOBODY in page
    assert "the receiver was not reached" in seen(page)
    assert "Will be retried" in seen(page)
    [*_, message] = sorted(story.entities(Webhook), key=lambda each: each.queued_ms)
    assert message.due_ms is not None
    assert page.count("<tr id=") == len(story.entities(Webhook))


def test_a_full_page_is_small_enough(browser: Browser, story: Story) -> None:
    loan_id = story.borrow()
    listen(story, f"http://127.0.0.1:9/{'a' * 20}")
    for _ in range(55):
        story.order(loan_id, 100)
    story.wait(60)

    for path in ("/messages", "/messages?tab=webhooks"):
        for language in Language:
            assert len(browser.get(path, language).encode()) <= 58 * 1024


def test_filters_are_in_the_address_and_a_wrong_one_is_explained(browser: Browser, told: str) -> None:
    assert "<tr id=" in browser.get(f"/messages?loan_id={told}&state=ACKED&channel=wallet")
    assert "No message is here." in seen(browser.get("/messages?state=EXHAUSTED"))
    assert browser.get("/messages?tab=webhooks&event=loan.disbursed").count("<tr id=") == 1
    wrong = browser.get("/messages?loan_id=no%20id&state=LOST")

    assert 'aria-describedby="error-loan_id"' in wrong
    assert 'id="error-state"' in wrong


def test_the_list_goes_on_where_the_page_ends(browser: Browser, story: Story) -> None:
    loan_id = story.borrow()
    for _ in range(60):
        story.order(loan_id, 100)
    story.wait(60)

    first = browser.get("/messages")
    following = re.search(r'href="([^"]*cursor=[^"]*)">Earlier', first)

    assert first.count("<tr id=") == 50
    assert following is not None
    assert browser.get(following[1].replace("&amp;", "&")).count("<tr id=") == 10


def test_a_callback_is_sent_again_by_its_form(browser: Browser, story: Story, told: str) -> None:
    [callback] = story.entities(Callback)

    page = browser.go(
        "/messages/callbacks/resend", {"message": callback.id, "from": f"/console/{story.sandbox_id}/messages"}
    )

    assert "Sent again: accepted ." in seen(page).replace("accepted.", "accepted .")
    assert story.entities(Callback)[0].attempts == 2


def test_a_webhook_is_sent_again_by_its_form(browser: Browser, story: Story, told: str) -> None:
    message = story.entities(Webhook)[0]
    back = f"/console/{story.sandbox_id}/messages?tab=webhooks"

    page = browser.go("/messages/webhooks/resend", {"message": message.id, "from": back})

    assert "Sent again: the receiver was not reached" in seen(page)
    assert story.entity(Webhook, message.id).attempts == message.attempts + 1


@pytest.mark.parametrize("kind", ["callbacks", "webhooks"])
def test_a_message_that_is_not_there_is_refused_on_the_page(browser: Browser, kind: str) -> None:
    answer = browser.post(f"/messages/{kind}/resend", {"message": "none"})

    assert answer.status_code == 404
    assert "There is no such" in seen(answer.text)


def test_the_loans_page_says_that_its_client_was_not_told_yet(browser: Browser, told: str) -> None:
    english, chinese = (seen(browser.get(f"/loans/{told}?all=1", language)) for language in Language)

    assert "its receiver has not accepted it yet" in english
    assert "接收方尚未接收" in chinese
    assert "loan.disbursed is sent, attempt 1" in english


def test_the_chinese_page_has_no_english_sentence(browser: Browser, told: str) -> None:
    for path in ("/messages", "/messages?tab=webhooks", "/messages?state=EXHAUSTED"):
        assert english_sentences(browser.get(path, Language.ZH)) == []


@pytest.fixture
def student(platform: Platform, story: Story) -> FlaskClient:
    """A console that others can reach, signed in with the sandbox's key."""
    client = create_console(platform, Settings(host="0.0.0.0", control_token="the-teachers-token")).test_client()
    client.post("/console/sign-in", data={"secret": story.sandbox.api_key})
    return client


def test_a_student_sees_the_messages_and_lets_no_channel_send(student: FlaskClient, story: Story, told: str) -> None:
    page = f"/console/{story.sandbox_id}/messages"
    callback, webhook = story.entities(Callback)[0], story.entities(Webhook)[0]

    assert "Resend" not in student.get(page).text
    assert "Resend" in student.get(f"{page}?tab=webhooks").text
    assert student.post(f"{page}/callbacks/resend", data={"message": callback.id}).status_code == 401
    assert student.post(f"{page}/webhooks/resend", data={"message": webhook.id, "from": page}).status_code == 303


def test_each_state_and_each_type_of_message_has_a_word() -> None:
    assert set(DELIVERY) == set(DeliveryState)
    assert set(CALLBACK_EVENTS) == {PAID, PUSH, PAYMENT_RETURN}

"""A webhook is sent again because somebody asks for it, over real HTTP."""

from __future__ import annotations

from mocklend.scheduling.delivery import resend
from support.story import Story
from support.webhook_receiver import Receiver, listen, messages

ALIPAY_ATTEMPTS = 8


def test_a_message_that_was_given_up_is_sent_again_and_accepted(story: Story, receiver: Receiver) -> None:
    listen(story, receiver.url, "loan.disbursed", profile="alipay")
    receiver.answers = [503] * ALIPAY_ATTEMPTS
    story.borrow()
    story.wait(days=10)
    [given_up] = messages(story)
    assert given_up.state == "EXHAUSTED"

    sent = resend(story.platform.clocks, story.sandbox_id, given_up.id)

    assert (sent["state"], len(sent["attempts"]), sent["next_attempt_at"]) == ("ACKED", ALIPAY_ATTEMPTS + 1, None)
    assert [attempt["status"] for attempt in sent["attempts"]] == [503] * ALIPAY_ATTEMPTS + [204]
    assert len({(headers["webhook-id"], body) for _, headers, body in receiver.got}) == 1


def test_a_message_that_fails_after_its_schedule_stays_given_up(story: Story, receiver: Receiver) -> None:
    listen(story, receiver.url, "loan.disbursed", profile="alipay")
    receiver.answers = [503] * (ALIPAY_ATTEMPTS + 1)
    story.borrow()
    story.wait(days=10)

    sent = resend(story.platform.clocks, story.sandbox_id, messages(story)[0].id)

    assert (sent["state"], len(sent["attempts"]), sent["next_attempt_at"]) == ("EXHAUSTED", ALIPAY_ATTEMPTS + 1, None)


def test_a_message_that_was_accepted_is_sent_again_and_stays_accepted_since_then(
    story: Story, receiver: Receiver
) -> None:
    listen(story, receiver.url, "loan.disbursed")
    story.borrow()
    story.wait()
    [accepted] = messages(story)
    story.wait(3_600)

    resend(story.platform.clocks, story.sandbox_id, accepted.id)

    [again] = messages(story)
    assert (again.state, again.attempts, again.acked_ms) == ("ACKED", 2, accepted.acked_ms)
    assert len(receiver.got) == 2


def test_a_message_that_was_accepted_and_then_refused_is_tried_again_on_its_schedule(
    story: Story, receiver: Receiver
) -> None:
    listen(story, receiver.url, "loan.disbursed")
    receiver.answers = [204, 500]
    story.borrow()
    story.wait()

    sent = resend(story.platform.clocks, story.sandbox_id, messages(story)[0].id)
    story.wait(days=1)

    assert (sent["state"], sent["attempts"][-1]["status"]) == ("RETRY", 500)
    [again] = messages(story)
    assert (again.state, again.attempts) == ("ACKED", 3)

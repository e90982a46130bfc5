"""A channel sends a callback again because somebody asks for it: what was lost, dropped or given up is booked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.client import Client, Doc
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend.scenarios.in_process import client_of
from mocklend_faults.engine.layer import FaultLayer
from support.story import MONDAY_MS


@pytest.fixture
def client(open_platform: Callable[..., Platform]) -> Client:
    """A client in a sandbox with a manual clock."""
    platform = open_platform(FaultLayer())
    platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS, id="one")
    return client_of(create_app(Settings(), platform).wsgi_app, "one")


def repaid(client: Client, rule: Doc) -> str:
    """A loan on which a repayment was paid while a rule was armed."""
    client.put_rule("rule", rule)
    ada = client.add_borrower("ada", "Ada")["id"]
    loan_id: str = client.borrow(ada, 100_000, product_id="jiebei-like")["id"]
    client.repay(loan_id, 10_000, "wallet", "OVD_AND_CURRENT")
    client.advance("PT3S")
    return loan_id


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ({"fault": "callback.dropped"}, "RETRY"),
        ({"fault": "callback.delayed", "with": {"deliver_on_attempt": 4}}, "RETRY"),
        ({"fault": "callback.acked_not_applied"}, "ACKED"),
        ({"fault": "callback.forged_or_altered"}, "RETRY"),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else value,
)
def test_it_repairs_what_a_fault_did_to_a_callback(client: Client, rule: Doc, state: str) -> None:
    loan_id = repaid(client, rule)
    [lost] = client.callbacks(loan_id=loan_id)["callbacks"]
    assert (lost["state"], lost["applied_at"]) == (state, None)
    assert client.audit()["discrepancies"]

    sent = client.resend_callback(lost["id"])

    assert (sent["state"], sent["next_attempt_at"], sent["attempts"][-1]["outcome"]) == ("ACKED", None, "acked")
    assert sent["applied_at"] == client.clock()["now"]
    assert client.audit()["clean"]
    assert {entry["status"] for entry in client.answer_key()["entries"]} == {"healed"}
    client.advance("P2D")
    assert client.callbacks(loan_id=loan_id)["callbacks"] == [sent]
    assert client.audit()["clean"]


def test_a_callback_that_the_channel_has_given_up_is_booked(client: Client) -> None:
    loan_id = repaid(client, {"fault": "callback.dropped"})
    client.advance("P10D")
    [given_up] = client.callbacks(state="EXHAUSTED")["callbacks"]

    sent = client.resend_callback(given_up["id"])

    assert (sent["state"], sent["attempts"][-1]["n"]) == ("ACKED", len(given_up["attempts"]) + 1)
    assert client.audit(loan_id=loan_id)["discrepancies"] == []
    assert client.callbacks(state="EXHAUSTED")["callbacks"] == []


def test_a_second_booking_of_a_fault_is_no_more_than_one(client: Client) -> None:
    loan_id = repaid(client, {"fault": "callback.duplicated"})
    before = client.books(loan_id)
    [callback] = client.callbacks(loan_id=loan_id)["callbacks"]

    client.resend_callback(callback["id"])
    client.resend_callback(callback["id"])

    assert client.books(loan_id) == before
    assert len(client.audit()["discrepancies"]) == len(
        [entry for entry in client.answer_key()["entries"] if entry["status"] == "active"]
    )


def test_a_repayment_that_was_reversed_on_the_books_is_not_booked_again(client: Client) -> None:
    loan_id = repaid(client, {"fault": "callback.dropped", "enabled": False})
    [order] = client.repayments(loan_id)["repayments"]
    client.reverse_repayment(order["id"], operator="wei", memo="a mistake")
    [callback] = client.callbacks(loan_id=loan_id)["callbacks"]

    sent = client.resend_callback(callback["id"])

    assert sent["attempts"][-1]["outcome"] == "acked"
    assert client.repayment(order["id"])["status"] == "REVERSED"

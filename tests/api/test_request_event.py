"""A request event has the same fields before and after it becomes an event."""

from __future__ import annotations

import pytest

from mocklend.api.request_event import FIELDS, RequestEvent, Shape, drawn
from mocklend.seams.api_answer import ApiAnswer

REPAY = Shape("v1", "repay", "/v1/loans/{loan_id}/repayments")


def request_event(method: str = "POST", **named: str) -> RequestEvent:
    return RequestEvent("sbx", 7, "req_1", "order-1", method, named, REPAY, "wallet")


def test_a_request_event_has_every_field_of_the_event() -> None:
    event = request_event(loan_id="loan_ada")
    event.occurrence, event.now_ms = 3, 1_000

    whole = event.whole()

    assert {name: getattr(event, name) for name in FIELDS} == {name: getattr(whole, name) for name in FIELDS}
    assert whole == ApiAnswer(
        entity="order-1",
        occurrence=3,
        now_ms=1_000,
        loan_id="loan_ada",
        plane="v1",
        method="POST",
        operation="repay",
        path="/v1/loans/{loan_id}/repayments",
        writes=True,
        channel="wallet",
        currency="CNY",
        draw=drawn(7, "order-1", 3),
    )


def test_ids_that_the_address_does_not_name_are_empty() -> None:
    assert request_event(repayment_id="rpy_ada").loan_id == ""


@pytest.mark.parametrize(("method", "writes"), [("GET", False), ("HEAD", False), ("POST", True), ("DELETE", True)])
def test_a_request_event_is_a_write_if_its_method_is(method: str, writes: bool) -> None:
    assert request_event(method).writes is writes

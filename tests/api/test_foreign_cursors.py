"""A cursor opens the list that gave it, and no other: each list is given the cursors of all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.client import Client, Doc
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer
from mocklend.scenarios.in_process import client_of
from support.story import MONDAY_MS

QUERIES = {
    "/v1/loans": ({}, {"order": "newest"}, {"q": "loan"}),
    "/-/loans": ({}, {"order": "id"}, {"q": "loan"}, {"wrong": "true"}),
    "/v1/borrowers": ({}, {"q": "b"}),
    "/v1/ledger/transactions": ({}, {"order": "newest"}),
}
"""The ways to ask for a list whose places differ by the way; other lists have one."""


class Lists:
    """A sandbox in which every list of the API has two pages of one entry each."""

    def __init__(self, platform: Platform) -> None:
        platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS, id="default")
        platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)
        app = create_app(Settings(), platform)
        self.http: FlaskClient = app.test_client()
        self.ids = self._fill(client_of(app.wsgi_app, "default"))
        self.paths: Doc = self.http.get("/openapi.json").get_json()["paths"]

    def _fill(self, client: Client) -> dict[str, str]:
        endpoint = client.add_webhook_endpoint("http://127.0.0.1:9/hook")["id"]
        for n in range(2):
            client.pay_at_channel("bill_pay", 700, payer_name="A", payer_reference="x", idempotency_key=f"p-{n}")
        client.advance("PT1H")
        client.put_rule("drop", {"fault": "callback.dropped"})
        for n in range(2):
            borrower = client.add_borrower(f"b-{n}", f"Borrower {n}")["id"]
            loan = client.borrow(borrower, 100_000, product_id="jiebei-like", reference=f"loan-{n}")["id"]
            client.repay(loan, 1_000, "wallet", "OVD_AND_CURRENT", idempotency_key=f"a-{n}")
            client.repay(loan, 2_000, "wallet", "OVD_AND_CURRENT", idempotency_key=f"b-{n}")
            client.edit(loan, "MODIFY_BILL_AMOUNT", operator="op", memo="m", amount_minor=10, idempotency_key=f"e-{n}")
            client.open_dispute(loan, "other", idempotency_key=f"d-{n}")
            client.score([])
        client.advance("P2D")
        client.run_alerts()
        return {"loan_id": loan, "endpoint_id": endpoint, "date": "2026-01-05"}

    def asked(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Every list of the OpenAPI document that pages: its path, the name of its cursor, and how it is asked for."""
        for template, methods in self.paths.items():
            names = {each["name"] for each in methods.get("get", {}).get("parameters", ())}
            field = "cursor" if "cursor" in names else "after" if {"after", "limit"} <= names else None
            if field is not None:
                for query in QUERIES.get(template, ({},)):
                    yield template.format(**self.ids), field, query


@pytest.fixture
def lists(open_platform: Callable[..., Platform]) -> Lists:
    """All lists of the API."""
    return Lists(open_platform(find_layer()))


def test_a_list_refuses_the_cursor_of_every_other_list(lists: Lists) -> None:
    cursors = {}
    for path, field, query in lists.asked():
        page = lists.http.get(path, query_string={**query, "limit": "1"})
        assert page.status_code == 200, (path, page.text)
        cursors[path, field, tuple(query.items())] = page.get_json()["next_cursor"]
    assert [asked for asked, cursor in cursors.items() if cursor is None] == [], "every list has a second page"
    assert len(cursors) > 20

    for path, field, items in cursors:
        for asked, cursor in cursors.items():
            answer = lists.http.get(path, query_string={**dict(items), field: cursor})
            if asked == (path, field, items):
                assert answer.status_code == 200, (path, items, answer.text)
                continue
            assert (answer.status_code, answer.mimetype) == (422, "application/problem+json"), (path, items, asked)
            [error] = answer.get_json()["errors"]
            assert (error["field"], error["expected"]) == (field, "a next_cursor of this list"), (path, items, asked)

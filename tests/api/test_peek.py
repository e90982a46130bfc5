"""The header `Mocklend-Peek`: who looks on leaves no trace."""

from __future__ import annotations

import pytest
import requests

from mocklend.client import Client, Doc

PEEK = {"Mocklend-Peek": "1"}


@pytest.fixture
def loan(mocklend: Client) -> Doc:
    """A loan of Ada's, and a rule that hits half of all answers."""
    loan = mocklend.borrow(mocklend.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")
    mocklend.arm("transport.latency", rule_id="slow", select={"probability": 0.5})
    return loan


def peek(mocklend: Client, url: str, path: str, **headers: str) -> requests.Response:
    """GET with the header."""
    authorization = {"Authorization": f"Bearer {mocklend.api_key}"}
    return requests.get(f"{url}{path}", headers=authorization | PEEK | headers, timeout=30)


def traces(mocklend: Client) -> tuple[object, ...]:
    """What a request leaves behind: entries of the key, counts of the rules, lines of the log."""
    return (mocklend.answer_key(), mocklend.rules(), mocklend.requests_made()["requests"])


def test_a_peek_is_answered_and_neither_counted_nor_hit_nor_logged(
    mocklend: Client, mocklend_server: str, loan: Doc
) -> None:
    id, borrower = loan["id"], loan["borrower_id"]
    before = traces(mocklend)

    for path in (
        f"/v1/loans/{id}", "/v1/loans", f"/v1/loans/{id}/instalments", f"/operator/loans/{id}", "/operator/alerts",
        f"/bureau/borrowers/{borrower}/score?transaction_id=t-1", "/v1/loans/loan_x",
    ):  # fmt: skip
        for _ in range(10):
            assert peek(mocklend, mocklend_server, path).status_code == (404 if path.endswith("_x") else 200)

    assert traces(mocklend) == before
    assert mocklend.loan(id) == peek(mocklend, mocklend_server, f"/v1/loans/{id}").json()


def test_a_peek_does_not_turn_the_replicas_of_a_page(mocklend: Client, mocklend_server: str) -> None:
    loan = mocklend.borrow(mocklend.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")["id"]
    mocklend.arm("read.non_monotonic")
    mocklend.settle(mocklend.repay(loan, 9_500, "wallet", type="OVD_AND_CURRENT"))
    seen = []

    for _ in range(4):
        seen.append(mocklend.loan(loan)["version"])
        assert peek(mocklend, mocklend_server, f"/v1/loans/{loan}").json()["version"] == 2

    assert sorted(seen) == [1, 1, 2, 2]
    assert seen in ([1, 2, 1, 2], [2, 1, 2, 1])


def test_a_peek_makes_no_statement(mocklend: Client, mocklend_server: str) -> None:
    mocklend.advance("P2D")
    path = "/channels/wallet/statements/2026-01-05"

    assert peek(mocklend, mocklend_server, path).json()["code"] == "statement_not_ready"
    made = mocklend.statement("wallet", "2026-01-05")

    assert peek(mocklend, mocklend_server, path).content == made


@pytest.mark.parametrize(("method", "value"), [("GET", "yes"), ("GET", "0"), ("POST", "1")])
def test_only_a_get_can_be_a_peek_and_only_by_one(
    mocklend: Client, mocklend_server: str, method: str, value: str
) -> None:
    headers = {"Authorization": f"Bearer {mocklend.api_key}", "Mocklend-Peek": value}

    answer = requests.request(method, f"{mocklend_server}/v1/loans", headers=headers, json={}, timeout=30)

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, "Mocklend-Peek")


def test_a_staff_key_cannot_peek(mocklend: Client, mocklend_server: str) -> None:
    key = mocklend.staff_key()

    answer = peek(mocklend, mocklend_server, "/v1/loans", Authorization=f"Bearer {key}")

    assert answer.json()["code"] == "key_of_staff"

"""Every request has an id: in its answer, in the request log, and in the client's exchange."""

from __future__ import annotations

import re
from importlib.metadata import entry_points

import pytest
import requests

from mocklend.api.request_ids import HEADER
from mocklend.client import Client, Exchange, ProblemError
from mocklend.seams.asking import ASKED_BY

ID = re.compile(r"req_[0-9a-f]{20}")
needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/loans", 200),
        ("GET", "/v1/loans/loan_nobody", 404),
        ("GET", "/nothing/is/here", 404),
        ("PUT", "/v1/loans", 405),
        ("POST", "/v1/borrowers", 400),
        ("GET", "/-/health", 200),
        ("GET", "/-/explain", 422),
    ],
)
def test_every_answer_has_a_request_id(mocklend: Client, method: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {mocklend.api_key}", "Content-Type": "application/json"}

    answers = [requests.request(method, mocklend.base_url + path, headers=headers, timeout=30) for _ in range(2)]

    assert [answer.status_code for answer in answers] in ([status] * 2, [404] * 2)
    ids = [answer.headers[HEADER] for answer in answers]
    assert all(ID.fullmatch(id) for id in ids)
    assert ids[0] != ids[1]


def test_the_request_log_and_the_client_have_the_request_id(mocklend: Client) -> None:
    exchanges: list[Exchange] = []
    mocklend.on_exchange = exchanges.append
    mocklend.loans()
    with pytest.raises(ProblemError) as refused:
        mocklend.loan("loan_nobody")

    requests = [request["id"] for request in mocklend.requests_made()["requests"]]

    assert requests == [exchange.request_id for exchange in exchanges[:2]]
    assert refused.value.request_id == requests[1]


def test_a_repeat_under_one_key_has_a_request_id_of_its_own_and_the_same_body(mocklend: Client) -> None:
    exchanges: list[Exchange] = []
    ada = mocklend.add_borrower("ada", "Ada")["id"]
    mocklend.on_exchange = exchanges.append
    for _ in range(2):
        mocklend.borrow(ada, 100_000, product_id="jiebei-like", idempotency_key="one")

    first, second = exchanges

    assert first.answer == second.answer
    assert first.request_id != second.request_id


@needs_faults
def test_a_broken_answer_has_a_request_id(mocklend: Client) -> None:
    mocklend.arm("transport.empty")

    answer = requests.get(
        f"{mocklend.base_url}/v1/loans", headers={"Authorization": f"Bearer {mocklend.api_key}"}, timeout=30
    )

    assert answer.content == b""
    assert ID.fullmatch(answer.headers[HEADER])


def test_code_outside_a_request_has_no_request_id() -> None:
    assert ASKED_BY.get() is None

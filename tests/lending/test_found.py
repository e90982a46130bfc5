"""Loans and borrowers are found by what a person knows of one, page by page, each once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.lending.found import loans_with_entries
from mocklend.runtime import NewSandbox, Platform, find_layer
from mocklend.views.reads import cursor
from support.caller import Caller, Documented
from support.story import MONDAY_MS

LOANS = {"li-1": "李四", "li-2": "李四", "zhang-1": "张三", "zhang-2": "张三丰", "loan-of-li": "Loan Ranger"}


@pytest.fixture
def app(platform: Platform) -> APIFlask:
    return create_app(Settings(), platform)


@pytest.fixture
def api(app: APIFlask, sandbox: NewSandbox) -> Caller:
    """A caller in a sandbox with a few loans, one borrower each."""
    api = Caller(app, Documented(app), sandbox.api_key)
    for n, (reference, name) in enumerate(LOANS.items()):
        borrower = api.made(api.post("/v1/borrowers", {"reference": f"b-{n}", "name": name}))
        api.borrow(reference=reference, borrower_id=borrower["id"])
        api.wait("PT1M")
    return api


def paged(api: Caller, path: str, what: str, limit: int, **query: object) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = []
    cursor: dict[str, object] = {}
    for _ in range(20):
        page = api.made(api.get(path, limit=limit, **query, **cursor))
        assert len(page[what]) <= limit
        listed += page[what]
        if page["next_cursor"] is None:
            return listed
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the list does not end")


def references(listed: list[dict[str, object]]) -> list[object]:
    return [loan["reference"] for loan in listed]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("li-", ["li-1", "li-2"]),
        ("张三", ["zhang-1", "zhang-2"]),
        ("张三丰", ["zhang-2"]),
        ("zhang-2", ["zhang-2"]),
        ("L", ["loan-of-li"]),
        ("l", ["li-1", "li-2", "loan-of-li", "zhang-1", "zhang-2"]),
        ("%", []),
        ("nobody", []),
    ],
)
def test_loans_are_found_by_the_beginning_of_reference_or_name(
    api: Caller, q: str, found: list[str], limit: int
) -> None:
    listed = references(paged(api, "/v1/loans", "loans", limit, q=q))

    assert sorted(map(str, listed)) == found
    assert sorted(map(str, references(paged(api, "/-/loans", "loans", limit, q=q)))) == found


def test_a_loan_is_found_by_its_id_or_the_beginning_of_it(api: Caller) -> None:
    loan = api.made(api.get("/v1/loans", limit=1))["loans"][0]

    for q in (loan["id"], loan["id"][:14]):
        assert api.made(api.get("/v1/loans", q=q))["loans"] == [loan]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_the_newest_loans_come_first(api: Caller, limit: int) -> None:
    newest_first = list(reversed(LOANS))

    assert references(paged(api, "/v1/loans", "loans", limit, order="newest")) == newest_first
    assert references(paged(api, "/-/loans", "loans", limit)) == newest_first


def test_a_loan_is_found_by_its_whole_reference(api: Caller) -> None:
    assert references(api.made(api.get("/v1/loans", reference="li-2"))["loans"]) == ["li-2"]
    assert api.made(api.get("/v1/loans", reference="li-"))["loans"] == []


def test_other_filters_leave_out_what_does_not_meet_them(api: Caller) -> None:
    assert references(api.made(api.get("/v1/loans", q="li-", status="USING"))["loans"]) == ["li-1", "li-2"]
    assert api.made(api.get("/v1/loans", q="li-", status="CLEAR"))["loans"] == []
    loan = api.made(api.get("/v1/loans", reference="li-1"))["loans"][0]
    by_borrower = api.made(api.get("/v1/loans", borrower_id=loan["borrower_id"], order="newest"))
    assert by_borrower["loans"] == [loan]


@pytest.mark.parametrize(
    "query", [{"q": "a", "order": "id"}, {"q": "a", "reference": "b"}, {"order": "oldest"}, {"q": ""}]
)
def test_a_search_that_makes_no_sense_is_refused(api: Caller, query: dict[str, str]) -> None:
    api.problem(api.get("/v1/loans", **query), 422, "validation_failed")


@pytest.mark.parametrize(
    ("path", "of"), [("/v1/loans", "loans"), ("/v1/borrowers", "borrowers"), ("/-/loans", "found_loans")]
)
@pytest.mark.parametrize("place", ["loan_x", "1.loan_x"])
def test_a_place_that_is_not_in_the_list_is_refused(api: Caller, path: str, of: str, place: str) -> None:
    api.problem(api.get(path, q="li", cursor=cursor(f"{of}.q", place)), 422, "validation_failed")


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_borrowers_are_listed_and_found(api: Caller, limit: int) -> None:
    everybody = paged(api, "/v1/borrowers", "borrowers", limit)
    found = paged(api, "/v1/borrowers", "borrowers", limit, q="张三")

    assert len(everybody) == len(LOANS) + 1  # And Ada, who lends nothing.
    assert [borrower["id"] for borrower in everybody] == sorted(str(borrower["id"]) for borrower in everybody)
    assert [borrower["name"] for borrower in found] == ["张三", "张三丰"]
    by_reference = paged(api, "/v1/borrowers", "borrowers", limit, q="b-")
    assert [borrower["reference"] for borrower in by_reference] == [f"b-{n}" for n in range(len(LOANS))]
    assert paged(api, "/v1/borrowers", "borrowers", limit, q=found[0]["id"]) == found[:1]


def test_wrong_loans_are_those_with_an_entry_that_is_to_be_seen(open_platform: Callable[..., Platform]) -> None:
    platform = open_platform(find_layer())
    app = create_app(Settings(), platform)
    sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)
    api = Caller(app, Documented(app), sandbox.api_key)
    loans = [api.borrow(reference=f"loan-{n}")["id"] for n in range(4)]
    rule = {"fault": "cache.bounded_stale", "with": {"lag_s": 60}, "select": {"times": 3}}
    api.made(api.call("PUT", "/-/rules/lag", json=rule))
    for loan_id in loans:
        api.repay(loan_id, 1_000)
    api.wait("PT2S")

    served = {entry["loan_id"] for entry in api.made(api.get("/-/answer-key"))["entries"]}
    wrong = paged(api, "/-/loans", "loans", 2, wrong="true")
    assert [loan["id"] for loan in wrong] == sorted(served)
    assert {loan["open_entries"] for loan in wrong} == {1}
    assert references(paged(api, "/-/loans", "loans", 2, wrong="true", q=wrong[1]["reference"])) == [
        wrong[1]["reference"]
    ]
    with platform.snapshot(sandbox.id) as snapshot:
        hidden = loans_with_entries(snapshot, platform.layer, wrong=True, shows_truth=False)
    assert hidden["loans"] == []
    api.wait("PT1M")
    assert paged(api, "/-/loans", "loans", 2, wrong="true") == []

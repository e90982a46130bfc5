import pytest

from support.caller import Caller

pytestmark = pytest.mark.parametrize("app", ["flask", "hot"], indirect=True)

TERMS = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}


def test_ada_borrows_and_sees_her_loan(api: Caller) -> None:
    loan = api.borrow(100_000, reference="ada's first")

    assert loan["status"] == "USING"
    assert loan["outstanding_minor"] == 100_000
    assert loan["next_due"] == {"n": 1, "due_date": "2026-02-05", "due_minor": 8606}
    assert api.made(api.get(f"/v1/loans/{loan['id']}")) == loan


def test_a_loan_on_a_shipped_product_names_the_product(api: Caller) -> None:
    body = {"borrower_id": api.borrower(), "principal_minor": 100_000, "product_id": "jiebei-like"}

    assert api.made(api.post("/v1/loans", body))["product_id"] == "jiebei-like"


def test_a_loan_has_exactly_one_product(api: Caller) -> None:
    loan = {"borrower_id": api.borrower(), "principal_minor": 100_000}

    for wrong in (loan, loan | {"product": TERMS, "product_id": "jiebei-like"}):
        assert api.problem(api.post("/v1/loans", wrong), 422, "validation_failed")["errors"][0]["field"] == "product"


def test_an_unknown_product_is_refused_with_the_known_ones(api: Caller) -> None:
    body = {"borrower_id": api.borrower(), "principal_minor": 100_000, "product_id": "payday"}

    assert "jiebei-like" in api.problem(api.post("/v1/loans", body), 404, "product_unknown")["expected"]


def test_nobody_borrows_more_than_the_limit(api: Caller) -> None:
    ada = api.borrower(credit_limit_minor=50_000)
    body = {"borrower_id": ada, "principal_minor": 50_001, "product": TERMS}

    document = api.problem(api.post("/v1/loans", body), 409, "credit_limit_exceeded")

    assert (document["expected"], document["received"]) == (50_000, 50_001)


def test_the_list_comes_in_pages_and_a_cursor_leads_to_the_next(api: Caller) -> None:
    ids = sorted(api.borrow(1000, reference=f"loan {n}")["id"] for n in range(5))

    first = api.made(api.get("/v1/loans", limit=3))
    second = api.made(api.get("/v1/loans", limit=3, cursor=first["next_cursor"]))

    assert [loan["id"] for loan in first["loans"]] == ids[:3]
    assert [loan["id"] for loan in second["loans"]] == ids[3:]
    assert second["next_cursor"] is None


def test_the_list_can_be_narrowed_to_a_borrower_and_a_status(api: Caller) -> None:
    loan = api.borrow()

    assert [item["id"] for item in api.made(api.get("/v1/loans", borrower_id=loan["borrower_id"]))["loans"]] == [
        loan["id"]
    ]
    assert api.made(api.get("/v1/loans", status="CLEAR"))["loans"] == []
    assert api.made(api.get("/v1/loans", borrower_id="brw_nobody"))["loans"] == []


def test_the_instalments_come_from_the_same_version_as_the_page(api: Caller) -> None:
    loan = api.borrow()

    listed = api.made(api.get(f"/v1/loans/{loan['id']}/instalments"))

    assert (listed["version"], listed["as_of"]) == (loan["version"], loan["as_of"])
    assert [instalment["status"] for instalment in listed["instalments"][:2]] == ["DUE", "PENDING"]
    assert sum(instalment["principal_minor"] for instalment in listed["instalments"]) == 100_000


def test_a_loan_is_visible_in_its_own_sandbox_only(api: Caller, stranger: Caller) -> None:
    loan = api.borrow()

    stranger.problem(stranger.get(f"/v1/loans/{loan['id']}"), 404, "loan_unknown")

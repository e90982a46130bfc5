from support.caller import Caller


def test_a_borrower_is_made_and_can_be_read(api: Caller) -> None:
    created = api.post("/v1/borrowers", {"reference": "ada", "name": "Ada"})

    assert created.status_code == 201
    ada = created.get_json()
    assert ada["credit_limit_minor"] == 5_000_000
    assert ada["created_at"] == "2026-01-05T02:00:00.000Z"
    assert api.get(f"/v1/borrowers/{ada['id']}").get_json() == ada


def test_the_same_borrower_twice_is_one_borrower(api: Caller) -> None:
    ada = {"reference": "ada", "name": "Ada", "credit_limit_minor": 100_000}
    first = api.post("/v1/borrowers", ada)

    again = api.post("/v1/borrowers", ada)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()


def test_a_reference_names_one_borrower_only(api: Caller) -> None:
    ada = api.borrower()

    conflict = api.post("/v1/borrowers", {"reference": "ada", "name": "Somebody else"})

    assert api.problem(conflict, 409, "reference_taken")["borrower_id"] == ada


def test_an_unknown_borrower_is_not_found(api: Caller) -> None:
    document = api.problem(api.get("/v1/borrowers/brw_nobody"), 404, "borrower_unknown")

    assert document["borrower_id"] == "brw_nobody"

from support.caller import Caller

BY = {"memo": "a chargeback", "operator": "wei"}


def test_a_certificate_is_issued_once_the_books_say_clear(api: Caller) -> None:
    loan = api.borrow()
    address = f"/v1/loans/{loan['id']}/certificates"

    early = api.problem(api.post(address), 409, "not_settled")
    repayment = api.repay(loan["id"], api.quote(loan["id"])["total_minor"], type="CLEAR")
    api.wait(2)
    issued = api.post(address)
    again = api.post(address)

    assert (early["expected"], early["received"]) == ("CLEAR", "USING")
    assert (issued.status_code, again.status_code) == (201, 200)
    paper = issued.get_json()
    assert again.get_json() == paper == api.made(api.get(f"/v1/certificates/{paper['id']}"))
    assert paper["text_zh"].startswith("结清证明")

    api.made(api.post(f"/operator/repayments/{repayment['id']}/reverse", BY))

    later = api.made(api.get(f"/v1/certificates/{paper['id']}"))
    assert later["superseded"]
    assert repayment["id"] in later["superseded_reason"]
    api.problem(api.post(address), 409, "not_settled")


def test_a_certificate_is_asked_for_with_nothing_or_an_empty_object(api: Caller) -> None:
    loan = api.borrow()
    address = f"/v1/loans/{loan['id']}/certificates"
    as_json = {"Content-Type": "application/json"}

    api.problem(api.call("POST", address), 409, "not_settled")
    api.problem(api.post(address, {"for": "my bank"}), 422, "validation_failed")
    api.problem(api.call("POST", address, as_json, data=b"null"), 422, "validation_failed")
    api.problem(api.call("POST", address, as_json, data=b"{"), 400, "body_not_json")

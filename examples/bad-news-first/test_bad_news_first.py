"""The fault `cache.bad_news_first`: what the status page shows, what the books say, and how the injection ends."""


def test_the_status_page_shows_a_payment_later_than_a_fee(mocklend):
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")
    mocklend.arm("cache.bad_news_first", lag_s=600)

    mocklend.edit(loan["id"], "MODIFY_BILL_AMOUNT", amount_minor=1200, operator="grace", memo="A fee")
    assert mocklend.loan(loan["id"])["outstanding_minor"] == 101_200

    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
    assert mocklend.loan(loan["id"])["outstanding_minor"] == 101_200
    assert mocklend.books(loan["id"])["outstanding_minor"] == 0

    audit = mocklend.audit()
    assert [discrepancy["class"] for discrepancy in audit["discrepancies"]] == ["stale_view"]
    assert audit["discrepancies"][0]["explained_by"]
    assert not audit["unobserved"]

    mocklend.advance("PT10M")
    assert mocklend.loan(loan["id"])["status"] == "CLEAR"
    assert mocklend.audit()["clean"]

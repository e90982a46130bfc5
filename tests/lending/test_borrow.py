"""Borrowing: within the limit, once for each reference, on terms that a loan can follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS, Limits, Method, Product, RateUnit
from mocklend.lending import AddBorrower, Borrow
from mocklend.runtime import Platform
from mocklend.storage.work import Idempotency
from support.story import Story

TERMS = Product(method=Method.EQUAL_INSTALMENT, terms=3, rate="0.36")


def test_a_loan_is_paid_out_and_in_use_at_once(story: Story) -> None:
    loan_id = story.borrow(100_000, product=TERMS)

    page = story.page(loan_id)

    assert (page["status"], page["version"], page["outstanding_minor"]) == ("USING", 1, 100_000)
    assert page["next_due"]["due_date"] == "2026-02-05"
    assert story.discrepancies() == []


def test_a_borrower_is_made_once_for_each_reference(platform: Platform, story: Story) -> None:
    first = platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 5))

    again = platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 5))

    assert (first.status, again.status, first.body) == (201, 200, again.body)
    with pytest.raises(Refused, match="reference_taken"):
        platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 6))


def test_the_credit_limit_bounds_what_is_owed_and_repaying_frees_it(story: Story) -> None:
    first = story.borrow(60_000, limit_minor=100_000)
    with pytest.raises(Refused) as caught:
        story.borrow(40_001, limit_minor=100_000)
    assert (caught.value.code, caught.value.expected) == ("credit_limit_exceeded", 40_000)
    story.borrow(40_000, limit_minor=100_000)

    story.settle(first)

    story.borrow(60_000, limit_minor=100_000)


def test_two_concurrent_loans_cannot_exceed_the_limit(platform: Platform, story: Story) -> None:
    ada = platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 100_000)).body["id"]
    commands = [Borrow(story.sandbox_id, story.key(), ada, 60_000, "CNY", TERMS, None, None) for _ in range(2)]

    with pytest.raises(Refused, match="credit_limit_exceeded"):
        platform.writer.run_all(commands)

    assert len(story.everything()["loans"]) == 1


def test_a_reference_names_one_loan(story: Story) -> None:
    story.borrow(reference="mine")

    with pytest.raises(Refused, match="reference_taken"):
        story.borrow(reference="mine")


def test_a_loan_without_a_reference_has_its_key_as_reference(platform: Platform, story: Story) -> None:
    ada = platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 10**6)).body["id"]

    answer = platform.run(Borrow(story.sandbox_id, Idempotency("k", "f"), ada, 1_000, "CNY", TERMS, None, None))

    assert answer.body["reference"] == "k"


def test_a_loan_for_an_unknown_borrower_is_refused(platform: Platform, story: Story) -> None:
    with pytest.raises(Refused, match="borrower_unknown"):
        platform.run(Borrow(story.sandbox_id, story.key(), "brw_x", 1_000, "CNY", TERMS, None, None))


@pytest.mark.parametrize("principal", [0, -1, 99, 1_001, 2**63, 2**70])
def test_a_principal_outside_the_limits_of_the_product_is_refused(story: Story, principal: int) -> None:
    product = replace(TERMS, limits=Limits(100, 1_000))

    with pytest.raises(Refused) as caught:
        story.borrow(principal, product=product, limit_minor=10**15)

    assert (caught.value.code, caught.value.expected) == ("amount_out_of_range", "100 to 1000")


def test_a_loan_that_cannot_be_scheduled_is_refused(story: Story) -> None:
    endless = Product(method=Method.EQUAL_INSTALMENT, terms=1, term_length=360, rate="1", rate_unit=RateUnit.DAILY)

    with pytest.raises(Refused, match="product_invalid"):
        story.borrow(10**15, product=endless, limit_minor=10**15)


def test_every_shipped_product_can_be_borrowed_and_settled_on_its_last_due_date(story: Story) -> None:
    for name, product in PRODUCTS.items():
        try:
            loan_id = story.borrow(100_000, product=product, borrower=name)
        except Refused as refused:
            assert refused.code == "product_invalid"
            continue
        story.wait(days=400)
        story.settle(loan_id)
        assert story.page(loan_id)["status"] == "CLEAR", name
    assert story.discrepancies() == []

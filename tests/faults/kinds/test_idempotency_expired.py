"""idempotency.expired: one request, two repayments."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.client import Client, Doc, ProblemError
from mocklend.seams.idempotency_checked import IdempotencyChecked
from mocklend.seams.signals import applied, reversed_
from mocklend_faults.kinds.idempotency_expired import IdempotencyExpired
from support.events import example
from support.layer_harness import LayerHarness


@pytest.mark.parametrize(("age_s", "forgotten"), [(0, False), (59, False), (60, True), (61, True)])
def test_a_key_expires_after_its_lifetime(age_s: int, forgotten: bool) -> None:
    fault = IdempotencyExpired(kept_for_s=60)

    assert fault.idempotency_checked(example(IdempotencyChecked, age_s=age_s)).forgotten == forgotten


@pytest.mark.parametrize("ended", [reversed_("rpy_a"), reversed_("rpy_b"), applied("undone_rpy_a")])
def test_reversing_either_heals_it(harness: LayerHarness, ended: str) -> None:
    harness.arm("pruned", "idempotency.expired")
    harness.meet(example(IdempotencyChecked))
    [entry] = harness.key()
    assert (entry.status, entry.finding.entity, entry.finding.amount_minor) == ("active", "rpy_b", 20_000)

    harness.hear(ended)

    assert harness.statuses() == ["healed"]


@pytest.fixture
def loan_id(mocklend: Client) -> str:
    """Ada's loan of 1,000.00."""
    return str(mocklend.borrow(mocklend.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")["id"])


def order(
    mocklend: Client,
    loan_id: str,
    amount_minor: int = 20_000,
    *,
    type: str = "OVD_AND_CURRENT",
    quote_id: str | None = None,
    key: str = "order-1",
) -> Doc:
    """The request, always the same one."""
    return mocklend.repay(loan_id, amount_minor, "wallet", type, quote_id=quote_id, idempotency_key=key)


def counted(mocklend: Client) -> list[int]:
    """What the rule did: evaluated, injected."""
    [rule] = mocklend.rules()["rules"]
    return [rule["counts"][name] for name in ("evaluated", "injected")]


def test_the_second_answer_replaces_the_first(mocklend: Client, loan_id: str) -> None:
    mocklend.arm("idempotency.expired", kept_for_s=60)
    first = order(mocklend, loan_id)
    assert order(mocklend, loan_id) == first

    mocklend.advance("PT1M")
    second = order(mocklend, loan_id)
    mocklend.advance("P1D")

    assert second["id"] != first["id"]
    assert order(mocklend, loan_id) == second, "a key is forgotten once at most"
    assert mocklend.loan(loan_id)["paid_minor"] == 40_000
    assert len(mocklend.audit()["discrepancies"]) == 1


def test_the_age_of_a_key_counts_from_its_first_answer(mocklend: Client, loan_id: str) -> None:
    mocklend.arm("idempotency.expired", kept_for_s=60)
    first = order(mocklend, loan_id)

    mocklend.advance("PT40S")
    assert order(mocklend, loan_id) == first
    mocklend.advance("PT20S")

    assert order(mocklend, loan_id)["id"] != first["id"]


def test_a_repeat_that_would_be_refused_now_gets_the_stored_answer(mocklend: Client, loan_id: str) -> None:
    mocklend.arm("idempotency.expired", kept_for_s=0)
    quote = mocklend.quote(loan_id)
    paid = {"type": "CLEAR", "quote_id": quote["id"]}
    first = order(mocklend, loan_id, quote["total_minor"], **paid)
    mocklend.settle(first)
    assert mocklend.loan(loan_id)["status"] == "CLEAR"

    assert order(mocklend, loan_id, quote["total_minor"], **paid) == first

    assert len(mocklend.repayments(loan_id)["repayments"]) == 1
    assert mocklend.audit()["clean"]


def by_its_channel(mocklend: Client, first: Doc) -> None:
    mocklend.return_payment("wallet", first["out_trade_no"])
    mocklend.advance("PT1M")


def by_staff(mocklend: Client, first: Doc) -> None:
    mocklend.reverse_repayment(first["id"], operator="olga", memo="she asked for it back")


@pytest.mark.parametrize("given_back", [by_its_channel, by_staff])
def test_a_reversed_payment_is_not_paid_twice(
    mocklend: Client, loan_id: str, given_back: Callable[[Client, Doc], None]
) -> None:
    mocklend.arm("idempotency.expired", kept_for_s=0)
    first = order(mocklend, loan_id)
    mocklend.settle(first)
    given_back(mocklend, first)

    assert order(mocklend, loan_id) == first

    assert mocklend.answer_key()["entries"] == []
    assert mocklend.audit()["clean"]


def test_another_body_with_an_expired_key_is_refused(mocklend: Client, loan_id: str) -> None:
    mocklend.arm("idempotency.expired", kept_for_s=0)
    order(mocklend, loan_id)

    with pytest.raises(ProblemError, match="idempotency_key_reused"):
        order(mocklend, loan_id, 20_001)


def test_a_refused_request_is_refused_again(mocklend: Client, loan_id: str) -> None:
    mocklend.arm("idempotency.expired", kept_for_s=0)

    for _ in range(2):
        with pytest.raises(ProblemError, match="quote_unknown"):
            order(mocklend, loan_id, type="CLEAR", quote_id="qte_x")

    assert mocklend.repayments(loan_id)["repayments"] == []


def test_reversing_an_order_by_mistake_does_not_heal_it(mocklend: Client, loan_id: str) -> None:
    other = order(mocklend, loan_id, 1_000, key="order-0")
    mocklend.arm("idempotency.expired", rule_id="pruned", kept_for_s=0)
    two = [order(mocklend, loan_id), order(mocklend, loan_id)]
    mocklend.settle(two[1])
    mocklend.disarm("pruned")
    mocklend.arm("operator.wrong_reversal", rule_id="slip")

    mocklend.reverse_repayment(other["id"], operator="olaf", memo="not hers")

    audit = mocklend.audit()
    assert sorted(discrepancy["class"] for discrepancy in audit["discrepancies"]) == [
        "duplicate_in_channel",
        "misapplied",
    ]
    assert all(discrepancy["explained_by"] for discrepancy in audit["discrepancies"])
    assert not audit["unobserved"]

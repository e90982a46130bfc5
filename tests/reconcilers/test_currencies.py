"""The reconcilers in currencies with other decimals than two: yen have none, a Kuwaiti dinar has three."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mocklend.client import Client
from mocklend.reconcilers import naive, thorough
from mocklend.reconcilers.found import Found
from mocklend.reconcilers.repair import repair
from mocklend.reconcilers.statement import MalformedFile, read_camt053


@dataclass(frozen=True)
class Money:
    """A currency, and how 1,000,005 of its minor units are written."""

    currency: str
    written: str


YEN, DINARS = Money("JPY", "1,000,005 JPY"), Money("KWD", "1,000.005 KWD")
BOTH = pytest.mark.parametrize("money", [YEN, DINARS], ids=lambda money: money.currency)
AMOUNT_MINOR = 1_000_005


def _loan(client: Client, money: Money) -> str:
    ada = client.add_borrower("ada", "Ada")
    id: str = client.borrow(ada["id"], AMOUNT_MINOR, product_id="jiebei-like", currency=money.currency)["id"]
    return id


def _found(findings: list[Found]) -> list[tuple[str, str, int, str | None]]:
    return [(each.finding_class, each.entity, each.amount_minor, each.currency) for each in findings]


@BOTH
def test_a_statement_has_its_amounts_in_minor_units_of_its_currency(mocklend: Client, money: Money) -> None:
    mocklend.pay_at_channel("wallet", AMOUNT_MINOR, payer_name="Ada", currency=money.currency)
    mocklend.advance("P2D")

    [row] = read_camt053(mocklend.statement("wallet", "2026-01-05", format="camt053", currency=money.currency))

    assert (row.amount_minor, row.currency) == (AMOUNT_MINOR, money.currency)


def test_a_statement_in_no_known_currency_is_malformed(mocklend: Client) -> None:
    mocklend.pay_at_channel("wallet", AMOUNT_MINOR, payer_name="Ada", currency="JPY")
    mocklend.advance("P2D")
    file = mocklend.statement("wallet", "2026-01-05", format="camt053", currency="JPY")

    with pytest.raises(MalformedFile, match="XYZ"):
        read_camt053(file.replace(b'Ccy="JPY"', b'Ccy="XYZ"'))


@BOTH
def test_a_damaged_statement_is_found_and_made_again_in_its_currency(mocklend: Client, money: Money) -> None:
    loan = _loan(mocklend, money)
    mocklend.arm("statement.truncated", match={"channel": "wallet", "currency": money.currency})
    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan), "wallet"))
    mocklend.advance("P1D")
    mocklend.statement("wallet", "2026-01-05", format="camt053", currency=money.currency)

    findings = thorough.reconcile(mocklend)

    [entry] = mocklend.answer_key(status="active")["entries"]
    assert _found(findings) == [("wrong_statement", entry["expected"]["entity"], 0, money.currency)]
    assert entry["expected"]["entity"].endswith(money.currency)
    mocklend.halt()
    assert repair(mocklend, findings) == [(findings[0], "done")]
    assert mocklend.audit()["clean"]
    assert thorough.reconcile(mocklend) == []


@BOTH
def test_an_unsolicited_payment_whose_callback_was_lost_is_found_by_its_statement(
    mocklend: Client, money: Money
) -> None:
    _loan(mocklend, money)
    mocklend.arm("callback.dropped")
    mocklend.pay_at_channel("wallet", AMOUNT_MINOR, payer_name="Bob", currency=money.currency)
    mocklend.advance("P2D")

    findings = thorough.reconcile(mocklend)

    [entry] = mocklend.answer_key(status="active")["entries"]
    assert _found(findings) == [
        ("missing_in_books", entry["expected"]["entity"], AMOUNT_MINOR, money.currency),
    ]
    assert f"wallet states {money.written} of 2026-01-05" in findings[0].detail
    mocklend.halt()
    assert [outcome for _, outcome in repair(mocklend, findings)] == ["done"]


@BOTH
def test_the_naive_reconciler_adds_up_each_currency_alone(mocklend: Client, money: Money) -> None:
    mocklend.arm("callback.dropped")
    lost = mocklend.repay_quote(mocklend.quote(_loan(mocklend, money)), "wallet")
    mocklend.settle(lost)
    # As many fen arrive: the sums over both currencies would differ by another amount than the lost one.
    mocklend.halt()
    mocklend.pay_at_channel("wallet", AMOUNT_MINOR, payer_name="Bob", currency="CNY")
    mocklend.advance("P2D")

    [finding] = naive.reconcile(mocklend)

    assert _found([finding]) == [("missing_in_books", lost["id"], lost["amount_minor"], money.currency)]
    assert f"wallet took {finding.amount} more than the books have" in finding.detail


def test_a_memo_names_an_amount_with_the_decimals_of_its_loan(mocklend: Client) -> None:
    dinars, yen = _loan(mocklend, DINARS), _loan(mocklend, YEN)
    mocklend.arm("operator.wrong_amount")
    for loan, memo in ((dinars, "fee of 1.234, ticket 4711"), (yen, "fee by section 12.34")):
        mocklend.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=1_234, operator="olaf", memo=memo)

    findings = thorough.reconcile(mocklend)

    [edit] = mocklend.edits(dinars)["edits"]
    assert [(each.entity, each.currency) for each in findings] == [(edit["id"], "KWD")]
    assert findings[0].detail.startswith("the memo says 1.234 KWD, the books have ")


def test_a_finding_of_an_unknown_currency_says_minor_units() -> None:
    finding = Found("stale_view", "loan_1", "loan_1", AMOUNT_MINOR, "wait", "")

    assert finding.amount == "1000005 minor units"
    assert "currency" not in finding.to_json()  # The format of findings.jsonl, which the score reads.

"""An alert says in the language of its reader what is wrong."""

from __future__ import annotations

from mocklend.channels.payouts import PURPOSES
from mocklend.domain.sentences import sentence
from mocklend.language import Language
from mocklend.monitoring.channel_checks import NOT_IN_BOOKS, UNAPPLIED, unapplied
from mocklend.monitoring.sentences import detail_of
from mocklend.monitoring.state_checks import STUCK


def test_a_channel_has_its_name_and_what_is_missing_has_a_word() -> None:
    paid = sentence(NOT_IN_BOOKS, channel="wallet", amount="5.00 CNY", paid_at="2026-01-05T02:00:00Z")
    nobody = sentence(UNAPPLIED, amount="5.00 CNY", channel="bill_pay", payer="", reference="")

    assert detail_of(Language.EN, paid) == "Wallet balance was paid 5.00 CNY at 2026-01-05T02:00:00Z, no book has it"
    assert detail_of(Language.ZH, paid) == "余额于 2026-01-05T02:00:00Z 收到 5.00 CNY，账簿上没有"
    assert detail_of(Language.EN, nobody).endswith("payer: not named; reference: none")
    assert detail_of(Language.ZH, nobody).endswith("付款人：未写明；附言：无")


def test_what_a_payer_typed_is_text_and_no_placeholder() -> None:
    typed = sentence(UNAPPLIED, amount="5.00 CNY", channel="bill_pay", payer="{amount}", reference="none")

    assert detail_of(Language.ZH, typed).endswith("付款人：{amount}；附言：none")


def test_the_audit_names_the_channel_by_its_id() -> None:
    assert unapplied(500, "CNY", "wallet", None, None) == (
        "5.00 CNY through wallet is unapplied; payer: not named; reference: none"
    )


def test_each_purpose_of_a_payout_has_a_sentence() -> None:
    assert set(STUCK) == set(PURPOSES)

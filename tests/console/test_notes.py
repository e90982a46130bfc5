"""Notes that are stored in English are shown in the viewer's language, with words for their codes."""

from __future__ import annotations

import pytest

from mocklend.console.chain import Wording
from mocklend.console.formats import Formats
from mocklend.console.notes import NOTES
from mocklend.console.recognised import recognised
from mocklend.console.visit import Visit
from mocklend.console.words import ABOUT
from mocklend.language import Language
from mocklend.monitoring.channel_checks import unapplied
from mocklend.scenarios.words import sentence


@pytest.mark.parametrize(
    ("note", "chinese"),
    [
        ("bank_transfer has not paid it out yet", "银行转账尚未付出"),
        ("an_app has not paid it out yet", "an_app 尚未付出"),
        ("Marked on the credit report.", "已在征信报告上标注。"),
        ("A compensation of 50.00 CNY was agreed.", "已同意赔付 50.00 CNY。"),
        ("grace verified the evidence: the channels confirm 1 of 2 pieces.",
         "grace 核实了凭证材料：渠道确认了 2 份中的 1 份。"),
        ("Corrected: an edit. Left to do: the report.", "已更正：an edit。尚待处理：the report。"),
        ("Corrected: an edit.", "已更正：an edit。"),
        ("Her own words.", "Her own words."),
    ],
)  # fmt: skip
def test_a_note_is_said_in_chinese(note: str, chinese: str) -> None:
    assert recognised(Language.ZH, note, NOTES, ABOUT) == chinese
    assert recognised(Language.EN, note, NOTES, ABOUT) == note


@pytest.mark.parametrize("language", Language)
def test_a_code_that_begins_a_sentence_is_written_as_it_is(language: Language) -> None:
    entry = {"fault": "operator.wrong_amount", "status": "active"}

    text, _ = sentence(language, "Asia/Shanghai", "answer_key", {"entries": [entry]}, None)

    assert text.startswith("operator.wrong_amount")


def test_an_alert_has_an_amount_of_a_currency_and_no_quotes() -> None:
    assert unapplied(100_450, "CNY", "bill_pay", "Ada", None) == (
        "1,004.50 CNY through bill_pay is unapplied; payer: Ada; reference: none"
    )


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (Language.EN, "Corrected: a repayment applied rpy_1. Left to do: a page that is behind loan_2."),
        (Language.ZH, "已更正：还款已入账 rpy_1。尚待处理：落后的借款页 loan_2。"),
    ],
)
def test_what_a_dispute_corrected_has_words(language: Language, says: str) -> None:
    here = Visit("one", language, "system", projector=False, truth=True, student_of=None)
    wording = Wording(here, Formats(language, "UTC"), "CNY")

    assert wording._note("Corrected: repayment_applied rpy_1. Left to do: page_behind loan_2.") == says

"""What is wrong with a field is said in the viewer's language: the texts of the API's errors exist in Chinese."""

from __future__ import annotations

import re

import pytest

from mocklend.api.clock import Advance
from mocklend.console.field_errors import EXPECTED, expected_text, wrong_text
from mocklend.console.forms import read_form
from mocklend.domain.problems import FieldErrorDoc, Refused
from mocklend.language import Language, translate


def told(language: Language, expected: str, received: object) -> str:
    text, shown = wrong_text(FieldErrorDoc(field="field", expected=expected, received=received))
    return translate(language, text, expected=expected_text(language, expected), received=shown)


@pytest.mark.parametrize(
    ("expected", "received", "english", "chinese"),
    [
        ("an integer from 1 to 60", 70, "an integer from 1 to 60; received 70", "1 到 60 之间的整数，实际为 70"),
        ("a number from 0 to 1", 1.5, "a number from 0 to 1; received 1.5", "0 到 1 之间的数，实际为 1.5"),
        ("a name that no other group has", "A", "a name that no other group has; received A",
         "其他小组没有用过的名称，实际为 A"),
        ("a value: the field is required", "nothing", "a value: the field is required; received nothing",
         "一个值（此项必填），实际为空"),
        ("one of the list", None, "one of the list; received nothing", "列表中的一项，实际为空"),
        ("true or false", True, "true or false; received true", "true 或 false，实际为 true"),
        ("one of wallet, bank_card; did you mean 'wallet'?", "walet",
         "one of wallet, bank_card; did you mean 'wallet'?; received walet",
         "以下之一：wallet, bank_card（是否想写 wallet？），实际为 walet"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_told_of_in_both_languages(
    expected: str, received: object, english: str, chinese: str
) -> None:
    assert told(Language.EN, expected, received) == f"Expected {english}."
    chinese = chinese if re.match(r"[\u4e00-\u9fff]", chinese) else f" {chinese}"
    assert told(Language.ZH, expected, received) == f"应为{chinese}。"


def test_a_text_that_no_form_expects_is_shown_as_it_is() -> None:
    assert expected_text(Language.ZH, "a colour of the rainbow") == "a colour of the rainbow"


@pytest.mark.parametrize("text", EXPECTED)
def test_the_first_text_that_fits_is_the_right_one(text: str) -> None:
    filled = re.sub(r"\{\w+\}", "7", text)

    assert expected_text(Language.ZH, filled) == translate(Language.ZH, text, **dict.fromkeys(
        re.findall(r"\{(\w+)\}", text), "7"
    ))  # fmt: skip


def test_what_the_models_expect_is_known() -> None:
    with pytest.raises(Refused) as refused:
        read_form(Advance, {"to": "tomorrow", "by": "soon", "mode": "x"})

    for error in refused.value.ids["errors"]:
        assert expected_text(Language.ZH, error["expected"]) != error["expected"], error

"""Texts in two languages: the preferred one is found, and the catalogues have each text with the same placeholders."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from mocklend.language import Language, accepted, available, is_translated, translate

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted(ROOT.glob("*/mocklend*/catalogues/*/*.po"))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, Language.EN),
        ("", Language.EN),
        ("zh", Language.ZH),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        ("en-GB,en;q=0.9,zh;q=0.8", Language.EN),
        ("fr, zh-Hans;q=0.3, en;q=0.2", Language.ZH),
        ("fr", Language.EN),
        ("zh;q=0, en;q=0.1", Language.EN),
        ("zh;q=bad", Language.EN),
    ],
)
def test_the_language_is_the_one_that_the_client_prefers(header: str | None, language: Language) -> None:
    assert accepted(header) is language


def test_a_text_is_shown_in_the_language_asked_for() -> None:
    assert translate(Language.ZH, "Books") == "账簿"
    assert translate(Language.EN, "Books") == "Books"


def test_chinese_has_a_space_only_beside_letters_and_digits() -> None:
    text = "Orders a repayment of {amount_minor} through {channel}"

    assert translate(Language.ZH, text, amount_minor="1.00", channel="银行卡") == "通过银行卡下单还款 1.00"
    assert translate(Language.ZH, text, amount_minor="1.00", channel="wallet") == "通过 wallet 下单还款 1.00"
    assert translate(Language.EN, text, amount_minor="1.00", channel="银行卡") == (
        "Orders a repayment of 1.00 through 银行卡"
    )


def test_a_text_without_chinese_is_shown_in_english() -> None:
    assert translate(Language.ZH, "{count} of no catalogue", count=3) == "3 of no catalogue"
    assert not is_translated(Language.ZH, "{count} of no catalogue")


def test_braces_stay_where_no_value_is_given() -> None:
    assert translate(Language.EN, 'a body like {"a": 1}') == 'a body like {"a": 1}'


def test_without_babel_there_is_only_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocklend.language.find_spec", lambda _name: None)

    assert available() == (Language.EN,)
    assert accepted("zh") is Language.EN


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_each_text_of_a_catalogue_has_a_translation_with_the_same_placeholders(path: Path) -> None:
    with path.open("rb") as file:
        messages = [message for message in read_po(file, locale=path.parent.name, abort_invalid=True) if message.id]

    assert messages, "an empty catalogue"
    for message in messages:
        assert message.string, f"{message.id!r} has no translation"
        assert placeholders(str(message.string)) == placeholders(str(message.id)), message.id


def test_no_text_has_two_translations() -> None:
    chosen: dict[str, tuple[str, str]] = {}
    for path in CATALOGUES:
        with path.open("rb") as file:
            for message in read_po(file, locale=path.parent.name):
                if message.id:
                    before = chosen.setdefault(str(message.id), (str(message.string), path.name))
                    assert before[0] == message.string, f"{message.id!r}: {before}, and {message.string!r} in {path}"


def placeholders(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name}
    except ValueError:  # A text that is shown as it is, with braces of its own.
        return set()

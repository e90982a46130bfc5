"""Each text of each kind of fault has a Chinese one."""

from __future__ import annotations

import re

import pytest

from mocklend.language import Language, is_translated, translate
from mocklend.seams.edges import EDGE_TITLES
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.described import texts

KINDS = installed()
CODE = re.compile(r"`[^`]+`")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!(]|[,;:?!)][\u4e00-\u9fff]")
UNSPACED = re.compile(r"[\u4e00-\u9fff](?=[A-Za-z0-9`])|[A-Za-z0-9`](?=[\u4e00-\u9fff])")
DATE = re.compile(r"\d+ ?日")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_text_of_a_kind_has_a_chinese_one_with_the_same_codes(name: str) -> None:
    for text in texts(KINDS[name]):
        assert is_translated(Language.ZH, text), text
        chinese = translate(Language.ZH, text)
        assert sorted(CODE.findall(chinese)) == sorted(CODE.findall(text)), text


@pytest.mark.parametrize("name", sorted(KINDS))
def test_chinese_is_set_with_full_width_marks_and_spaces_around_latin(name: str) -> None:
    for text in texts(KINDS[name]):
        chinese = translate(Language.ZH, text)
        assert not HALF_WIDTH.search(chinese), chinese
        assert not UNSPACED.search(DATE.sub("", chinese)), chinese


def test_each_edge_of_the_chain_has_a_chinese_name() -> None:
    assert all(is_translated(Language.ZH, title) for title in EDGE_TITLES.values())

"""When two names are one person and when they are two, as four eyes needs it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.domain.people import person, same_person

SPELT_OTHERWISE = {
    "case": "WANG wei",
    "blanks around": "  Wang Wei\t",
    "blanks within": "Wang   Wei",
    "no blank": "wangwei",
    "no-break space": "Wang\u00a0Wei",
    "ideographic space": "Wang\u3000Wei",
    "thin space": "Wang\u2009Wei",
    "line separator": "Wang\u2028Wei",
    "full width": "Ｗａｎｇ　Ｗｅｉ",
    "zero width space": "Wang\u200bWei",
    "zero width joiner": "Wa\u200dng Wei",
    "byte order mark": "\ufeffWang Wei",
    "soft hyphen": "Wang\u00ad Wei",
    "right to left mark": "Wang Wei\u200f",
    "bidi isolate": "\u2066Wang Wei\u2069",
    "bidi override": "\u202dWang Wei\u202c",
    "variation selector": "Wang\ufe0f Wei",
    "ideographic variation": "Wang\U000e0100 Wei",
    "tag": "Wang\U000e0041 Wei",
    "grapheme joiner": "Wang\u034f Wei",
    "filler": "Wang\u3164Wei",
    "blank of braille": "Wang\u2800Wei",
    "control": "Wang\x00 Wei\x7f",
    "mathematical letters": "𝐖𝐚𝐧𝐠 𝑊𝑒𝑖",
    "cyrillic": "W\u0430ng W\u0435\u0456",
    "greek": "W\u03b1ng We\u03b9",
}


@pytest.mark.parametrize("spelt", SPELT_OTHERWISE.values(), ids=SPELT_OTHERWISE)
def test_one_person_is_one_person_however_the_name_is_spelt(spelt: str) -> None:
    assert same_person("Wang Wei", spelt)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("王伟", "王 伟"),
        ("王伟", "王\u200b伟"),
        ("José", "Jose\u0301"),
        ("STRASSE", "straße"),
        ("İnci", "inci"),
        ("ﬁona", "Fiona"),
        ("\u0421\u041e\u0425", "cox"),
    ],
)
def test_unicode_variants_of_one_name_are_one_name(first: str, other: str) -> None:
    assert same_person(first, other)


@pytest.mark.parametrize(
    ("first", "other"),
    [("wang", "wei"), ("José", "Jose"), ("王伟", "王玮"), ("Li 1", "Li 2"), ("anna", "ana"), ("O'Neil", "Oneil")],
)
def test_two_people_are_two_people(first: str, other: str) -> None:
    assert not same_person(first, other)


@pytest.mark.parametrize("blank", ["", " ", "\u3000", "\u200b\u200d", "\u2066\u2069", "\t\r\n", "\u3164", "\ufe0f"])
def test_invisible_characters_alone_are_no_name(blank: str) -> None:
    assert person(blank) == ""


_NOTHING_TO_SEE = st.text(
    st.sampled_from(" \t\u00a0\u3000\u200b\u200d\u2060\ufeff\u202e\u2066\ufe0f\u034f\u3164"), max_size=3
)


@given(name=st.text(max_size=20), before=_NOTHING_TO_SEE, after=_NOTHING_TO_SEE)
def test_invisible_characters_at_the_ends_make_no_other_person(name: str, before: str, after: str) -> None:
    assert same_person(name, before + name + after)


@given(letters=st.lists(st.sampled_from("abcxyz王éß"), min_size=2, max_size=8), unseen=_NOTHING_TO_SEE)
def test_invisible_characters_between_letters_make_no_other_person(letters: list[str], unseen: str) -> None:
    assert same_person("".join(letters), unseen.join(letters))


@given(name=st.text(max_size=20))
def test_normalising_a_name_twice_changes_nothing(name: str) -> None:
    assert person(person(name)) == person(name)


@given(name=st.text(st.characters(max_codepoint=0x24F), max_size=20))
def test_upper_and_lower_case_are_the_same_person(name: str) -> None:
    assert same_person(name, name.swapcase())

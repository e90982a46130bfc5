"""People: whether two names are one person's. Four eyes need two people, however the names are spelt."""

from __future__ import annotations

from unicodedata import category, normalize

_UNSEEN = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065), (0x2800, 0x2800),
        (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)  # fmt: skip
"""Invisible characters whose Unicode category does not mark them so: joiners, fillers, variation selectors, tags."""

_BLANK = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Unicode categories of invisible characters: blanks, controls, zero widths, direction marks."""

# Lower case, as after case folding. A capital that looks like another letter than its small form (Greek Nu) is treated
# as the small form.
_LOOKS_LIKE = str.maketrans(
    "авеһіјкмнорстухѕԁԛԝ" + "αβεηικνορτυχ" + "ı",
    "abehijkmhopctyxsdqw" + "abenikvoptyx" + "i",
)
"""Cyrillic and Greek letters, and the Turkish i, mapped to the Latin letters that they look like."""


def person(name: str) -> str:
    """The normal form of a person's name: names with the same form are one person. Empty if the name is blank.

    Width, ligatures and composition (NFKC), case, blanks of any kind and number, and characters that cannot be seen
    make no difference, nor do Cyrillic and Greek letters that look like Latin ones. Accents do: Jose is not José.
    """
    while True:
        folded = normalize("NFKC", normalize("NFKC", _visible_characters(name)).casefold()).replace("i\u0307", "i")
        folded = _visible_characters(folded.translate(_LOOKS_LIKE))
        if folded == name:
            return folded
        name = folded


def same_person(name: str, other: str) -> bool:
    """Whether two names are one person's, as far as a name can tell."""
    return person(name) == person(other)


def _visible_characters(name: str) -> str:
    return "".join(char for char in name if category(char) not in _BLANK and char not in _UNSEEN)

"""Sentences that were written in English with their values, found again by the texts that make them.

    "an integer from 1 to 60" ─▶ matches "an integer from {least} to {most}" ─▶ "{least} 到 {most} 之间的整数"

For what is stored, or answered by the API, as one English sentence: its wording is a promise already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from mocklend.language import Language, translate


def recognised(
    language: Language, sentence: str, texts: Sequence[str], words: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The sentence in a language, by the first of the texts that makes it; as it is where none does.

    Values that are codes with a word in `words` (English) are replaced by that word in the language.
    """
    if language is Language.EN:
        return sentence
    for text in texts:
        found = _pattern(text).fullmatch(sentence)
        if found is not None:
            values = {
                name: translate(language, words[value]) if value in words else value
                for name, value in found.groupdict().items()
            }
            return translate(language, text, **values)
    return sentence


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """All that a text can become, each value a named group."""
    parts = re.split(r"\{(\w+)\}", text)
    return re.compile(
        "".join(f"(?P<{part}>.+)" if n % 2 else re.escape(part) for n, part in enumerate(parts)), re.DOTALL
    )

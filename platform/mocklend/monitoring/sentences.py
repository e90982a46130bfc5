"""What an alert says, in the language of its reader: a sentence and its values are kept, and put together later."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mocklend.domain.channel import channels
from mocklend.domain.sentences import SentenceDoc
from mocklend.language import Language, message, translate

Show = Callable[[Language, str, str], str]
"""How a value of a sentence is shown, by its name: see `shown`."""
MISSING: Mapping[str, str] = {"payer": message("not named"), "reference": message("none")}
"""What stands for an empty value, by its name."""


def shown(language: Language, name: str, value: str) -> str:
    """A value as it stands in JSON: a channel by its name, what is missing in words, and anything else as it is."""
    if not value and name in MISSING:
        return translate(language, MISSING[name])
    if name == "channel" and value in channels():
        return translate(language, channels()[value].name)
    return value


def detail_of(language: Language, sentence: SentenceDoc, show: Show = shown) -> str:
    """The sentence of an alert in a language."""
    values = {name: show(language, name, value) for name, value in sentence["values"].items()}
    return translate(language, sentence["text"], **values)

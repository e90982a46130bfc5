"""Sentences that are said later, in any language: an English text, and the values of its placeholders."""

from __future__ import annotations

from typing import Annotated, TypedDict

from mocklend.domain.nouns import says


class SentenceDoc(TypedDict):
    """A sentence that is said later, in any language: its English text, and the values of its placeholders."""

    text: Annotated[str, says("The sentence in English, with `{name}` for each of the values.")]
    values: Annotated[dict[str, str], says("The values, by name.")]


def sentence(text: str, /, **values: object) -> SentenceDoc:
    """A sentence with these values, each as text."""
    return {"text": text, "values": {name: str(value) for name, value in values.items()}}

"""Sentences in answers: an English text with placeholders and their values, for readers of another language."""

from __future__ import annotations

from pydantic import Field

from mocklend.api.fields import Doc


class SentenceDoc(Doc):
    """A sentence as a text with placeholders, and their values."""

    text: str = Field(description="The sentence in English, with `{name}` for each of the values.")
    values: dict[str, str] = Field(description="The values, by name.")

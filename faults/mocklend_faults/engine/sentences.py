"""Sentences that are said in several languages: an English text, and the values of its placeholders."""

from __future__ import annotations

from dataclasses import dataclass

from mocklend.domain.sentences import SentenceDoc


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence. Its text is the key of its translations."""

    text: str
    values: dict[str, str]

    def __str__(self) -> str:
        """The sentence in English."""
        return self.text.format(**self.values)

    def to_json(self) -> SentenceDoc:
        """The sentence as JSON."""
        return {"text": self.text, "values": self.values}


def sentence(text: str, /, **values: object) -> Sentence:
    """A sentence with these values, each as text."""
    return Sentence(text, {name: str(value) for name, value in values.items()})

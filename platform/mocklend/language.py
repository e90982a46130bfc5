"""The two languages: what Mocklend says to a reader is written in English, and catalogues have it in Chinese.

        translate(ZH, "{count} rules on", count=3) ─▶ catalogues/zh/*.po of platform and layer ─▶ "3 条规则生效"

The English text is the key. A text that no catalogue has is shown in English: tests see to it that there is none. The
catalogues are plain .po files, read by Babel when Chinese is first asked for. Without the extra `console` all is
English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.util import find_spec

from markupsafe import Markup, escape

from mocklend.domain.sentences import SentenceDoc
from mocklend.plugins import installed

CATALOGUES = "mocklend.catalogues"
"""The entry-point group of the packages that have catalogues: each names a package with a folder per language."""


class Language(StrEnum):
    """A language of the product. Its value is the name of the catalogues' folder."""

    EN = "en"
    ZH = "zh"

    @property
    def tag(self) -> str:
        """The language tag (BCP 47) of texts: Chinese is that of mainland China, in simplified characters."""
        return "zh-CN" if self is Language.ZH else "en"


_SIGNS = "\u3000-\u303f\u4e00-\u9fff\uff00-\uffef"
_CHINESE = re.compile(f"[{_SIGNS}]")
_SPACE_BEFORE = re.compile(rf"(?<=[{_SIGNS}]) \{{(\w+)\}}")
_SPACE_AFTER = re.compile(rf"\{{(\w+)\}} (?=[{_SIGNS}])")
_TAG = re.compile(r"<[^>]*>")
LANGUAGE_OF = {language.value: language for language in Language}
"""Each language by the first part of its tags."""


def translate(language: Language, text: str, /, **values: object) -> str:
    """Return a text in a language, with `{name}` replaced by `values["name"]`.

    Without values the text is returned as it is, braces included. Raises KeyError if a value is missing.
    """
    text = template(language, text, values)
    return text.format(**values) if values else text


def template(language: Language, text: str, values: Mapping[str, object]) -> str:
    """Return a text in a language before its values are filled in.

    Chinese has a space only beside letters and digits: there is none where a value begins or ends with a Chinese sign
    and stands beside one.
    """
    if language is Language.EN:
        return text
    text = _catalogue(language).get(text) or text
    if values and " " in text:
        text = _SPACE_BEFORE.sub(lambda found: _without_space(found, values, 0), text)
        text = _SPACE_AFTER.sub(lambda found: _without_space(found, values, -1), text)
    return text


def html(language: Language, text: str, /, **values: object) -> Markup:
    """Return a text in a language for a template: values are escaped, unless they are markup."""
    escaped = escape(template(language, text, values))
    return escaped.format(**values) if values else escaped


def _without_space(found: re.Match[str], values: Mapping[str, object], end: int) -> str:
    """A placeholder, and the space beside it unless its value has a Chinese sign at this end."""
    shown = _TAG.sub("", str(values.get(found[1], "")))
    return found[0].strip(" ") if shown and _CHINESE.match(shown[end]) else found[0]


def said(language: Language, sentence: SentenceDoc) -> str:
    """A sentence in a language."""
    return translate(language, sentence["text"], **sentence["values"])


def is_translated(language: Language, text: str) -> bool:
    """Whether a text exists in a language."""
    return language is Language.EN or bool(_catalogue(language).get(text))


def available() -> tuple[Language, ...]:
    """The languages that this installation has: only English without the extra `console`."""
    return tuple(Language) if find_spec("babel") else (Language.EN,)


def accepted(header: str | None) -> Language:
    """Return the language that an `Accept-Language` header prefers; English if it names none of ours.

    Of several languages the one with the highest weight wins, of equal ones the first (RFC 9110, 12.5.4).
    """
    best, language = 0.0, Language.EN
    for part in (header or "").split(","):
        name, _, weight = part.partition(";")
        offered = LANGUAGE_OF.get(name.strip().lower().partition("-")[0])
        quality = _quality(weight)
        if offered is not None and offered in available() and quality > best:
            best, language = quality, offered
    return language


def _quality(weight: str) -> float:
    name, _, number = weight.strip().partition("=")
    try:
        return min(1.0, float(number)) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0


@cache
def _catalogue(language: Language) -> Mapping[str, str]:
    """All texts of a language, by their English. Read once: parsing takes some 50 ms for a thousand texts."""
    if language not in available():
        return {}
    return dict(_messages(language))


def _messages(language: Language) -> Iterator[tuple[str, str]]:
    from babel.messages.pofile import read_po

    for entry in installed(CATALOGUES):
        folder = files(entry.module) / "catalogues" / language.value
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".po"):
                with file.open("rb") as opened:
                    for message in read_po(opened, locale=language.value):
                        if message.id:
                            yield str(message.id), str(message.string or "")


def message(english: str) -> str:
    """Mark a text that is translated later than here, so that the tests look for it in the catalogues."""
    return english

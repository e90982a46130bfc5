"""A viewer of the console without a browser: the pages' HTML, their forms sent as a browser sends them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mocklend.language import Language

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    ROOT / "platform" / "mocklend" / "console",
    ROOT / "faults" / "mocklend_faults" / "console",
    ROOT / "platform" / "mocklend" / "scenarios",
    ROOT / "platform" / "mocklend" / "reports",
)
"""Where pages and their templates are."""

_SCRIPTS = re.compile(r"<(script|style|code|pre|time)\b.*?</\1>|<[^>]+>", re.DOTALL)
_SENTENCE = re.compile(r"\b[A-Za-z']{2,}(?: [A-Za-z']{2,}){2,}")


class Browser:
    """One viewer in one sandbox."""

    def __init__(self, client: FlaskClient, sandbox_id: str) -> None:
        self.client = client
        self.sandbox_id = sandbox_id

    def get(self, path: str, language: Language = Language.EN, *, status: int = 200) -> str:
        """The HTML of a page of the sandbox, in a language."""
        answer = self.client.get(self._path(path), headers={"Accept-Language": language.tag})
        assert answer.status_code == status, (answer.status_code, answer.text[:2000])
        assert "&lt;time" not in answer.text, "a moment is text, and no element"
        return answer.text

    def post(self, path: str, form: Mapping[str, str], language: Language = Language.EN) -> TestResponse:
        """Send a form of the sandbox's pages."""
        return self.client.post(self._path(path), data=form, headers={"Accept-Language": language.tag})

    def go(self, path: str, form: Mapping[str, str], language: Language = Language.EN) -> str:
        """Send a form, and follow where it leads. The HTML of the page that is shown then."""
        answer = self.post(path, form, language)
        assert answer.status_code == 303, (answer.status_code, answer.text[:2000])
        followed = self.client.get(answer.location, headers={"Accept-Language": language.tag})
        assert followed.status_code == 200, followed.text[:2000]
        return followed.text

    def _path(self, path: str) -> str:
        return path if path.startswith(("/console", "http")) or path == "/" else f"/console/{self.sandbox_id}{path}"


def seen(html: str) -> str:
    """What a reader sees of a page: no tags, no code, one space between words."""
    return " ".join(_SCRIPTS.sub(" ", html.partition("<body")[2]).split())


def english_sentences(html: str) -> list[str]:
    """Three English words in a row that a reader of a page sees."""
    return _SENTENCE.findall(seen(html))


class _Forms(HTMLParser):
    """The forms of a page: each with its action and the values that its fields have."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._select, self._area = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "form":
            self.forms.append((found.get("action", ""), {}))
        if not self.forms:
            return
        values = self.forms[-1][1]
        if tag == "input" and name and (found.get("type") != "checkbox" or "checked" in found):
            values[name] = found.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in values or "selected" in found):
            values[self._select] = found.get("value", "")
        elif tag == "textarea":
            self._area = name
            values[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][1][self._area] += data


def forms_of(html: str) -> list[tuple[str, dict[str, str]]]:
    """The forms of a page: each with its action, and what a browser would send of it without a click on a button."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms

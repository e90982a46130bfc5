"""A report's HTML file, read: its tables, its figures, the JSON in it, and whom it refers to."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from mocklend.client import Doc

VOID = frozenset({"meta", "br", "circle", "line", "polyline"})
REFERRING = frozenset({"href", "src", "srcset", "action", "data", "poster", "background", "xlink:href", "style"})
"""Attributes by which a file can ask somebody for something, and `style`, which the policy refuses."""


class ReportFile(HTMLParser):
    """Raises AssertionError if a tag is not closed where it has to be."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self.figures: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.references: list[str] = []
        self.drawn: dict[str, int] = {}
        """By class: how many lines, dots and points of the plots there are."""
        self.policy = ""
        self.title = ""
        self._open: list[tuple[str, dict[str, str]]] = []
        self._text: list[str] = []
        self._table: list[list[str]] | None = None
        self._document = ""
        self.feed(html)
        self.close()
        assert self._open == [], [tag for tag, _ in self._open]

    @property
    def document(self) -> Doc:
        """The JSON that the report was made of."""
        document: Doc = json.loads(self._document)
        return document

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element refers to, and what it is about."""
        attributes = {name: value or "" for name, value in attrs}
        self.references += [f"{tag} {name}={value}" for name, value in attributes.items() if name in REFERRING]
        if tag == "meta" and "http-equiv" in attributes:
            self.policy = attributes["content"]
        if tag in ("circle", "polyline"):
            self.drawn[attributes["class"]] = self.drawn.get(attributes["class"], 0) + 1
        if tag == "table" and (name := attributes.get("data-plot") or attributes.get("data-table")):
            self._table = self.tables[name] = []
        if tag == "tr" and self._table is not None and any(tag == "tbody" for tag, _ in self._open):
            self._table.append([])
        if tag not in VOID:
            self._open.append((tag, attributes))
            self._text.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        assert tag in VOID, tag
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        """Text of the innermost element."""
        if self._text:
            self._text[-1] += data

    def handle_endtag(self, tag: str) -> None:
        """The element is whole: keep its text if somebody asks for it."""
        opened, attributes = self._open.pop()
        text = self._text.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        if tag == "table":
            self._table = None
        elif tag in ("td", "th") and self._table:
            self._table[-1].append(" ".join(text.split()))
        elif tag == "script":
            self._document = text
        elif tag == "title":
            self.title = text
        if "data-figure" in attributes:
            self.figures[attributes["data-figure"]] = text
        if "data-field" in attributes:
            self.fields[attributes["data-field"]] = text
        if tag in ("code", "span", "b", "time") and self._text:
            self._text[-1] += text

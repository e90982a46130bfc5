"""Reading a JSON body: the one way in. What cannot be read is refused here, before anything looks at a field.

A body is limited in bytes (chunked ones too: the server does not count those), in values and in depth. Both are looked
at before parsing, so that 50,000 brackets cost a scan and no stack, and millions of empty objects no memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from flask import Request
from flask import request as current_request

from mocklend.domain.problems import Refused
from mocklend.door import BODY_MAX, LONG_BODIES
from mocklend.seams.api_answer import ApiAnswer
from mocklend.textfiles import unmarked
from mocklend.validation import is_storable, storable

CHUNK = 1024 * 1024
DEPTH_MAX = 32
VALUES_MAX = 500_000
"""Each costs some hundred times the bytes that it has in a body. Only a body with very many findings comes near."""
MEMBERS_MAX = 1_000
"""Of one object. No object that is read has so many names, and each that is not known costs an error."""
INTEGER_DIGITS_MAX = 40
"""An integer this long is as far beyond every bound as one of 5,000 digits, and cheaper."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


class JsonRequest(Request):
    """A request whose JSON is read by our rules, once."""

    sandbox_id: str | None = None
    """The sandbox that it is about, once somebody has asked (see `asking`)."""
    outcome: ApiAnswer | None = None
    """What a fault layer made of this request, if anything."""
    began_s: float | None = None
    """When it came, by a clock that only runs."""

    _body: bytes | None = None
    _unreadable: Refused | None = None
    _document: Any = None
    _is_read: bool = False

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body as JSON. Refused if it is none."""
        if not self._is_read:
            if self.mimetype != "application/json" and not self.mimetype.endswith("+json"):
                raise Refused(
                    "media_type_unsupported",
                    "the Content-Type is not one of JSON",
                    expected="application/json",
                    received=self.mimetype[:80] or "none",
                )
            self._document = parse(self.body())
            self._is_read = True
        return self._document

    def body(self) -> bytes:
        """The body's bytes, all of them or Refused: the same each time, though a stream can be read only once."""
        if self._unreadable is not None:
            raise self._unreadable
        if self._body is None:
            try:
                self._body = self._read_body()
            except Refused as refused:
                self._unreadable = refused
                raise
        return self._body

    @property
    def body_read(self) -> bytes:
        """As much of the body as somebody has asked for by now: all of it, or nothing."""
        return self._body or b""

    def _read_body(self) -> bytes:
        most = LONG_BODIES.get(self.url_rule.rule, BODY_MAX) if self.url_rule else BODY_MAX
        length = self.content_length
        if length is not None and length > most:
            raise _too_large(length, most)
        chunks, size, stream = [], 0, self.stream
        while chunk := stream.read(min(most + 1 - size, CHUNK)):
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                raise _too_large(f"more than {most}", most)
        return b"".join(chunks)


def wsgi_name(header: str) -> str:
    """Where WSGI has a header: to look there costs a tenth of what asking for the header does."""
    return "HTTP_" + header.upper().replace("-", "_")


def asked_request() -> JsonRequest:
    """The request being answered."""
    request = current_request._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(request, JsonRequest)
    return request


def _too_large(received: int | str, most: int) -> Refused:
    return Refused("body_too_large", "the body is longer than this API takes", expected=most, received=received)


def parse(body: bytes) -> Any:
    """JSON as Python data. Refused if it is malformed, too deep, or holds a text that cannot be stored.

    A byte order mark before it is passed over, as RFC 8259 lets a reader do.
    """
    body = unmarked(body)
    if _has_more_values(body, VALUES_MAX):
        raise Refused("body_too_many_values", f"the JSON has more than {VALUES_MAX} values", expected=VALUES_MAX)
    if _deeper_than(body, DEPTH_MAX):
        raise Refused("body_too_deep", f"arrays and objects are nested deeper than {DEPTH_MAX}", expected=DEPTH_MAX)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"the body is not UTF-8 at byte {error.start}"
        raise Refused("body_not_json", detail, expected="JSON in UTF-8") from None
    try:
        document = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer, parse_float=_decimal
        )
    except json.JSONDecodeError as error:
        raise Refused("body_not_json", f"{error.msg.lower()} at line {error.lineno}, column {error.colno}") from None
    if "\\u" in text:
        # Raw UTF-8 holds neither; only an escape can smuggle them in.
        _refuse_unstorable(document)
    return document


def _has_more_values(body: bytes, most: int) -> bool:
    """Whether a body has more values than so many. Each but the first comes after a comma or a bracket."""
    if _separators(body) < most:
        return False
    count = 1
    for part in _outside_of_texts(body):  # Those that stand in texts count for nothing.
        count += _separators(part)
        if count > most:
            return True
    return False


def _separators(part: bytes) -> int:
    return sum(part.count(mark) for mark in (b",", b"[", b"{"))


def _deeper_than(body: bytes, most: int) -> bool:
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    depth = 0
    for part in _outside_of_texts(body):
        for bracket in _BRACKET.findall(part):
            depth += 1 if bracket in b"[{" else -1
            if depth > most:
                return True
    return False


def _outside_of_texts(body: bytes) -> Iterator[bytes]:
    """What stands between the texts of a body, piece by piece: one call that looked at all would stop all threads."""
    after = 0
    for text in _STRING.finditer(body):
        yield body[after : text.start()]
        after = text.end()
    yield body[after:]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MEMBERS_MAX:
        raise Refused("body_too_many_values", f"an object has more than {MEMBERS_MAX} names", expected=MEMBERS_MAX)
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused("body_not_json", "a field is given twice", received=storable(twice))
    return document


def _no_constant(name: str) -> NoReturn:
    raise Refused("body_not_json", f"JSON has no {name}", received=name)


def _integer(digits: str) -> int:
    return int(digits[:INTEGER_DIGITS_MAX])


def _decimal(text: str) -> float:
    # No field takes one; it is read only to be shown as what came.
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Refused("body_not_json", "a number is beyond every range", received=text[:40])
    return number


def _refuse_unstorable(value: Any) -> None:
    if isinstance(value, str):
        if not is_storable(value):
            raise Refused("text_not_storable", "a text holds NUL or half of a surrogate pair", received=storable(value))
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)

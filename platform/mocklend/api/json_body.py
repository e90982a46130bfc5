"""Reads the JSON body of a request. All bodies are read here; what is not JSON is refused before fields are validated.

A body is limited in bytes (also a chunked one, whose bytes the server does not count), in values and in depth. Values
and depth are counted before parsing, so that deep nesting cannot exhaust the stack, nor empty objects the memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from flask import Request
from flask import request as current_request

from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.received import BODY_MAX, LONG_BODIES
from mocklend.seams.api_answer import ApiAnswer
from mocklend.textfiles import unmarked
from mocklend.validation import invalid_fields, is_storable, storable

CHUNK = 1024 * 1024
DEPTH_MAX = 32
VALUES_MAX = 500_000
"""Values of one body. A value takes some hundred times its bytes of memory. Only very long findings come near this."""
MEMBERS_MAX = 1_000
"""Members of one object. No valid object has as many, and each unknown one costs an error."""
INTEGER_DIGITS_MAX = 40
"""Longer integers are cut to this: they stay beyond every bound, and parsing stays cheap."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


class JsonRequest(Request):
    """A request whose JSON is read by this module, once."""

    sandbox_id: str | None = None
    """The request's sandbox, once `request_context.sandbox_id` has been called."""
    outcome: ApiAnswer | None = None
    """The outcome that faults changed (see `fault_hooks`); None if the request is answered as it should be."""
    began_s: float | None = None
    """When the request was received, in seconds of `time.perf_counter`."""
    stale: bool | None = None
    """For a status page: whether it shows an older version than the newest; None for other answers."""

    _body: bytes | None = None
    _unreadable: Refused | None = None
    _document: Any = None
    _is_read: bool = False

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body as Python data. Refused by the codes of `BODY_CODES` in `openapi`.

        APIFlask forces what it validates against a model, and takes null for an object without fields: refused here.
        """
        if not self._is_read:
            if self.mimetype != "application/json" and not self.mimetype.endswith("+json"):
                raise Refused(
                    "media_type_unsupported",
                    "the Content-Type is not JSON",
                    expected="application/json",
                    received=self.mimetype[:80] or "none",
                )
            self._document = parse(self.body())
            self._is_read = True
        if force and self._document is None:
            raise invalid_fields(Invalid(FieldError("", "an object", None)))
        return self._document

    def body(self) -> bytes:
        """All bytes of the body; repeatable. Refused `body_too_large`."""
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
        """The body's bytes if `body` was called; empty otherwise."""
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
    """The key of a header in the WSGI environment. Reading it there is ten times as fast as `request.headers`."""
    return "HTTP_" + header.upper().replace("-", "_")


def asked_request() -> JsonRequest:
    """The request being answered."""
    request = current_request._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(request, JsonRequest)
    return request


def _too_large(received: int | str, most: int) -> Refused:
    return Refused("body_too_large", f"the body has more than {most} bytes", expected=most, received=received)


def parse(body: bytes) -> Any:
    """Parse JSON. Refused if it is malformed, too large, too deep, or contains a text that cannot be stored.

    A byte order mark at the beginning is ignored, as RFC 8259 allows.
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
        document = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Refused("body_not_json", f"{error.msg.lower()} at line {error.lineno}, column {error.colno}") from None
    if "\\u" in text:
        # NUL and lone surrogates can only come from escapes: JSON and UTF-8 exclude them otherwise.
        _refuse_unstorable(document)
    return document


def _has_more_values(body: bytes, most: int) -> bool:
    """Whether a body has more than `most` values. Each value but the first follows a comma or a bracket."""
    if _separators(body) < most:
        return False
    count = 1
    for part in _outside_of_texts(body):
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
    """The parts of a body between its strings, one by one: a single call for the whole body would block all threads."""
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
    # No field accepts a decimal number; it is parsed only to be shown in the problem.
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Refused("body_not_json", "a number is beyond every range", received=text[:40])
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer, parse_float=_decimal
)
"""Made once: `json.loads` makes one for each body, which takes as long as a small body."""


def _refuse_unstorable(value: Any) -> None:
    if isinstance(value, str):
        if not is_storable(value):
            raise Refused("text_not_storable", "a text contains NUL or a lone surrogate", received=storable(value))
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)

"""Text files of users: UTF-8, with or without a byte order mark, or UTF-16 with one.

Windows editors and shells write a mark before UTF-8, and what PowerShell redirects is UTF-16. The first bytes say which
it is, so nothing is guessed: without a mark a file is UTF-8, and refused if it is not.
"""

from __future__ import annotations

import json
import os
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from functools import cache
from pathlib import Path
from typing import Any

MARK = "\ufeff"


class NotText(ValueError):
    """The bytes are not text in a supported encoding. The message is one sentence without a full stop."""


def read_text(path: Path) -> str:
    """Return a file's text, line ends unchanged. Raises OSError, or NotText for another encoding."""
    return decoded(path.read_bytes())


def unwritable(path: Path) -> str | None:
    """Why no file can be written there, as part of a sentence; None if nothing speaks against it. Writes nothing."""
    try:
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
        if path.is_dir():
            return "it is a folder"
        may = os.access(path if path.exists() else path.parent, os.W_OK)
    except OSError as error:  # A name that no file can have.
        return str(error.strerror)
    return None if may else "it may not be written"


def decoded(data: bytes) -> str:
    """Decode bytes into text without the byte order mark. Raises NotText."""
    utf16 = data.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        if utf16:
            raise NotText(f"not UTF-16 at byte {error.start}, as its first bytes say; save it as UTF-8") from None
        line = data.count(b"\n", 0, error.start) + 1
        raise NotText(f"line {line}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise NotText(f"line {line}: a NUL, as in UTF-16 without a byte order mark; save it as UTF-8")
    return text


class NotPlain(ValueError):
    """The document is not YAML, or holds values that JSON cannot. The message is one sentence without a full stop."""


def read_yaml(text: str) -> Any:
    """Parse YAML into what JSON can hold: mappings, lists, texts, numbers, booleans and null. Raises NotPlain.

    An unquoted date or time is the text that was typed: 10:00 is not 600, and 2026-01-05 is not an object.
    """
    import yaml

    try:
        document = yaml.load(text, _loader())  # It is a SafeLoader.
        json.dumps(document, allow_nan=False)
    except yaml.YAMLError as error:
        raise NotPlain(" ".join(str(error).split())) from None
    except RecursionError:
        raise NotPlain("it is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise NotPlain(f"it holds what JSON cannot: {error}") from None
    return document


@cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """What YAML 1.1 takes for a moment, or for a number to the base of 60 or 8, is text."""

    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    other = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in tagged if tag not in other] for first, tagged in resolvers.items()
    }
    decimal = r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
    Loader.add_implicit_resolver(other[1], re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z"), list("-+0123456789"))
    Loader.add_implicit_resolver(other[2], re.compile(decimal + r"\Z"), list("-+0123456789."))
    return Loader


def unmarked(body: bytes) -> bytes:
    """Remove the byte order mark from bytes that should be UTF-8."""
    return body.removeprefix(BOM_UTF8)

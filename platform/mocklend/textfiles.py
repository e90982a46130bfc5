"""Text that somebody else has saved: UTF-8, with or without a byte order mark, or UTF-16 with one.

Editors and shells of Windows put a mark before UTF-8, and what PowerShell redirects is UTF-16. Both say so in their
first bytes, so nothing is guessed here: a file that says nothing is UTF-8, and one that is not is refused.
"""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

MARK = "\ufeff"


class NotText(ValueError):
    """The bytes are no text in a known encoding. The message is one sentence about them, without a full stop."""


def read_text(path: Path) -> str:
    """A file's text, line ends as they are. OSError if it cannot be read, NotText if it is in another encoding."""
    return decoded(path.read_bytes())


def decoded(data: bytes) -> str:
    """The text of some bytes, without the mark. NotText if they are in another encoding than their mark says."""
    utf16 = data.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as wrong:
        if utf16:
            raise NotText(f"not UTF-16 at byte {wrong.start}, as its first bytes say; save it as UTF-8") from None
        line = data.count(b"\n", 0, wrong.start) + 1
        raise NotText(f"line {line}: not UTF-8 at byte {wrong.start}; save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise NotText(f"line {line}: a NUL, as in UTF-16 without a byte order mark; save it as UTF-8")
    return text


def unmarked(body: bytes) -> bytes:
    """Bytes that have to be UTF-8, without the mark that may stand before them."""
    return body.removeprefix(BOM_UTF8)

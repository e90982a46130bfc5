"""Spools a long answer into an anonymous file before it is sent, so that a slow client holds no memory.

        chunks ─▶ up to a megabyte: in memory
                  beyond: a file that is gone when it is closed, whatever happens to the process

So the answer is complete, or a refusal, before its first byte is sent; and the database is not read at a client's pace.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

MEMORY_MAX = 1024 * 1024
"""An answer up to this size is sent from memory."""
CHUNK = 64 * 1024

Content = bytes | BinaryIO


def gathered(chunks: Iterable[bytes]) -> Content:
    """Collect an answer: its bytes, or a file positioned at its start. Raises OSError if the disk is full."""
    parts, size, rest = [], 0, iter(chunks)
    for chunk in rest:
        parts.append(chunk)
        size += len(chunk)
        if size > MEMORY_MAX:
            return _in_a_file(parts, rest)
    return b"".join(parts)


def _in_a_file(parts: Iterable[bytes], rest: Iterator[bytes]) -> BinaryIO:
    file = cast(BinaryIO, tempfile.TemporaryFile(prefix="mocklend-"))  # noqa: SIM115
    try:
        file.writelines(parts)
        file.writelines(rest)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def size_of(content: Content) -> int:
    """Return the content's size in bytes."""
    if isinstance(content, bytes):
        return len(content)
    size = content.seek(0, 2)
    content.seek(0)
    return size


def chunks_of(content: Content) -> Iterator[bytes]:
    """Yield the content piece by piece; a file is closed at its end."""
    if isinstance(content, bytes):
        yield content
        return
    with content:
        while chunk := content.read(CHUNK):
            yield chunk

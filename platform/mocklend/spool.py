"""A long answer goes into a file without a name before anything of it is sent: who does not read it holds no memory.

        chunks ─▶ up to a megabyte: in memory
                  beyond: a file that is gone when it is closed, whatever happens to the process

So a whole answer is there, or a refusal, before the first byte leaves; and no database is read at a client's pace.
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
    """All of an answer: its bytes, or a file of them at its beginning. Raises OSError where there is no room for it."""
    parts, size, coming = [], 0, iter(chunks)
    for chunk in coming:
        parts.append(chunk)
        size += len(chunk)
        if size > MEMORY_MAX:
            return _in_a_file(parts, coming)
    return b"".join(parts)


def _in_a_file(parts: Iterable[bytes], coming: Iterator[bytes]) -> BinaryIO:
    file = cast(BinaryIO, tempfile.TemporaryFile(prefix="mocklend-"))  # noqa: SIM115
    try:
        file.writelines(parts)
        file.writelines(coming)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def size_of(content: Content) -> int:
    """How many bytes it has."""
    if isinstance(content, bytes):
        return len(content)
    size = content.seek(0, 2)
    content.seek(0)
    return size


def chunks_of(content: Content) -> Iterator[bytes]:
    """The content, piece by piece; a file is closed at its end."""
    if isinstance(content, bytes):
        yield content
        return
    with content:
        while chunk := content.read(CHUNK):
            yield chunk

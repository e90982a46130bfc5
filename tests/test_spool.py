"""Long answers: whole, in a file, and in little memory."""

from __future__ import annotations

import tempfile
import tracemalloc
from typing import Any

import pytest

from mocklend.spool import MEMORY_MAX, chunks_of, gathered, size_of

pytestmark = pytest.mark.security

MB = 1024 * 1024


@pytest.mark.parametrize("size", [0, 1, MEMORY_MAX])
def test_a_short_answer_is_its_bytes(size: int) -> None:
    content = gathered([b"x" * (size // 2), b"y" * (size - size // 2)])

    assert content == b"x" * (size // 2) + b"y" * (size - size // 2)
    assert size_of(content) == size
    assert b"".join(chunks_of(content)) == content


def test_a_long_answer_is_a_file_and_costs_little_memory() -> None:
    tracemalloc.start()
    try:
        content = gathered(bytes([n]) * MB for n in range(40))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert not isinstance(content, bytes)
    assert peak < 8 * MB
    assert size_of(content) == 40 * MB
    assert b"".join(chunks_of(content)) == b"".join(bytes([n]) * MB for n in range(40))
    assert content.closed


def test_a_file_is_closed_where_the_answer_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    spools: list[Any] = []
    honest = tempfile.TemporaryFile

    def remembered(**how: Any) -> Any:
        spools.append(honest(**how))
        return spools[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", remembered)

    def breaks_off() -> object:
        yield b"x" * 2 * MB
        raise LookupError("there is no more")

    with pytest.raises(LookupError):
        gathered(breaks_off())  # type: ignore[arg-type]

    assert [file.closed for file in spools] == [True]

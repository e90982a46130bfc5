"""Freed memory goes back to the system where the C library can return it, and nothing happens elsewhere."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from mocklend import memory


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    memory._trim.cache_clear()
    yield
    memory._trim.cache_clear()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc returns memory on request")
def test_what_lies_between_blocks_in_use_is_returned() -> None:
    blocks = [bytes(40_000) for _ in range(100)]
    del blocks[::2]

    assert memory.return_freed()


def test_without_glibc_nothing_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())

    assert not memory.return_freed()

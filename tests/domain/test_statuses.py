"""A status is the text that is stored, searched for and shown, wherever it goes."""

from __future__ import annotations

import json
from enum import StrEnum

import orjson
import pytest

from mocklend.domain import statuses

EVERY = [
    member for cls in vars(statuses).values() if isinstance(cls, type) and issubclass(cls, StrEnum) for member in cls
]


@pytest.mark.parametrize("status", EVERY, ids=lambda status: f"{type(status).__name__}-{status}")
def test_a_status_is_its_text(status: StrEnum) -> None:
    text = status.value

    assert (str(status), f"{status}", "-".join([status])) == (text, text, text)
    assert repr({"status": status}) == repr({"status": text})
    assert json.dumps({status: status}) == json.dumps({text: text})
    assert orjson.dumps([status]) == orjson.dumps([text])
    assert hash(status) == hash(text)
    assert status == text

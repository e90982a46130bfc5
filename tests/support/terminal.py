"""A terminal: what a command did."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mocklend.client import Client, Doc


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


def repay(mocklend: Client, loan: Doc) -> None:
    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))

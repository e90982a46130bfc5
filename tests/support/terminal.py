"""A terminal: what a command did."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from mocklend.client import Client, Doc


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Doc:
        document: Doc = json.loads(self.out)
        return document


Run = Callable[..., Ran]


def repay(mocklend: Client, loan: Doc) -> None:
    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))

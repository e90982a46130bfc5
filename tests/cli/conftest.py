"""A terminal in a sandbox of its own, and a loan in it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from mocklend.cli import main
from mocklend.client import Client, Doc
from support.terminal import Ran, Run


@pytest.fixture
def run(mocklend: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in the test's own sandbox."""
    monkeypatch.setenv("MOCKLEND_URL", mocklend.base_url)
    monkeypatch.setenv("MOCKLEND_API_KEY", mocklend.api_key or "")

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mocklend", *arguments])
        capsys.readouterr()
        try:
            main()
            code: Any = 0
        except SystemExit as left:
            code = left.code
        printed = capsys.readouterr()
        return Ran(code or 0, printed.out, printed.err)

    return run


@pytest.fixture
def loan(mocklend: Client) -> Doc:
    """Ada has borrowed 1,000.00."""
    ada = mocklend.add_borrower("ada", "Ada")
    return mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")

"""Rules of paths: they match as werkzeug's do, and build addresses for whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform


@pytest.mark.parametrize(
    ("endpoint", "values", "address"),
    [
        ("health.get_health", {}, "/-/health"),
        ("loans.get_loan", {"loan_id": "loan_1"}, "/v1/loans/loan_1"),
        ("loans.get_loan", {"loan_id": "loan_1", "more": "a b"}, "/v1/loans/loan_1?more=a+b"),
    ],
)
def test_an_address_is_built_when_it_is_asked_for(
    open_platform: Callable[..., Platform], endpoint: str, values: dict[str, str], address: str
) -> None:
    app = create_app(Settings(database="unused"), open_platform())

    assert app.url_map.bind("localhost").build(endpoint, values) == address

"""A name that was typed nearly right is answered with the right one, wherever names are looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.dataset.making import CannotMake, DatasetOptions
from mocklend.domain.names import did_you_mean
from mocklend.exports import CannotExport, export
from mocklend.reconcilers.named import UnknownReconciler, named
from mocklend.runtime import Platform, find_layer
from mocklend.scenarios.text import ScenarioError, read

layer = find_layer()
needs_faults = pytest.mark.skipif(layer is None, reason="the fault layer is found by entry point")

SANDBOX = {"seed": 1}
TERMS = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}
LOAN = {"borrower_id": "b", "principal_minor": 1}
PAY = {"amount_minor": 1, "channel": "wallet", "type": "CLEAR"}
RULE = {"fault": "cache.bounded_stale"}

Request = tuple[str, str, Any, str]

PLATFORM: list[Request] = [
    ("GET", "/channels/walet/statements", None, "wallet"),
    ("POST", "/v1/loans/loan_x/repayments", PAY | {"channel": "bank-card"}, "bank_card"),
    ("POST", "/v1/loans/loan_x/repayments", PAY | {"type": "CLEER"}, "CLEAR"),
    ("POST", "/v1/loans", LOAN | {"product_id": "jiebei"}, "jiebei-like"),
    ("POST", "/v1/loans", LOAN | {"product": TERMS | {"method": "equal_instalments"}}, "equal_instalment"),
    ("POST", "/v1/loans", LOAN | {"product": TERMS | {"day_cont": "30E/360"}}, "day_count"),
    ("POST", "/v1/loans", LOAN | {"currency": "CNX"}, "CNY"),
    ("POST", "/v1/loans", LOAN | {"borrower": "b"}, "borrower_id"),
    ("GET", "/v1/loans?status=using", None, "USING"),
    ("GET", "/channels/wallet/statements/2026-01-05?format=camt_053", None, "camt053"),
    ("POST", "/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/", "events": ["loan.clear"]}, "loan.cleared"),
    ("POST", "/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/", "profile": "standart"}, "standard"),
    ("POST", "/-/sandboxes", SANDBOX | {"clock": {"mode": "manuel"}}, "manual"),
    ("POST", "/-/sandboxes", SANDBOX | {"clock": {"sped": 2}}, "speed"),
    ("POST", "/-/sandboxes", SANDBOX | {"zone": "Asia/Shangai"}, "Asia/Shanghai"),
    ("POST", "/bureau/lenders/harbor-bank/applications",
     {"borrower_id": "b", "product": "car", "amount_minor": 1}, "harbour-bank"),
    ("GET", "/v1/borrower", None, "/v1/borrowers"),
]  # fmt: skip
FAULTS: list[Request] = [
    ("PUT", "/-/rules/one", {"fault": "cashe.bounded-stale"}, "cache.bounded_stale"),
    ("PUT", "/-/rules/one", RULE | {"with": {"lags": 1}}, "lag_s"),
    ("PUT", "/-/rules/one", RULE | {"match": {"loanid": "x"}}, "loan_id"),
    ("PUT", "/-/rules/one", RULE | {"match": {"loan_id": {"equals": "x"}}}, "equal_to"),
    ("PUT", "/-/rules/one", RULE | {"select": {"probabilty": 0.5}}, "probability"),
    ("PUT", "/-/rules/one", RULE | {"activate": {"duration": 5}}, "duration_s"),
    ("PUT", "/-/rules/one", RULE | {"expect": {"class": "stale_veiw"}}, "stale_view"),
    ("PUT", "/-/rules/one", RULE | {"wiht": {}}, "with"),
    ("PUT", "/-/profile", {"name": "reallistic"}, "realistic"),
    ("GET", "/-/rules/my-rul", None, "my-rule"),
    ("DELETE", "/-/rules/my-rul", None, "my-rule"),
    ("PATCH", "/-/rules/my-rul", {"enabled": False}, "my-rule"),
    ("GET", "/-/experiments/strm", None, "storm"),
    ("DELETE", "/-/experiments/strm", None, "storm"),
    ("PUT", "/-/experiments/other",
     {"stages": [{"name": "a", "duration_s": 5, "profile": "hostle"}]}, "hostile"),
    ("POST", "/-/scores", {"findings": [{"class": "stale_views", "entity": "x"}]}, "stale_view"),
    ("POST", "/-/scores", {"findings": [], "thresholds": {"precision": 1}}, "precision_min"),
    ("GET", "/-/answer-key?status=activ", None, "active"),
]  # fmt: skip


@pytest.fixture
def http(open_platform: Callable[..., Platform]) -> Iterator[FlaskClient]:
    with create_app(Settings(default_seed=7), open_platform(find_layer())).test_client() as client:
        yield client


def ask(http: FlaskClient, method: str, path: str, body: object) -> str:
    """What a refusal says."""
    response = http.open(path, method=method, json=body, headers={"Idempotency-Key": path})
    assert 400 <= response.status_code < 500, response.get_data(as_text=True)
    text: str = response.get_data(as_text=True)
    return text


def test_names_of_the_platform(http: FlaskClient) -> None:
    for method, path, body, suggestion in PLATFORM:
        assert f"; did you mean '{suggestion}'?" in ask(http, method, path, body), (method, path, body)


@needs_faults
def test_names_of_the_fault_layer(http: FlaskClient) -> None:
    assert http.put("/-/rules/my-rule", json=RULE).status_code == 201
    stages = [{"name": "calm", "duration_s": 5, "profile": "none"}]
    assert http.put("/-/experiments/storm", json={"stages": stages}).status_code == 201

    for method, path, body, suggestion in FAULTS:
        assert f"; did you mean '{suggestion}'?" in ask(http, method, path, body), (method, path, body)


def test_names_that_commands_take() -> None:
    with pytest.raises(UnknownReconciler, match="did you mean 'thorough'"):
        named("through")
    with pytest.raises(CannotMake, match="did you mean 'parquet'"):
        DatasetOptions(1, 1, "none", 1, "parket").refuse_wrong()
    with pytest.raises(CannotExport, match=r"did you mean '\.jsonl'"):
        export([], Path("key.json"))


def test_names_in_a_scenario() -> None:
    chapter = {"title": "t", "story": "s", "steps": [{"do": "add_borower"}]}
    text: dict[str, Any] = {"name": "n", "title": "t", "story": "s", "seed": 1, "starts": "2026-01-05T02:00:00Z"}

    with pytest.raises(ScenarioError, match="did you mean 'add_borrower'"):
        read(yaml.safe_dump(text | {"chapters": [chapter]}), "n.yaml")
    with pytest.raises(ScenarioError, match="did you mean 'chapters'"):
        read(yaml.safe_dump(text | {"chapter": [chapter]}), "n.yaml")


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("walet", "wallet"), ("WALLET", "wallet"), ("bank-card", "bank_card"), ("bank card ", "bank_card"),
        ("card", "bank_card"), ("xyz", None), ("", None), ("car", None), (7, None), (None, None),
        ("w" * 81, None), ("wallet" * 20, None),
    ],
)  # fmt: skip
def test_only_a_name_that_is_near_is_suggested(name: object, suggestion: str | None) -> None:
    hint = did_you_mean(name, ["wallet", "bank_card", "bill_pay"])

    assert hint == ("" if suggestion is None else f"; did you mean {suggestion!r}?")

"""The audit over HTTP, with a layer of ten lines in the place of the fault layer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Sandbox
from support.caller import Caller


def test_an_honest_platform_is_clean(api: Caller) -> None:
    loan = api.borrow()
    api.repay(loan["id"], 1000)
    api.wait(2)

    audit = api.made(api.get("/-/audit"))

    assert (audit["clean"], audit["discrepancies"], audit["unobserved"], audit["loans"]) == (True, [], [], 1)
    assert all(invariant["holds"] for invariant in audit["invariants"])
    assert audit["now"] == "2026-01-05T02:00:02.000Z"


def test_a_discrepancy_names_the_injection_that_explains_it(
    api: Caller, platform: Platform, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan = api.borrow()
    _make_the_page_lie(platform, sandbox.id, loan["id"])
    paths: list[Any] = []

    def explain(snapshot: Snapshot, findings: Any) -> Any:
        paths.append((snapshot.sandbox_id, snapshot.now_ms))
        return SimpleNamespace(
            explained_by=("inj_1",) * len(findings),
            unobserved=[SimpleNamespace(to_json=lambda: {"injection": "inj_2"})],
        )

    monkeypatch.setattr(platform, "layer", SimpleNamespace(explain_audit=explain))

    audit = api.made(api.get("/-/audit"))

    assert audit["clean"] is False
    assert [discrepancy["explained_by"] for discrepancy in audit["discrepancies"]] == ["inj_1"] * len(
        audit["discrepancies"]
    )
    assert audit["unobserved"] == [{"injection": "inj_2"}]
    assert paths == [(sandbox.id, 1_767_578_400_000)]


def test_without_a_layer_nothing_explains_a_discrepancy(api: Caller, platform: Platform, sandbox: Sandbox) -> None:
    loan = api.borrow()
    _make_the_page_lie(platform, sandbox.id, loan["id"])

    audit = api.made(api.get("/-/audit"))

    assert [discrepancy["explained_by"] for discrepancy in audit["discrepancies"]] == [None] * len(
        audit["discrepancies"]
    )
    assert audit["discrepancies"]


def _make_the_page_lie(platform: Platform, sandbox_id: str, loan_id: str) -> None:
    sql = "UPDATE loan_views SET doc = REPLACE(doc, 'USING', 'OVD') WHERE sandbox_id = :id AND loan_id = :loan"
    platform.writer.call(lambda connection: connection.execute(text(sql), {"id": sandbox_id, "loan": loan_id}))


def test_a_layer_brings_its_own_endpoints(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    from apiflask import APIBlueprint

    blueprint = APIBlueprint("rules", __name__)

    @blueprint.get("/-/rules")
    def rules() -> dict[str, Any]:
        return {"rules": []}

    entry = SimpleNamespace(load=lambda: lambda layer: [blueprint])
    monkeypatch.setattr("mocklend.app.installed", {"mocklend.blueprints": [entry]}.get)
    monkeypatch.setattr(platform, "layer", SimpleNamespace())

    with create_app(Settings(), platform).test_client() as client:
        assert client.get("/-/rules").get_json() == {"rules": []}


def test_an_audit_continues_from_a_mark(api: Caller) -> None:
    first = api.borrow(reference="first")
    before = api.made(api.get("/-/audit"))
    second = api.borrow(reference="second")

    newer = api.made(api.get("/-/audit", since=before["mark"]))

    assert (before["since"], before["looked_at"]) == (None, None)
    assert (newer["since"], newer["looked_at"], newer["loans"]) == (before["mark"], [second["id"]], 2)
    assert first["id"] not in newer["looked_at"]


def test_a_mark_that_no_audit_has_answered_is_refused(api: Caller) -> None:
    refused = api.get("/-/audit", since="1.2.3.4.5")

    assert (refused.status_code, refused.get_json()["code"]) == (409, "mark_unknown")
    assert refused.get_json()["received"] == "1.2.3.4.5"

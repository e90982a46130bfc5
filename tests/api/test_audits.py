"""An audit beside its request, with progress; and the audit of one loan."""

from __future__ import annotations

import pytest

from mocklend.audit.jobs import AuditRuns
from mocklend.runtime import Platform
from support.caller import Caller


def done(platform: Platform, api: Caller, id: str) -> dict[str, object]:
    """An audit once it has ended: the threads of this process are waited for."""
    platform.audits._pool.shutdown()
    return api.made(api.get(f"/-/audits/{id}"))


def test_an_audit_runs_beside_its_request_and_is_kept(api: Caller, platform: Platform) -> None:
    api.repay(api.borrow()["id"], 1_000)
    response = api.post("/-/audits")

    begun = api.made(response)
    ended = done(platform, api, begun["id"])

    assert response.status_code == 202
    assert response.headers["Location"] == f"/-/audits/{begun['id']}"
    assert (begun["id"], begun["loans"], begun["problem"]) == ("aud_1", 1, None)
    assert (ended["state"], ended["looked_at"], ended["loans"]) == ("done", 1, 1)
    assert ended["result"] == api.made(api.get("/-/audit"))
    assert api.made(api.get("/-/summary"))["last_audit"] == {
        "at": ended["at"], "clean": True, "discrepancies": 0, "unexplained": 0,
    }  # fmt: skip


def test_while_an_audit_runs_it_says_how_far_it_is_and_a_second_one_joins_it(
    api: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[object] = []
    monkeypatch.setattr(platform.audits._pool, "submit", lambda *call: waiting.append(call))

    first, second = (api.made(api.post("/-/audits")) for _ in range(2))

    assert first == second
    assert (first["state"], first["looked_at"], first["result"]) == ("running", 0, None)
    assert len(waiting) == 1


def test_an_audit_that_fails_says_why(api: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocklend.audit.jobs.audited", lambda *_, **__: 1 // 0)

    ended = done(platform, api, api.made(api.post("/-/audits"))["id"])

    assert (ended["state"], ended["result"], ended["problem"]["code"]) == ("failed", None, "internal_error")  # type: ignore[index]


def test_an_audit_whose_process_is_gone_was_interrupted(api: Caller, platform: Platform) -> None:
    platform.audits._pool.submit = lambda *call: None  # type: ignore[method-assign, assignment]
    id = api.made(api.post("/-/audits"))["id"]

    platform._audits = AuditRuns(
        platform.engine, platform.writer, None, process="another", processes=lambda: None, real_ms=platform.real_ms
    )

    assert api.made(api.get(f"/-/audits/{id}"))["state"] == "interrupted"
    assert api.made(api.post("/-/audits"))["id"] == "aud_2"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"since": "a"}', 422, "validation_failed"),
        (b"[]", 422, "validation_failed"),
        (b"null", 422, "validation_failed"),
        (b"{", 400, "body_not_json"),
        (b"[" * 50_000, 400, "body_too_deep"),
        (b'{"a": "\\u0000"}', 400, "text_not_storable"),
    ],
)
def test_an_audit_beside_its_request_takes_no_fields(api: Caller, body: bytes, status: int, code: str) -> None:
    refused = api.call("POST", "/-/audits", {"Content-Type": "application/json"}, data=body)

    api.problem(refused, status, code)
    api.problem(api.get("/-/audits/aud_1"), 404, "audit_unknown")


@pytest.mark.parametrize("id", ["aud_1", "aud_x", "aud_9999999999", "adv_1"])
def test_an_audit_that_was_never_begun_is_unknown(api: Caller, id: str) -> None:
    api.problem(api.get(f"/-/audits/{id}"), 404, "audit_unknown")


def test_one_loan_is_audited_alone(api: Caller, platform: Platform) -> None:
    loans = [api.borrow(reference=f"loan-{n}")["id"] for n in range(3)]

    made = api.made(api.get("/-/audit", loan_id=loans[1]))

    assert (made["clean"], made["looked_at"], made["loans"], made["mark"]) == (True, [loans[1]], 3, None)
    full = {invariant["name"] for invariant in api.made(api.get("/-/audit"))["invariants"]}
    assert {invariant["name"] for invariant in made["invariants"]} < full
    api.problem(api.get("/-/audit", loan_id="loan_x"), 404, "loan_unknown")
    mark = api.made(api.get("/-/audit"))["mark"]
    api.problem(api.get("/-/audit", loan_id=loans[0], since=mark), 422, "validation_failed")

"""Audits and runs of the checks beside their requests, with progress; and the audit of one loan."""

from __future__ import annotations

import sys
from concurrent.futures import Future

import pytest
from werkzeug.test import TestResponse

from mocklend.client import Doc
from mocklend.domain.problems import Refused
from mocklend.monitoring.loan_checks import Case
from mocklend.runtime import Platform
from mocklend.sandboxes.jobs import AUDIT, CHECKS, LATER_MAX, BeginJob, EndJob, newest
from mocklend.scheduling.background import Jobs
from support.caller import Caller

ASYNC = {"Prefer": "respond-async"}
AUDITS, RUNS = "/-/audits", "/operator/alerts/runs"
KINDS = [(AUDITS, "aud", "mocklend.audit.jobs.audited"), (RUNS, "chk", "mocklend.monitoring.history.run_checks")]
each_kind = pytest.mark.parametrize(("path", "prefix", "does"), KINDS)


def begun(api: Caller, path: str) -> TestResponse:
    """The response of a job that was begun."""
    return api.call("POST", path, ASYNC)


def done(platform: Platform, api: Caller, path: str, id: str) -> Doc:
    """A job once it has ended: the threads of this process are waited for."""
    platform.jobs._pool.shutdown()
    ended: Doc = api.made(api.get(f"{path}/{id}"))
    return ended


def hold(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """From now on jobs wait in the list that is returned."""
    waiting: list[object] = []

    def submit(*call: object) -> Future[None]:
        waiting.append(call)
        return Future()

    monkeypatch.setattr(platform.jobs._pool, "submit", submit)
    return waiting


def test_an_audit_runs_beside_its_request_and_is_kept(api: Caller, platform: Platform) -> None:
    api.repay(api.borrow()["id"], 1_000)
    response = api.post(AUDITS)

    first = api.made(response)
    ended = done(platform, api, AUDITS, first["id"])

    assert response.status_code == 202
    assert response.headers["Location"] == f"{AUDITS}/{first['id']}"
    assert (first["id"], first["loans"], first["problem"]) == ("aud_1", 1, None)
    assert (ended["state"], ended["looked_at"], ended["loans"]) == ("done", 1, 1)
    assert ended["result"] == api.made(api.get("/-/audit"))
    assert api.made(api.get("/-/summary"))["last_audit"] == {
        "at": ended["at"], "clean": True, "discrepancies": 0, "unexplained": 0,
    }  # fmt: skip


def test_a_run_of_the_checks_is_answered_at_once_or_with_its_result(api: Caller, platform: Platform) -> None:
    api.borrow()

    waited = api.call("POST", RUNS, {"Prefer": "wait=30"})
    response = begun(api, RUNS)
    ended = done(platform, api, RUNS, api.made(response)["id"])

    assert (waited.status_code, api.made(waited)["n"]) == (200, 1)
    assert waited.headers["Preference-Applied"] == "wait=30"
    assert (response.status_code, response.headers["Location"]) == (202, f"{RUNS}/chk_2")
    assert response.headers["Preference-Applied"] == "respond-async"
    assert (ended["state"], ended["looked_at"], ended["loans"], ended["result"]["n"]) == ("done", 1, 1, 2)
    assert ended["result"] == api.made(api.get("/operator/alerts/history"))["last_run"]
    api.problem(api.get(f"{RUNS}/chk_1"), 404, "alert_run_unknown")


def test_what_a_client_does_not_wait_for_goes_on(api: Caller, platform: Platform) -> None:
    gone = api.call("POST", RUNS, {"Prefer": "wait=0"})

    ended = done(platform, api, RUNS, api.made(gone)["id"])

    assert gone.status_code == 202
    assert (ended["state"], api.made(api.get("/operator/alerts/history"))["last_run"]["n"]) == ("done", 1)


@each_kind
def test_while_a_job_runs_it_says_how_far_it_is_and_a_second_one_joins_it(
    api: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch, path: str, prefix: str, does: str
) -> None:
    waiting = hold(platform, monkeypatch)

    first, second = (api.made(begun(api, path)) for _ in range(2))
    other = api.made(begun(api, RUNS if path == AUDITS else AUDITS))

    assert first == second
    assert (first["id"], first["state"], first["looked_at"], first["result"]) == (f"{prefix}_1", "running", 0, None)
    assert len(waiting) == 2, "jobs of two kinds run side by side"
    assert other["id"].endswith("_2")


def test_a_run_of_the_checks_tells_its_progress(
    api: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        api.borrow(reference=f"loan-{n}")
    told: list[int | None] = []
    checks = sys.modules["mocklend.monitoring.alerts"]  # The package has a function of that name.

    def tell(case: Case) -> tuple[()]:
        told.append(api.made(api.get(f"{RUNS}/chk_1"))["looked_at"])
        return ()

    monkeypatch.setattr(checks, "AT_ONCE", 1)
    monkeypatch.setattr(checks, "LOAN_CHECKS", {"tell": tell})

    done(platform, api, RUNS, api.made(begun(api, RUNS))["id"])

    assert told == [0, 1, 2]


@each_kind
def test_a_job_that_fails_says_why(
    api: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch, path: str, prefix: str, does: str
) -> None:
    monkeypatch.setattr(does, lambda *_, **__: 1 // 0)

    ended = done(platform, api, path, api.made(begun(api, path))["id"])

    assert (ended["state"], ended["result"], ended["problem"]["code"]) == ("failed", None, "internal_error")


def test_a_run_that_fails_while_its_client_waits_is_its_problem(
    api: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: object) -> None:
        raise Refused("server_stopping", "not now")

    monkeypatch.setattr("mocklend.monitoring.history.run_checks", stops)

    api.problem(api.post(RUNS), 503, "server_stopping")


@each_kind
def test_a_job_whose_process_is_gone_was_interrupted(
    api: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch, path: str, prefix: str, does: str
) -> None:
    hold(platform, monkeypatch)
    id = api.made(begun(api, path))["id"]

    platform.jobs = Jobs(
        platform.engine, platform.writer, process="another", processes=lambda: None, real_ms=platform.real_ms
    )

    assert api.made(api.get(f"{path}/{id}"))["state"] == "interrupted"
    assert api.made(begun(api, path))["id"] == f"{prefix}_2"
    platform.jobs.close()


def test_what_a_job_found_before_a_reset_is_not_stored_after_it(api: Caller, platform: Platform) -> None:
    sandbox_id = api.made(api.get("/-/summary"))["sandbox_id"]
    before = platform.run(BeginJob(sandbox_id, CHECKS, "me")).body
    api.post("/-/reset")
    after = platform.run(BeginJob(sandbox_id, CHECKS, "me")).body
    assert (before["n"], after["n"]) == (1, 1)

    platform.run(EndJob(sandbox_id, CHECKS, 1, before["resets"], "done", 0, "{}", 1))

    with platform.snapshot(sandbox_id) as snapshot:
        stored = newest(snapshot, CHECKS)
    assert stored is not None
    assert stored.state == "running"


def test_jobs_that_were_never_done_are_forgotten_one_day(platform: Platform) -> None:
    sandbox_id = platform.ensure_default(7).id

    for _ in range(LATER_MAX + 5):
        platform.run(BeginJob(sandbox_id, AUDIT, "me"))

    with platform.snapshot(sandbox_id) as snapshot:
        assert snapshot.number("SELECT COUNT(*) FROM jobs WHERE sandbox_id = :sandbox_id") == LATER_MAX


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
@pytest.mark.parametrize(
    ("path", "id", "unknown"), [(AUDITS, "aud_1", "audit_unknown"), (RUNS, "chk_1", "alert_run_unknown")]
)
def test_a_job_takes_no_fields(
    api: Caller, body: bytes, status: int, code: str, path: str, id: str, unknown: str
) -> None:
    refused = api.call("POST", path, {"Content-Type": "application/json"}, data=body)

    api.problem(refused, status, code)
    api.problem(api.get(f"{path}/{id}"), 404, unknown)


@pytest.mark.parametrize("id", ["aud_1", "aud_x", "aud_9999999999", "adv_1", "chk_1"])
def test_a_job_that_was_never_begun_is_unknown(api: Caller, id: str) -> None:
    api.problem(api.get(f"{AUDITS}/{id}"), 404, "audit_unknown")
    api.problem(api.get(f"{RUNS}/{id}"), 404, "alert_run_unknown")


def test_a_job_of_another_kind_is_unknown(api: Caller, platform: Platform) -> None:
    done(platform, api, AUDITS, api.made(begun(api, AUDITS))["id"])

    api.problem(api.get(f"{RUNS}/aud_1"), 404, "alert_run_unknown")
    api.problem(api.get(f"{RUNS}/chk_1"), 404, "alert_run_unknown")


def test_one_loan_is_audited_alone(api: Caller, platform: Platform) -> None:
    loans = [api.borrow(reference=f"loan-{n}")["id"] for n in range(3)]

    made = api.made(api.get("/-/audit", loan_id=loans[1]))

    assert (made["clean"], made["looked_at"], made["loans"], made["mark"]) == (True, [loans[1]], 3, None)
    full = {invariant["name"] for invariant in api.made(api.get("/-/audit"))["invariants"]}
    assert {invariant["name"] for invariant in made["invariants"]} < full
    api.problem(api.get("/-/audit", loan_id="loan_x"), 404, "loan_unknown")
    mark = api.made(api.get("/-/audit"))["mark"]
    api.problem(api.get("/-/audit", loan_id=loans[0], since=mark), 422, "validation_failed")

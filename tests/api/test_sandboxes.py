import pytest

from mocklend.runtime import NewSandbox, Platform
from mocklend.storage.statements import run_many
from support.caller import Caller

pytestmark = pytest.mark.security


def test_a_sandbox_is_made_with_a_key_that_opens_it(stranger: Caller) -> None:
    response = stranger.post(
        "/-/sandboxes",
        {"seed": 7, "clock": {"mode": "manual", "now": "2026-01-05T10:00:00+08:00"}, "zone": "Asia/Tokyo"},
    )

    assert response.status_code == 201
    sandbox = response.get_json()
    assert sandbox["clock"] == {
        "mode": "manual",
        "now": "2026-01-05T02:00:00.000Z",
        "moving_to": None,
        "speed": None,
        "zone": "Asia/Tokyo",
    }
    stranger.headers = {"Authorization": f"Bearer {sandbox.pop('api_key')}"}
    assert stranger.made(stranger.get(f"/-/sandboxes/{sandbox['id']}")) == sandbox
    clock = stranger.made(stranger.get("/-/clock"))
    assert clock == sandbox["clock"] | {"next": None, "advancing": None}


def test_a_running_clock_may_run_faster(stranger: Caller) -> None:
    sandbox = stranger.made(stranger.post("/-/sandboxes", {"seed": 1, "clock": {"mode": "wall", "speed": 86_400}}))

    assert (sandbox["clock"]["mode"], sandbox["clock"]["speed"]) == ("wall", 86_400)


def test_a_deleted_sandbox_is_gone_with_its_key(api: Caller, sandbox: NewSandbox) -> None:
    api.borrow()

    assert api.call("DELETE", f"/-/sandboxes/{sandbox.id}").status_code == 204

    api.problem(api.get("/v1/loans"), 401, "credential_invalid")
    api.headers = {}
    api.problem(api.get(f"/-/sandboxes/{sandbox.id}"), 404, "sandbox_unknown")
    api.problem(api.call("DELETE", f"/-/sandboxes/{sandbox.id}"), 404, "sandbox_unknown")


def test_all_sandboxes_are_listed_in_pages_and_no_key_is_shown(stranger: Caller) -> None:
    ids = sorted(stranger.made(stranger.post("/-/sandboxes", {"seed": n}))["id"] for n in range(5))

    pages, cursor = [], None
    while True:
        page = stranger.made(stranger.get("/-/sandboxes", limit=2, **({"cursor": cursor} if cursor else {})))
        pages.append(page["sandboxes"])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    listed = [item for page in pages for item in page]
    assert {len(page) for page in pages[:-1]} == {2}
    assert [item["id"] for item in listed] == sorted(item["id"] for item in listed)
    assert set(ids) <= {item["id"] for item in listed}
    assert not any("key" in name or "mk_" in str(value) for item in listed for name, value in item.items())
    assert all(item["last_used_at"].endswith("Z") for item in listed)
    assert stranger.made(stranger.get("/-/sandboxes", unused_for="P1D"))["sandboxes"] == []


def test_sandboxes_unused_for_a_given_time_are_deleted(stranger: Caller, platform: Platform) -> None:
    sandbox_id = stranger.made(stranger.post("/-/sandboxes", {"seed": 1}))["id"]
    long_ago = {"sandbox_id": sandbox_id, "used_ms": 0}
    platform.writer.call(
        lambda connection: run_many(
            connection, "UPDATE sandbox_uses SET used_ms = :used_ms WHERE sandbox_id = :sandbox_id", [long_ago]
        )
    )

    gone = stranger.made(stranger.call("DELETE", "/-/sandboxes?unused_for=P7D"))

    assert gone == {"deleted": [sandbox_id], "more": False}
    stranger.problem(stranger.get(f"/-/sandboxes/{sandbox_id}"), 404, "sandbox_unknown")
    for query in ("", "?unused_for=PT59S", "?unused_for=7", "?unused_for=-P7D"):
        stranger.problem(stranger.call("DELETE", f"/-/sandboxes{query}"), 422, "validation_failed")


def test_after_a_reset_the_same_story_has_the_same_ids(api: Caller) -> None:
    first = api.made(api.post("/v1/borrowers", {"reference": "ada", "name": "Ada"}))
    api.wait("P1D")

    emptied = api.made(api.call("POST", "/-/reset"))

    assert emptied["clock"]["now"] == "2026-01-05T02:00:00.000Z"
    assert api.made(api.get("/v1/loans"))["loans"] == []
    assert api.made(api.post("/v1/borrowers", {"reference": "ada", "name": "Ada"})) == first


def test_a_reset_takes_an_empty_object_and_nothing_else(api: Caller) -> None:
    assert api.post("/-/reset", {}).status_code == 200

    api.problem(api.post("/-/reset", {"seed": 8}), 422, "validation_failed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "seed"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": 1, "zone": "Asia/Atlantis"}, "zone"),
        ({"seed": 1, "zone": "../etc/passwd"}, "zone"),
        ({"seed": 1, "clock": {"mode": "sundial"}}, "clock.mode"),
        ({"seed": 1, "clock": {"mode": "manual", "speed": 2}}, "clock.speed"),
        ({"seed": 1, "clock": {"speed": 0}}, "clock.speed"),
        ({"seed": 1, "clock": {"now": "2026-01-05T02:00:00"}}, "clock.now"),
        ({"seed": 1, "clock": {"now": "2026-01-05"}}, "clock.now"),
        ({"seed": 1, "clock": {"now": "9026-01-05T02:00:00Z"}}, "clock.now"),
        ({"seed": 1, "clock": {"tick": 1}}, "clock.tick"),
        ({"seed": 1, "clock": []}, "clock"),
    ],
)
def test_a_sandbox_with_invalid_settings_is_refused(stranger: Caller, body: dict[str, object], field: str) -> None:
    document = stranger.problem(stranger.post("/-/sandboxes", body), 422, "validation_failed")

    assert document["errors"][0]["field"] == field


def test_a_reset_reports_what_it_kept_and_what_it_deleted(api: Caller) -> None:
    endpoint = api.made(api.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/"}))
    api.repay(api.borrow()["id"], 1000)
    api.wait("P1D")
    before = api.made(api.get("/v1/webhook-endpoints"))

    emptied = api.made(api.call("POST", "/-/reset"))

    assert emptied["reset"]["clock"] == "back_at_its_start"
    assert {"webhook_endpoints", "seed", "api_key", "zone", "monitoring"} <= set(emptied["reset"]["kept"])
    assert {"loans", "journal", "rules", "answer_key", "idempotency_keys"} <= set(emptied["reset"]["emptied"])
    assert not set(emptied["reset"]["kept"]) & set(emptied["reset"]["emptied"])
    assert emptied["clock"]["now"] == "2026-01-05T02:00:00.000Z"
    assert api.made(api.get("/v1/webhook-endpoints")) == before
    assert before["endpoints"] == [endpoint]
    assert api.made(api.get("/v1/loans"))["loans"] == []
    assert api.made(api.get("/v1/ledger/transactions"))["transactions"] == []


def test_a_reset_reports_that_a_running_clock_keeps_running(stranger: Caller) -> None:
    assert stranger.made(stranger.call("POST", "/-/reset"))["reset"]["clock"] == "runs_on"


def test_the_sandbox_default_cannot_be_deleted(stranger: Caller) -> None:
    stranger.borrower("ada")

    refused = stranger.problem(stranger.call("DELETE", "/-/sandboxes/default"), 409, "sandbox_default")

    assert "POST /-/reset" in refused["hint"]
    assert stranger.made(stranger.get("/v1/loans"))["loans"] == []
    assert stranger.made(stranger.call("POST", "/-/reset", json={}))["id"] == "default"

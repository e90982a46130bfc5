"""The staff key: it opens the planes of staff and clients, and not the control plane."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import NewSandbox, Platform, find_layer
from mocklend.sandboxes.lifecycle import STAFF
from support.caller import Caller, Documented

pytestmark = pytest.mark.security

MAY_READ = {"/-/health", "/-/clock"}


@pytest.fixture
def staff_key(api: Caller) -> str:
    """The staff key of the caller's sandbox."""
    return str(api.made(api.get("/-/staff-key"))["staff_key"])


@pytest.fixture
def staff(app: APIFlask, documented: Documented, api: Caller, staff_key: str) -> Caller:
    """A caller with only the staff key."""
    return Caller(app, documented, staff_key)


def test_the_staff_key_opens_the_client_and_staff_planes(api: Caller, staff: Caller) -> None:
    loan = api.borrow()

    assert [loan["id"] for loan in staff.made(staff.get("/v1/loans"))["loans"]] == [loan["id"]]
    assert staff.made(staff.get(f"/operator/loans/{loan['id']}"))["id"] == loan["id"]
    assert staff.made(staff.get("/channels"))["channels"]
    assert staff.made(staff.get("/-/clock"))["now"]
    assert staff.repay(loan["id"], 1_000)["status"] == "PROCESSING"


def test_the_staff_key_opens_only_listed_reads_of_the_control_plane(
    open_platform: Callable[..., Platform], sandbox: NewSandbox
) -> None:
    http = create_app(Settings(), open_platform(find_layer())).test_client()
    client_headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    staff_headers = {
        "Authorization": f"Bearer {http.get('/-/staff-key', headers=client_headers).get_json()['staff_key']}"
    }
    requests_made = 0

    for rule in http.application.url_map.iter_rules():
        if not rule.rule.startswith("/-/"):
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<id:{name}>", sandbox.id)
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            answer = http.open(path, method=method, headers=staff_headers, json={} if method != "GET" else None)
            requests_made += 1
            if method == "GET" and rule.rule in MAY_READ:
                assert answer.status_code == 200
            else:
                assert (answer.status_code, answer.get_json()["code"]) == (403, "key_of_staff"), (method, path)

    assert requests_made > 20
    assert http.get(f"/-/sandboxes/{sandbox.id}", headers=client_headers).status_code == 200  # It was not deleted.


def test_an_invented_staff_key_is_refused(
    app: APIFlask, documented: Documented, api: Caller, staff_key: str, sandbox: NewSandbox
) -> None:
    other = api.made(api.post("/-/sandboxes", {"seed": 1}))
    proof = staff_key.partition(".")[2]
    made_up = [
        f"{STAFF}{sandbox.id}", f"{STAFF}{sandbox.id}.", f"{STAFF}{sandbox.id}.{'0' * 40}", staff_key[:-1], staff_key + "0",
        f"{STAFF}{other['id']}.{proof}", STAFF, f"{STAFF}default.{proof}", sandbox.api_key.replace("mk_", STAFF), staff_key.upper(),
    ]  # fmt: skip

    for key in made_up:
        nobody = type(api)(app, documented, key)
        nobody.problem(nobody.get("/v1/loans"), 401, "credential_invalid")


def test_the_staff_key_does_not_contain_the_api_key(staff_key: str, sandbox: NewSandbox) -> None:
    assert sandbox.api_key not in staff_key
    assert sandbox.key_hash not in staff_key


def test_a_new_api_key_revokes_the_staff_key(
    api: Caller, staff: Caller, platform: Platform, sandbox: NewSandbox
) -> None:
    staff.made(staff.get("/v1/loans"))

    platform.give_key(sandbox.id, "mk_another-key-of-it")

    staff.problem(staff.get("/v1/loans"), 401, "credential_invalid")


def test_the_clock_tells_staff_of_nothing_that_only_a_fault_delays(
    open_platform: Callable[..., Platform], sandbox: NewSandbox
) -> None:
    app = create_app(Settings(), open_platform(find_layer()))
    api = Caller(app, Documented(app), sandbox.api_key)
    staff = Caller(app, Documented(app), api.made(api.get("/-/staff-key"))["staff_key"])
    api.made(api.call("PUT", "/-/rules/lag", json={"fault": "cache.bounded_stale", "with": {"lag_s": 600}}))
    api.repay(api.borrow()["id"], 1_000)
    api.wait("PT2S")

    assert api.made(api.get("/-/clock"))["next"]["kind"] == "view"
    assert staff.made(staff.get("/-/clock"))["next"]["kind"] == "bureau"

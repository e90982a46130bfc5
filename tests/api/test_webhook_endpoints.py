import pytest

from mocklend.receivers import ReceiverPolicy
from mocklend.runtime import Platform
from mocklend.webhooks.endpoints import AddEndpoint
from support.caller import Caller

pytestmark = pytest.mark.security

HOOK = {"url": "http://127.0.0.1:9/hook", "events": ["loan.cleared"], "profile": "alipay"}


def test_an_endpoint_is_registered_listed_and_removed(api: Caller) -> None:
    endpoint = api.made(api.post("/v1/webhook-endpoints", HOOK))

    assert endpoint["secret"].startswith("whsec_")
    assert api.made(api.get("/v1/webhook-endpoints"))["endpoints"] == [endpoint]
    removed = api.call("DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")
    assert (removed.status_code, removed.data) == (204, b"")
    assert api.made(api.get("/v1/webhook-endpoints"))["endpoints"] == []


def test_the_same_endpoint_twice_is_one_endpoint(api: Caller) -> None:
    first = api.post("/v1/webhook-endpoints", HOOK)

    again = api.post("/v1/webhook-endpoints", HOOK)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()


def test_an_unknown_endpoint_cannot_be_removed(api: Caller) -> None:
    api.problem(api.call("DELETE", "/v1/webhook-endpoints/whe_none"), 404, "endpoint_unknown")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://127.0.0.1/hook"),
        ("url", "http://user:secret@127.0.0.1/hook"),
        ("url", "http://127.0.0.1/ho ok"),
        ("url", "/hook"),
        ("url", "http://a..b/hook"),
        ("url", f"http://{'a' * 64}/hook"),
        ("url", "http://127.0.0.1:70000/hook"),
        ("url", "http://127.0.0.1/hook#here"),
        ("url", "http://127.0.0.1/hook\n"),
        ("url", "http://中国.example/hook"),
        ("url", f"http://127.0.0.1/{'a' * 2000}"),
        ("url", "http://10.0.0.1/hook"),
        ("url", 5),
        ("events", ["loan.forgiven"]),
        ("events", []),
        ("events", "loan.cleared"),
        ("profile", "hourly"),
    ],
)
def test_an_endpoint_needs_a_url_that_can_be_called(api: Caller, field: str, value: object) -> None:
    document = api.problem(api.post("/v1/webhook-endpoints", HOOK | {field: value}), 422, "validation_failed")

    assert document["errors"][0]["field"].split(".")[0] == field


def test_the_refusal_of_a_url_has_the_reason_and_the_url(api: Caller) -> None:
    document = api.problem(api.post("/v1/webhook-endpoints", {"url": "http://a..b/"}), 422, "validation_failed")

    expected = "a URL whose host is labels of 1 to 63 letters, digits and inner hyphens, with single dots between"
    assert document["errors"] == [{"field": "url", "expected": expected, "received": "http://a..b/"}]


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://127.0.0.1/", "https://[::ffff:169.254.169.254]/latest"])
def test_off_loopback_a_private_address_is_refused_at_registration(
    platform: Platform, api: Caller, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(platform, "receivers", ReceiverPolicy(on_loopback=False))

    document = api.problem(api.post("/v1/webhook-endpoints", {"url": url}), 422, "validation_failed")

    assert "MOCKLEND_CALLBACK_ALLOW" in document["errors"][0]["expected"]


def test_the_delivery_of_each_message_is_listed(platform: Platform, api: Caller) -> None:
    """Nobody listens at one address, and the other one is not called."""
    loan = api.borrow(auto_debit=False)["id"]
    nobody = api.made(api.post("/v1/webhook-endpoints", HOOK | {"events": ["*"]}))["id"]
    api.repay(loan, 9_500)
    sandbox_id = platform.sandbox_of_key(key_of(api))
    assert sandbox_id is not None
    outside = platform.run(AddEndpoint(sandbox_id, "http://10.0.0.1/", ("*",), "standard")).body["id"]
    api.repay(loan, 9_000)

    api.wait(0)

    ordered = [api.made(api.get(f"/v1/webhook-endpoints/{id}/webhooks"))["webhooks"] for id in (nobody, outside)]
    assert [len(endpoint) for endpoint in ordered] == [2, 1]
    (refused,) = ordered[1]
    assert refused | {"id": "", "attempts": [], "body": "", "queued_at": "", "next_attempt_at": ""} == {
        "id": "", "endpoint_id": outside, "loan_id": loan, "event": "repayment.ordered", "state": "RETRY",
        "attempts": [], "body": "", "queued_at": "", "next_attempt_at": "", "acked_at": None,
    }  # fmt: skip
    assert [(attempt["n"], attempt["outcome"]) for attempt in refused["attempts"]] == [(1, "address_refused")]
    assert refused["attempts"][0]["at"] == refused["queued_at"] < refused["next_attempt_at"]
    assert {attempt["outcome"] for endpoint in ordered[0] for attempt in endpoint["attempts"]} == {"unreachable"}


def test_messages_come_in_pages_and_by_state(api: Caller) -> None:
    endpoint = api.made(api.post("/v1/webhook-endpoints", HOOK | {"events": ["*"]}))["id"]
    loan = api.borrow()["id"]
    for _ in range(3):
        api.repay(loan, 100)
    path = f"/v1/webhook-endpoints/{endpoint}/webhooks"
    whole = api.made(api.get(path))

    first = api.made(api.get(path, limit=2))
    rest = api.made(api.get(path, limit=50, cursor=first["next_cursor"]))

    assert len(first["webhooks"]) == 2
    assert [*first["webhooks"], *rest["webhooks"]] == whole["webhooks"]
    assert (whole["next_cursor"], rest["next_cursor"]) == (None, None)
    assert api.made(api.get(path, state="QUEUED"))["webhooks"] == whole["webhooks"]
    assert api.made(api.get(path, state="ACKED"))["webhooks"] == []
    api.problem(api.get(path, state="LOST"), 422, "validation_failed")
    api.problem(api.get("/v1/webhook-endpoints/whe_none/webhooks"), 404, "endpoint_unknown")


def key_of(api: Caller) -> str:
    return str(api.headers["Authorization"]).removeprefix("Bearer ")

from typing import Any

import pytest

from mocklend.receivers import ReceiverPolicy

HOOK = {"url": "http://127.0.0.1:9/hook", "events": ["loan.cleared"], "profile": "alipay"}


def test_an_endpoint_is_registered_listed_and_removed(api: Any) -> None:
    endpoint = api.made(api.post("/v1/webhook-endpoints", HOOK))

    assert endpoint["secret"].startswith("whsec_")
    assert api.made(api.get("/v1/webhook-endpoints"))["endpoints"] == [endpoint]
    removed = api.call("DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")
    assert (removed.status_code, removed.data) == (204, b"")
    assert api.made(api.get("/v1/webhook-endpoints"))["endpoints"] == []


def test_the_same_endpoint_twice_is_one_endpoint(api: Any) -> None:
    first = api.post("/v1/webhook-endpoints", HOOK)

    again = api.post("/v1/webhook-endpoints", HOOK)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()


def test_an_endpoint_that_is_not_there_cannot_be_removed(api: Any) -> None:
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
def test_an_endpoint_must_be_one_that_can_be_called(api: Any, field: str, value: object) -> None:
    document = api.problem(api.post("/v1/webhook-endpoints", HOOK | {field: value}), 422, "validation_failed")

    assert document["errors"][0]["field"].split(".")[0] == field


def test_what_is_wrong_with_a_url_is_said_beside_what_came(api: Any) -> None:
    document = api.problem(api.post("/v1/webhook-endpoints", {"url": "http://a..b/"}), 422, "validation_failed")

    expected = "a URL whose host is labels of 1 to 63 letters, digits and inner hyphens, with single dots between"
    assert document["errors"] == [{"field": "url", "expected": expected, "received": "http://a..b/"}]


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://127.0.0.1/", "https://[::ffff:169.254.169.254]/latest"])
def test_off_loopback_an_address_of_the_servers_own_network_is_refused_at_once(
    lender: Any, api: Any, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(lender, "receivers", ReceiverPolicy(on_loopback=False))

    document = api.problem(api.post("/v1/webhook-endpoints", {"url": url}), 422, "validation_failed")

    assert "MOCKLEND_CALLBACK_ALLOW" in document["errors"][0]["expected"]

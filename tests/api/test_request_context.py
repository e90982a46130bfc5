"""Who may use which endpoint: on loopback anybody, elsewhere only with the plane's credential."""

from __future__ import annotations

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform
from support.caller import Caller

pytestmark = pytest.mark.security

TOKENS = {"control_token": "control-secret", "operator_token": "operator-secret", "channel_token": "channel-secret"}


class TestOnLoopback:
    """Only this machine can reach the server."""

    def test_no_key_opens_the_default_sandbox_on_every_plane(self, stranger: Caller) -> None:
        for path in ("/v1/loans", "/-/clock", "/-/audit", "/channels"):
            assert stranger.get(path).status_code == 200
        assert stranger.made(stranger.get("/-/sandboxes/default"))["clock"]["mode"] == "wall"

    @pytest.mark.parametrize(
        "credential",
        ["Bearer nobody", "Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "mk_x", "Bearer é", "Bearer " + "a" * 300],
    )
    def test_an_unknown_key_is_refused(self, stranger: Caller, credential: str) -> None:
        refused = stranger.call("GET", "/v1/loans", {"Authorization": credential})

        stranger.problem(refused, 401, "credential_invalid")
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")

    def test_a_key_opens_its_own_sandbox_only(self, api: Caller, stranger: Caller) -> None:
        api.borrow()

        assert len(api.made(api.get("/v1/loans"))["loans"]) == 1
        assert stranger.made(stranger.get("/v1/loans"))["loans"] == []


class TestElsewhere:
    """Anybody can reach the server."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings.model_validate({"host": "0.0.0.0", **TOKENS})

    @pytest.mark.parametrize("path", ["/v1/loans", "/v1/products/../loans"])
    def test_a_client_needs_the_key_of_a_sandbox(self, stranger: Caller, path: str) -> None:
        stranger.problem(stranger.call("GET", "/v1/loans"), 401, "credential_missing")

    @pytest.mark.parametrize(
        ("path", "header", "token"),
        [
            ("/-/clock", "X-Mocklend-Control", "control-secret"),
            ("/-/audit", "X-Mocklend-Control", "control-secret"),
            ("/-/metrics", "X-Mocklend-Control", "control-secret"),
            ("/operator/loans/loan_x/edits", "X-Mocklend-Operator", "operator-secret"),
            ("/channels", "X-Mocklend-Channel", "channel-secret"),
            ("/channels/wallet/trades/ML1", "X-Mocklend-Channel", "channel-secret"),
        ],
    )
    def test_a_plane_needs_its_own_token(self, api: Caller, path: str, header: str, token: str) -> None:
        missing = api.problem(api.get(path), 401, "credential_missing")
        wrong = api.call("GET", path, {header: "guess"})
        right = api.call("GET", path, {header: token})

        assert missing["expected"] == f"{header}: <token>"
        api.problem(wrong, 401, "credential_invalid")
        assert right.status_code in (200, 404)

    def test_a_token_is_refused_on_another_plane(self, api: Caller) -> None:
        headers = {"X-Mocklend-Operator": "operator-secret", "X-Mocklend-Channel": "channel-secret"}

        api.problem(api.call("GET", "/-/clock", headers), 401, "credential_missing")

    def test_with_the_control_token_alone_a_sandbox_can_be_made(self, stranger: Caller) -> None:
        control = {"X-Mocklend-Control": "control-secret"}

        sandbox = stranger.call("POST", "/-/sandboxes", control, json={"seed": 1})

        assert sandbox.status_code == 201
        stranger.problem(stranger.call("GET", "/-/clock", control), 401, "credential_missing")

    def test_health_and_documentation_need_no_credential(self, stranger: Caller) -> None:
        for path in ("/-/health", "/openapi.json", "/docs", "/docs/problems"):
            assert stranger.get(path).status_code == 200


def test_the_app_of_a_database_that_was_there_before_keeps_its_default_sandbox(platform: Platform) -> None:
    with create_app(Settings(default_seed=5), platform).test_client() as client:
        assert client.get("/-/sandboxes/default").get_json()["seed"] == 5
    with create_app(Settings(default_seed=6), platform).test_client() as client:
        assert client.get("/-/sandboxes/default").get_json()["seed"] == 5

"""The settings of a server: valid values, defaults, and the printed address."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mocklend.config import Settings, address_of, wrong_settings


@pytest.mark.parametrize(
    ("host", "on_loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.2", False), ("example.org", False), ("localhost.example.org", False)],
)  # fmt: skip
def test_only_loopback_is_loopback(host: str, on_loopback: bool) -> None:
    assert Settings(host=host).on_loopback is on_loopback


def test_missing_tokens_are_generated_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKLEND_PORT", "8400")
    settings, other = Settings(), Settings()

    assert settings.url == "http://127.0.0.1:8400"
    assert len({settings.control_token, settings.operator_token, settings.channel_token, other.control_token}) == 4


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_wildcard_is_never_printed_as_an_address(host: str) -> None:
    assert host not in Settings(host=host).url.removeprefix("http://").rpartition(":")[0].strip("[]").split()


def test_the_setting_lists_networks_addresses_and_names() -> None:
    settings = Settings(host="192.0.2.1", callback_allow=" 10.1.2.3/16, receiver ,::1,")

    assert not settings.receivers.refuses("a", "10.1.9.9")
    assert not settings.receivers.refuses("receiver", "127.0.0.1")
    assert not settings.receivers.refuses("a", "::1")
    assert settings.receivers.refuses("a", "127.0.0.1")


@pytest.mark.parametrize("wrong", ["10.0.0.0/99", "http://receiver", "a..b", "10.0.0.1:80", "a b", "*"])
def test_a_setting_that_names_nothing_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match="is not a network, address or host name"):
        Settings(callback_allow=f"10.0.0.0/8,{wrong}")


def test_localhost_is_the_address_behind_it() -> None:
    assert address_of("localhost") in ("127.0.0.1", "::1")
    assert address_of("192.0.2.7") == "192.0.2.7"


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKLEND_PORT", "8400")
    monkeypatch.setenv("MOCKLEND_DURABILITY", "fast")

    settings = Settings(port=8500)

    assert (settings.port, settings.durability) == (8500, "fast")


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert Settings(host="::1", port=8300).url == "http://[::1]:8300"


def test_names_with_commas_between_are_a_list_and_none_is_empty() -> None:
    settings = Settings(allowed_hosts=" lender.test, ,other.test ", fault_header_kinds="")

    assert settings.allowed_hosts_listed == ("lender.test", "other.test")
    assert settings.fault_header_kinds_listed == ()


def test_settings_that_cannot_be_used_are_named_without_their_values() -> None:
    with pytest.raises(ValidationError) as wrong:
        Settings(port=70_000, control_token="hunter2")

    message = wrong_settings(wrong.value)

    assert "port: " in message
    assert "control_token: " in message
    assert "hunter2" not in message


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="prot"):
        Settings.model_validate({"prot": 8300})


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "no such host"])
def test_a_name_that_stands_for_no_address_is_an_error_of_the_system(host: str) -> None:
    with pytest.raises(
        OSError, match=r"is not a host name|[Nn]ame or service|not known|[Tt]emporary failure|No address"
    ):
        address_of(host)

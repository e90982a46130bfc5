"""Which hosts a server answers for, and which web pages may ask it."""

from __future__ import annotations

import pytest

from mocklend.domain.problems import Refused
from mocklend.hosts import HostPolicy

pytestmark = pytest.mark.security

LOCAL = HostPolicy(on_loopback=True)


def code_of(policy: HostPolicy, method: str = "GET", path: str = "/v1/loans", **headers: str) -> str:
    try:
        policy.check(method, path, {name.replace("_", "-"): value for name, value in headers.items()})
    except Refused as refused:
        return refused.code
    return "allowed"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8300", "127.9.8.7:80", "localhost", "LocalHost:8300", "localhost.", "[::1]", "[::1]:8300",
     "mock.localhost:8300"],
)  # fmt: skip
def test_on_loopback_the_machines_own_names_are_accepted(host: str) -> None:
    assert code_of(LOCAL, host=host) == "allowed"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8300", "10.0.0.1", "192.168.1.2:8300", "localhost.evil.example", "127.0.0.1.evil.example",
     "127.0.0.1@evil.example", "[::2]", "", ":", "[", "2130706433", "0x7f000001", "127.1", "evillocalhost"],
)  # fmt: skip
def test_on_loopback_other_host_names_are_refused(host: str) -> None:
    assert code_of(LOCAL, host=host) == "host_not_allowed"


def test_a_request_without_a_host_is_accepted() -> None:
    assert code_of(LOCAL) == "allowed"


def test_names_may_be_added_on_loopback_and_demanded_elsewhere() -> None:
    added = HostPolicy(on_loopback=True, allowed=("Mock.Example",))
    assert code_of(added, host="mock.example:8300") == code_of(added, host="127.0.0.1") == "allowed"
    assert code_of(added, host="evil.example") == "host_not_allowed"

    public = HostPolicy(on_loopback=False, allowed=("mock.example",))
    assert code_of(public, host="mock.example") == "allowed"
    assert code_of(public, host="evil.example") == code_of(public, host="10.0.0.1:8300") == "host_not_allowed"
    assert code_of(HostPolicy(on_loopback=False), host="anything.example") == "allowed"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something new"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_origin_may_not_ask(site: str, method: str) -> None:
    assert code_of(LOCAL, method, host="127.0.0.1", sec_fetch_site=site) == "cross_site"
    assert code_of(LOCAL, method, host="127.0.0.1", sec_fetch_site=site, sec_fetch_mode="no-cors") == "cross_site"


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_of_this_server_and_an_address_that_is_typed_may(site: str) -> None:
    assert code_of(LOCAL, "POST", host="127.0.0.1:1", origin="http://127.0.0.1:1", sec_fetch_site=site) == "allowed"


def test_a_link_leads_to_the_documentation_and_to_nothing_else() -> None:
    followed = {"host": "127.0.0.1", "sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}

    assert code_of(LOCAL, "GET", "/docs", **followed) == "allowed"
    assert code_of(LOCAL, "POST", "/docs", **followed) == "cross_site"
    assert code_of(LOCAL, "GET", "/v1/loans", **followed) == "cross_site"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:2", "https://127.0.0.1", ""])
def test_an_older_browser_is_recognised_by_its_origin(origin: str) -> None:
    expected = "cross_site" if origin != "https://127.0.0.1" else "allowed"

    assert code_of(LOCAL, "POST", host="127.0.0.1", origin=origin) == expected


def test_off_loopback_a_page_needs_the_credentials_that_everybody_needs() -> None:
    assert code_of(HostPolicy(on_loopback=False), "POST", host="a.example", sec_fetch_site="cross-site") == "allowed"

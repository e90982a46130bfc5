"""Which receivers a server calls: URLs that can be called at all, and addresses that it may be led to."""

from __future__ import annotations

import re

import pytest

from mocklend.receivers import URL_MAX, URL_PATTERN, ReceiverPolicy, url_expected

pytestmark = pytest.mark.security

GOOD = (
    "http://a", "https://a.example", "http://a.example.", "http://a/", "http://a:1/b", "http://a:65535?c=d", "http://a?b",
    "http://127.0.0.1:8080/x?y=%20", "http://[::1]/", "http://[2001:db8::1]:80", "http://loan_app:3000/hook", "http://x-y.z",
    f"http://{'a' * 63}.example/", "http://xn--fiqs8s.example/", "http://a/@b", f"http://a/{'b' * (URL_MAX - 9)}",
)  # fmt: skip
BAD = {
    "": "1 to 2000",
    f"http://a/{'b' * (URL_MAX - 8)}": "1 to 2000",
    "http://a/b c": "blanks",
    " http://a": "blanks",
    "http://a\t": "blanks",
    "http://a\n": "blanks",
    "http://a\r\nHost: b": "blanks",
    "http://a/\x00": "blanks",
    "http://a/\x7f": "blanks",
    "http://中国.example/": "xn--",
    "http://a/\u200b": "ASCII",
    "a.example": "begins with",
    "/hook": "begins with",
    "ftp://a/": "begins with",
    "file:///etc/passwd": "begins with",
    "javascript:alert(1)": "begins with",
    "http:/a": "begins with",
    "http://a/#b": "fragment",
    "http://a#": "fragment",
    "http://user@a/": "user",
    "http://user:secret@a/": "user",
    "http://@a": "user",
    "http://": "host",
    "http:///x": "host",
    "http://?x": "host",
    "http://:80/": "host",
    "http://a..b/": "labels",
    "http://.a/": "labels",
    "http://a../": "labels",
    "http://-a/": "labels",
    "http://a-/": "labels",
    "http://a\\b/": "labels",
    "http://a%2eb/": "labels",
    "http://*.a/": "labels",
    f"http://{'a' * 64}/": "labels",
    f"http://{'.'.join(['a' * 60] * 5)}/": "253",
    "http://256.1.1.1/": "IPv4",
    "http://1.2.3/": "IPv4",
    "http://2130706433/": "IPv4",
    "http://0x7f000001/": "IPv4",
    "http://a.0x1/": "IPv4",
    "http://127.0.0.1./": "IPv4",
    "http://xn--zzzzz99999.example/": "xn--",
    "http://[::1": "IPv6",
    "http://[]/": "IPv6",
    "http://[a]/": "IPv6",
    "http://[127.0.0.1]/": "IPv6",
    "http://[fe80::1%25eth0]/": "IPv6",
    "http://[::1]a/": "port",
    "http://a:/": "port",
    "http://a:0/": "port",
    "http://a:65536/": "port",
    "http://a:99999/": "port",
    "http://a:080/": "port",
    "http://a:-1/": "port",
    "http://a:8o/": "port",
    "http://a:80:80/": "port",
    f"http://a:{'1' * 400}/": "port",
}


@pytest.mark.parametrize("url", GOOD)
def test_a_url_that_can_be_called_is_taken(url: str) -> None:
    assert url_expected(url) is None
    assert re.fullmatch(URL_PATTERN, url)


@pytest.mark.parametrize("url", BAD)
def test_a_url_that_cannot_be_called_is_refused_with_the_reason(url: str) -> None:
    assert BAD[url] in (url_expected(url) or "")


NOT_PUBLIC = (
    "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1",
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "224.0.0.1", "239.1.1.1", "ff02::1", "0.0.0.0",
    "0.1.2.3", "::", "100.64.0.1", "100.127.255.254", "192.0.2.1", "198.18.0.1", "240.0.0.1", "255.255.255.255",
    "2001:db8::1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:a00:1::", "2002:7f00:1::", "2001::1", "::10.0.0.1", "fec0::1",
)  # fmt: skip
PUBLIC = (
    "93.184.215.14",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "2606:2800:21f:cb07::1",
    "64:ff9b::808:808",
)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_server_that_others_reach_calls_no_address_that_only_it_can_reach(address: str) -> None:
    assert ReceiverPolicy(on_loopback=False).refuses("a.example", address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_server_that_others_reach_calls_public_addresses(address: str) -> None:
    assert not ReceiverPolicy(on_loopback=False).refuses("a.example", address)


def test_a_server_on_loopback_calls_loopback() -> None:
    here = ReceiverPolicy(on_loopback=True)

    assert not any(
        here.refuses("a", address) for address in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0")
    )
    assert all(
        here.refuses("a", address) for address in ("10.0.0.1", "169.254.169.254", "fe80::1", "8.8.8.8", "2606:2800::1")
    )


@pytest.mark.parametrize("on_loopback", [True, False])
def test_only_allowed_addresses_are_called(on_loopback: bool) -> None:
    policy = ReceiverPolicy(on_loopback=on_loopback, allowed=("10.1.0.0/16", "192.168.7.7", "fd00:1::/32", "receiver"))

    allowed = (
        ("a", "10.1.2.3"),
        ("a", "::ffff:10.1.2.3"),
        ("a", "192.168.7.7"),
        ("a", "fd00:1::5"),
        ("Receiver.", "10.9.9.9"),
    )
    assert not any(policy.refuses(host, address) for host, address in allowed)
    beside = (("a", "10.2.0.1"), ("a", "192.168.7.8"), ("a", "fd00:2::5"), ("receiver.evil.example", "10.9.9.9"))
    assert all(policy.refuses(host, address) for host, address in beside)


@pytest.mark.parametrize(
    ("url", "refused"),
    [("http://10.0.0.1/", True), ("http://[::ffff:10.0.0.1]:80/", True), ("http://[fd00::1]/", True),
     ("http://8.8.8.8/", False), ("http://intranet/", False), ("http://localhost/", False)],
)  # fmt: skip
def test_a_literal_address_in_a_url_is_checked_before_the_call(url: str, refused: bool) -> None:
    assert ReceiverPolicy(on_loopback=False).refuses_url(url) is refused

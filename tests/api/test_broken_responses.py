"""What a client's socket receives of each broken response, on the server of the fixtures (waitress).

For Granian see test_serving.py.
"""

from __future__ import annotations

import json
import socket

import pytest

from mocklend.client import Client


def raw(mocklend: Client, path: str) -> tuple[bytes, bytes, str]:
    """Head, body and how the connection ended (closed, reset): one GET on a socket of one's own."""
    host, _, port = mocklend.base_url.removeprefix("http://").rpartition(":")
    head = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {mocklend.api_key}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode())
        got, end = b"", "closed"
        try:
            while more := connection.recv(65536):
                got += more
        except ConnectionResetError:
            end = "reset"
    first, _, body = got.partition(b"\r\n\r\n")
    return first, body, end


def length(head: bytes) -> int:
    [length_line] = [line for line in head.decode().splitlines() if line.lower().startswith("content-length:")]
    return int(length_line.partition(":")[2])


@pytest.fixture
def products(mocklend: Client) -> bytes:
    """The body of the answer without a fault."""
    head, body, end = raw(mocklend, "/v1/products")
    assert head.startswith(b"HTTP/1.1 200")
    assert (length(head), end) == (len(body), "closed")
    return body


@pytest.mark.parametrize(("how", "end"), [("abort", "closed"), ("reset", "reset")])
def test_an_abort_or_reset_sends_no_byte_and_ends_the_connection(
    mocklend: Client, products: bytes, how: str, end: str
) -> None:
    mocklend.arm(f"transport.{how}")

    for _ in range(20):
        assert raw(mocklend, "/v1/products") == (b"", b"", end)

    mocklend.halt()
    assert raw(mocklend, "/v1/products")[1] == products


def test_an_empty_answer_has_a_status_and_no_body(mocklend: Client, products: bytes) -> None:
    mocklend.arm("transport.empty")

    head, body, end = raw(mocklend, "/v1/products")

    assert head.startswith(b"HTTP/1.1 200")
    assert (length(head), body, end) == (0, b"", "closed")


def test_a_truncated_answer_has_half_of_its_length(mocklend: Client, products: bytes) -> None:
    mocklend.arm("transport.truncated")

    head, body, end = raw(mocklend, "/v1/products")

    assert head.startswith(b"HTTP/1.1 200")
    assert (length(head), body, end) == (len(products), products[: len(products) // 2], "closed")


def test_a_malformed_answer_is_complete_and_not_json(mocklend: Client, products: bytes) -> None:
    mocklend.arm("transport.malformed")

    head, body, end = raw(mocklend, "/v1/products")

    assert b"application/json" in head
    assert (length(head), end) == (len(body), "closed")
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)

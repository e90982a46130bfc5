"""Long bodies have limits of their own: per sandbox and in all."""

from __future__ import annotations

import json
import socket

import pytest

from support.door_place import LONG_S, Place, answer_of, request, until

pytestmark = pytest.mark.security


SCORES = "/-/scores"


def under_way(place: Place, key: str, length: int = 100_000) -> socket.socket:
    """A connection on which the first byte of a long body was sent."""
    return place.connect(request("POST", SCORES, b" ", Authorization=key, Content_Length=str(length)))


def test_the_number_of_concurrent_long_bodies_is_limited_per_sandbox_and_in_all(place: Place) -> None:
    place.door._arriving.deadline_s = LONG_S
    opened = [under_way(place, key) for key in "aabbccdd"]
    until(lambda: place.door._long.total() == 8)

    place.door._arriving.deadline_s = 0.1
    same = answer_of(under_way(place, "a"))
    other = answer_of(under_way(place, "e"))
    short = place.ask("POST", SCORES, b"{}", Authorization="a")

    assert (same[0], json.loads(same[1])["code"]) == (429, "sandbox_busy")
    assert (other[0], json.loads(other[1])["code"]) == (503, "busy")
    assert short[0] == 200
    assert place.ask("GET", "/-/health")[0] == 200
    for connection in opened:
        connection.close()
    until(lambda: not place.door._long)
    assert place.ask("POST", SCORES, b" " * 100_000, Authorization="e")[0] == 200
    until(lambda: not place.door._long)


def test_a_long_body_above_the_limit_waits(place: Place) -> None:
    place.door._arriving.deadline_s = LONG_S
    first, _ = under_way(place, "a"), under_way(place, "a")
    until(lambda: place.door._long.total() == 2)
    waits = place.connect(request("POST", SCORES, b" " * 100_000, Authorization="a"))

    first.close()

    assert answer_of(waits)[0] == 200


def test_a_chunked_long_body_counts_too(place: Place) -> None:
    place.door._arriving.deadline_s = LONG_S
    for _ in range(2):
        place.connect(request("POST", SCORES, Authorization="a", Transfer_Encoding="chunked") + b"1\r\n \r\n")
    until(lambda: place.door._long.total() == 2)

    place.door._arriving.deadline_s = 0.1
    status, body = answer_of(under_way(place, "a"))

    assert (status, json.loads(body)["code"]) == (429, "sandbox_busy")


def test_a_form_that_takes_what_a_long_body_takes_has_its_place_among_them(place: Place) -> None:
    form = "/console/default/score"
    assert place.ask("POST", form, b" " * 100_000)[0] == 200

    place.door._arriving.deadline_s = LONG_S
    place.connect(request("POST", form, b" ", Content_Length="100000"))
    until(lambda: place.door._long == {form: 1})

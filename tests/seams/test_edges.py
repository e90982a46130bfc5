"""Each seam stands at one edge of the chain."""

from __future__ import annotations

from mocklend.seams import SEAM_EDGES, SEAMS
from mocklend.seams.edges import EDGE_TITLES, Edge


def test_each_seam_stands_at_one_edge_and_each_edge_has_a_seam() -> None:
    assert set(SEAM_EDGES) == set(SEAMS)
    assert set(SEAM_EDGES.values()) == set(Edge)


def test_an_edge_is_its_code_in_json_and_has_a_title_for_people() -> None:
    edge = SEAM_EDGES["callback.attempt"]

    assert edge == "channel_to_books"
    assert EDGE_TITLES[edge] == "Channel to books"
    assert set(EDGE_TITLES) == set(Edge)


def test_a_trade_breaks_before_the_channel_and_its_callback_behind_it() -> None:
    assert SEAM_EDGES["trade.settled"] is Edge.WORLD_TO_CHANNEL
    assert SEAM_EDGES["callback.taken"] is Edge.CHANNEL_TO_BOOKS
    assert SEAM_EDGES["view.refresh"] is Edge.BOOKS_TO_PAGE

"""The edges of the chain: between which two parties a seam stands, so where a break that begins there shows first.

    world ─▶ channel ─▶ books ─▶ page, report ─▶ score ─▶ a lender's copy
                ╰─▶ statement  ╰◀─ people, end of day

Each seam names its edge (`Seam.edge`); `mocklend.seams.SEAM_EDGES` has them by the seams' names.
"""

from __future__ import annotations

from enum import StrEnum


class Edge(StrEnum):
    """An edge of the chain, in the order of the chain. A member is the code that stands in JSON."""

    CLIENT = "client"
    WORLD_TO_CHANNEL = "world_to_channel"
    CHANNEL_TO_BOOKS = "channel_to_books"
    CHANNEL_TO_STATEMENT = "channel_to_statement"
    PEOPLE_TO_BOOKS = "people_to_books"
    END_OF_DAY_TO_BOOKS = "end_of_day_to_books"
    BOOKS_TO_PAGE = "books_to_page"
    BOOKS_TO_REPORT = "books_to_report"
    REPORT_TO_SCORE = "report_to_score"
    TO_LENDER = "to_lender"


EDGE_TITLES: dict[Edge, str] = {
    Edge.CLIENT: "Client and platform",
    Edge.WORLD_TO_CHANNEL: "World to channel",
    Edge.CHANNEL_TO_BOOKS: "Channel to books",
    Edge.CHANNEL_TO_STATEMENT: "Channel to statement",
    Edge.PEOPLE_TO_BOOKS: "People to books",
    Edge.END_OF_DAY_TO_BOOKS: "End of day to books",
    Edge.BOOKS_TO_PAGE: "Books to status page",
    Edge.BOOKS_TO_REPORT: "Books to credit report",
    Edge.REPORT_TO_SCORE: "Credit report to score",
    Edge.TO_LENDER: "Credit report to lender",
}
"""The names of the edges for people, in English."""

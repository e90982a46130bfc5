"""Where in the chain of a loan's views a lie may show first."""

from __future__ import annotations

from mocklend.audit.chain.docs import View
from mocklend.seams.edges import Edge

AFTER: dict[Edge, tuple[View, ...]] = {
    Edge.WORLD_TO_CHANNEL: (View.CHANNEL, View.PAYOUT),
    Edge.CHANNEL_TO_BOOKS: (View.CONSOLE, View.BOOKS),
    Edge.CHANNEL_TO_STATEMENT: (View.STATEMENT,),
    Edge.PEOPLE_TO_BOOKS: (View.CONSOLE, View.BOOKS),
    Edge.END_OF_DAY_TO_BOOKS: (View.BOOKS,),
    Edge.BOOKS_TO_PAGE: (View.PAGE, View.LIST, View.INSTALMENTS, View.QUOTE),
    Edge.BOOKS_TO_REPORT: (View.REPORT,),
    Edge.REPORT_TO_SCORE: (View.SCORE,),
    Edge.TO_LENDER: (View.LENDER,),
    Edge.CLIENT: (View.CLIENT,),
}
"""The views in which a lie of an edge may show first."""

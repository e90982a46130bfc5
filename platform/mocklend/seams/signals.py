"""What the platform says when something became true that may end a lie."""

from __future__ import annotations


def shown(loan_id: str) -> str:
    """The loan's newest version is on the page."""
    return f"shown:{loan_id}"


def rebuilt(loan_id: str) -> str:
    """The loan's page was made anew from the books."""
    return f"rebuilt:{loan_id}"


def recorded(loan_id: str) -> str:
    """A fact was recorded on the loan's books."""
    return f"recorded:{loan_id}"


def applied(receipt_id: str) -> str:
    """The books have the receipt on its loan."""
    return f"applied:{receipt_id}"


def landed(receipt_id: str) -> str:
    """The books have the receipt, and do not know whose it is."""
    return f"landed:{receipt_id}"


def taken_back(receipt_id: str) -> str:
    """The books know that the channel took the receipt's money back."""
    return f"taken_back:{receipt_id}"


def posted(fact_id: str) -> str:
    """The books have the fact, which had happened before."""
    return f"posted:{fact_id}"


def correction_ordered(loan_id: str) -> str:
    """Somebody decided that the loan's credit record is to be corrected."""
    return f"correction_ordered:{loan_id}"


def applied_for(copy_id: str) -> str:
    """The partner that keeps this copy of a report has decided another application."""
    return f"applied_for:{copy_id}"


def approved(edit_id: str) -> str:
    """A second person has looked at an act of staff that needed one."""
    return f"approved:{edit_id}"


def told(fact_id: str) -> str:
    """A channel has a message of this fact on its way to the platform."""
    return f"told:{fact_id}"


def closed(payout_id: str) -> str:
    """A channel is done with a payout."""
    return f"closed:{payout_id}"


def remade(file_id: str) -> str:
    """A channel makes its statement file again."""
    return f"remade:{file_id}"


def reversed_(fact_id: str) -> str:
    """The books have reversed the repayment or edit."""
    return f"reversed:{fact_id}"


def ordered_by(quote_id: str) -> str:
    """A repayment was ordered by the quote."""
    return f"ordered_by:{quote_id}"


def cleared(loan_id: str) -> str:
    """The loan has come to be paid off."""
    return f"cleared:{loan_id}"

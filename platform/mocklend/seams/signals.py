"""Signals of the platform: something became true that may end an injection."""

from __future__ import annotations


def shown(loan_id: str) -> str:
    """The loan's newest version is on the page."""
    return f"shown:{loan_id}"


def rebuilt(loan_id: str) -> str:
    """The loan's page was rebuilt from the books."""
    return f"rebuilt:{loan_id}"


def recorded(loan_id: str) -> str:
    """A fact was posted on the loan's books."""
    return f"recorded:{loan_id}"


def applied(receipt_id: str) -> str:
    """The books have the receipt on its loan."""
    return f"applied:{receipt_id}"


def landed(receipt_id: str) -> str:
    """The books have the receipt as unapplied."""
    return f"landed:{receipt_id}"


def taken_back(receipt_id: str) -> str:
    """The books have the return of the receipt's payment."""
    return f"taken_back:{receipt_id}"


def posted(fact_id: str) -> str:
    """The books have the fact, which happened before."""
    return f"posted:{fact_id}"


def correction_ordered(loan_id: str) -> str:
    """A correction of the loan's bureau record was decided."""
    return f"correction_ordered:{loan_id}"


def applied_for(copy_id: str) -> str:
    """The partner with this copy of a report has decided another application."""
    return f"applied_for:{copy_id}"


def approved(edit_id: str) -> str:
    """A second person has approved an edit that needed it."""
    return f"approved:{edit_id}"


def told(fact_id: str) -> str:
    """A channel's callback about this fact is in transit to the platform."""
    return f"told:{fact_id}"


def closed(payout_id: str) -> str:
    """A channel has paid or refused a payout."""
    return f"closed:{payout_id}"


def remade(file_id: str) -> str:
    """A channel has made its statement again."""
    return f"remade:{file_id}"


def reversed_(fact_id: str) -> str:
    """The books have reversed the repayment or edit."""
    return f"reversed:{fact_id}"


def ordered_by(quote_id: str) -> str:
    """A repayment was ordered by the quote."""
    return f"ordered_by:{quote_id}"


def cleared(loan_id: str) -> str:
    """The loan was paid off."""
    return f"cleared:{loan_id}"

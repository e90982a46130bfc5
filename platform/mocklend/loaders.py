"""The loaders of values that a command may need and that are not a row of one table, like a sum or a list of facts."""

from __future__ import annotations

from mocklend.bureau.reporting import BUREAU_KNOWN, KNOWN_FACTS, load_bureau_known, load_known_facts
from mocklend.bureau.reports import PUBLISHED, load_published
from mocklend.bureau.scores import INQUIRIES, load_inquiries
from mocklend.ledger.journal import JOURNALS, journals
from mocklend.lending.borrow import CREDIT_USE, load_credit_use
from mocklend.lending.required import VALID_CERTIFICATES
from mocklend.servicing.certificates import load_valid_certificates
from mocklend.servicing.corrections import CASE_FILES, load_case_files
from mocklend.servicing.evidence import CHANNEL_RECORD, load_channel_record
from mocklend.servicing.matching import OWING, load_owing
from mocklend.servicing.repayments import REVERSIBLE, load_reversible
from mocklend.storage.answers import IDEMPOTENCY, load_answers
from mocklend.storage.facts import BOOK_FACTS, load_book_facts
from mocklend.storage.snapshot import register_loader


def register_loaders() -> None:
    """Register all of them with the store. A platform does so before its first command."""
    register_loader(BUREAU_KNOWN, load_bureau_known)
    register_loader(KNOWN_FACTS, load_known_facts)
    register_loader(PUBLISHED, load_published)
    register_loader(INQUIRIES, load_inquiries)
    register_loader(JOURNALS, journals)
    register_loader(CREDIT_USE, load_credit_use)
    register_loader(VALID_CERTIFICATES, load_valid_certificates)
    register_loader(CASE_FILES, load_case_files)
    register_loader(CHANNEL_RECORD, load_channel_record)
    register_loader(OWING, load_owing)
    register_loader(REVERSIBLE, load_reversible)
    register_loader(BOOK_FACTS, load_book_facts)
    register_loader(IDEMPOTENCY, load_answers)

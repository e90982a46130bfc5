"""Settlement certificates: issued only when the books say CLEAR, and never withdrawn."""

from __future__ import annotations

import pytest

from mocklend.domain.problems import Refused
from mocklend.ledger.invariants import certificate as rests_on_books
from mocklend.ledger.journal import Posted, journals
from mocklend.servicing import IssueCertificate
from mocklend.servicing.certificates import CertificateDoc, certificate
from mocklend.storage.entities import Certificate, Repayment
from support.sql import change
from support.story import Story


def issue(story: Story, loan_id: str) -> CertificateDoc:
    """Request a certificate."""
    return story.run(IssueCertificate(story.sandbox_id, loan_id), CertificateDoc)


def read(story: Story, id: str) -> CertificateDoc:
    """Read a certificate."""
    with story.platform.read() as connection:
        return certificate(story.snapshot(connection), id)


def journal(story: Story, loan_id: str) -> list[Posted]:
    """The loan's transactions as the ledger has them."""
    with story.platform.read() as connection:
        return journals(story.snapshot(connection), [loan_id])[loan_id]


def test_a_settled_loan_gets_a_certificate_with_its_journal_number(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=10)
    story.settle(loan_id)

    issued = issue(story, loan_id)

    newest = journal(story, loan_id)[-1]
    assert (issued["journal_seq"], issued["journal_hash"]) == (newest.seq, newest.hash)
    assert (issued["principal_minor"], issued["settled_on"]) == (100_000, "2026-01-15")
    assert issued["number"].startswith("20260115-")
    for text in (issued["text_zh"], issued["text_en"]):
        assert issued["number"] in text
        assert "Ada" in text
        assert "1,000.00 CNY" in text
    assert not issued["superseded"]
    assert read(story, issued["id"]) == issued
    assert story.discrepancies() == []


def test_a_loan_that_is_not_settled_gets_none(story: Story) -> None:
    loan_id = story.borrow()
    story.order(loan_id, story.quote(loan_id)["total_minor"], "bank_transfer", "CLEAR")

    with pytest.raises(Refused) as caught:
        issue(story, loan_id)
    with pytest.raises(Refused, match="loan_unknown"):
        issue(story, "loan_x")

    assert (caught.value.code, caught.value.expected, caught.value.received) == ("not_settled", "CLEAR", "USING")


def test_a_repeated_request_returns_the_same_certificate(story: Story) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)
    first = issue(story, loan_id)
    story.wait(days=3)

    again = story.platform.run(IssueCertificate(story.sandbox_id, loan_id))

    assert (again.status, again.body) == (200, first)


def test_a_reversal_supersedes_the_certificate_with_a_reason(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)
    issued = issue(story, loan_id)
    story.wait(days=1)

    story.reverse(repayment_id)

    after = read(story, issued["id"])
    assert after["superseded"]
    assert after["superseded_reason"] == f"reversal of {repayment_id} on 2026-01-06; the books say USING"
    assert after | {"superseded": False, "superseded_reason": None} == issued
    assert story.discrepancies() == []


def test_a_loan_settled_again_gets_a_new_certificate_and_the_old_one_stays_superseded(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)
    old = issue(story, loan_id)
    story.wait(days=1)
    story.reverse(repayment_id)
    story.settle(loan_id)

    new = issue(story, loan_id)

    assert new["id"] != old["id"]
    assert (new["settled_on"], old["settled_on"]) == ("2026-01-06", "2026-01-05")
    assert read(story, old["id"])["superseded_reason"] == f"reversal of {repayment_id} on 2026-01-06"
    assert not read(story, new["id"])["superseded"]
    assert story.discrepancies() == []


def test_an_overpayment_does_not_supersede_a_certificate(story: Story) -> None:
    loan_id = story.borrow()
    late = story.order(loan_id, 1_000, "bank_transfer")
    story.settle(loan_id)
    issued = issue(story, loan_id)

    story.wait(days=1)

    assert story.entity(Repayment, late).status == "S"
    assert not read(story, issued["id"])["superseded"]


def test_v8_finds_a_certificate_that_the_books_never_supported(story: Story) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)
    issued = issue(story, loan_id)
    lines = journal(story, loan_id)
    open_yet = next(line for line in lines if line.movement.kind == "disbursement_confirmed")

    honest = list(rests_on_books("crt", issued["journal_seq"], issued["journal_hash"], lines))
    early = list(rests_on_books("crt", open_yet.seq, open_yet.hash, lines))
    forged = list(rests_on_books("crt", issued["journal_seq"], "0" * 64, lines))
    ahead = list(rests_on_books("crt", issued["journal_seq"] + 1, issued["journal_hash"], lines))

    assert honest == []
    assert [detail.split()[0] for detail in early + forged + ahead] == ["crt", "crt", "crt"]


def test_the_audit_compares_certificates_with_the_books(story: Story) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)
    issued = story.entity(Certificate, issue(story, loan_id)["id"])

    with story.platform.engine.begin() as connection:
        change(connection, "UPDATE certificates SET journal_seq = 1 WHERE id = ?", issued.id)

    assert story.broken() == {"V8"}

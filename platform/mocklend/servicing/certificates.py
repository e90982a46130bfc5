"""The settlement certificate (结清证明): it confirms that a loan is settled, and needs books that say CLEAR.

It has the number and the hash of the loan's last transaction, so that everybody can check its basis. A certificate
that was issued cannot be withdrawn: if the books change later, it is shown as superseded, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, NamedTuple, TypedDict

from mocklend.domain.facts import business_date
from mocklend.domain.money import format_minor
from mocklend.domain.nouns import Currency, LoanId, PrincipalMinor, says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import LoanStatus
from mocklend.ledger.accounts import RECEIVABLES
from mocklend.ledger.journal import JOURNALS, Posted, live
from mocklend.lending.required import require_loan
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Borrower, Certificate, Loan
from mocklend.storage.snapshot import OfLoan, SandboxReader
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.views import reads
from mocklend.webhooks.outbox import certificate_data, emit


@dataclass(frozen=True, slots=True)
class IssueCertificate:
    """Issue a loan's certificate. While the journal is unchanged, a repeated request returns the same certificate."""

    sandbox_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the certificate; 200 if it was issued before. Raises Refused `loan_unknown`, `not_settled`."""
        loan = require_loan(work, self.loan_id)
        if loan.status != LoanStatus.CLEAR:
            raise Refused(
                "not_settled",
                f"the books say {loan.status}",
                expected=LoanStatus.CLEAR,
                received=loan.status,
                loan_id=loan.id,
            )
        seq = loan.next_seq - 1
        id = make_id("crt", work.sandbox.seed, loan.id, seq)
        issued = work.find(Certificate, id)
        if issued is not None:
            return Answer(200, certificate_doc(issued))
        borrower = work.get(Borrower, loan.borrower_id)
        issued_on = business_date(work.now_ms, work.sandbox.zone)
        settled_on = settling_date(work.load(JOURNALS, loan.id))
        number = f"{issued_on:%Y%m%d}-{id.removeprefix('crt_')[:10].upper()}"
        certificate = Certificate(
            id=id,
            loan_id=loan.id,
            number=number,
            issued_ms=work.now_ms,
            journal_seq=seq,
            journal_hash=loan.head_hash,
            principal_minor=loan.principal_minor,
            currency=loan.currency,
            settled_on=settled_on.isoformat(),
            text_zh=_in_chinese(loan, borrower, number, settled_on, issued_on),
            text_en=_in_english(loan, borrower, number, settled_on, issued_on),
        )
        work.put(certificate)
        emit(work, "certificate.issued", loan.id, id, certificate_data(certificate, superseded=False))
        return Answer(201, certificate_doc(certificate))


def settling_date(journal: Sequence[Posted]) -> date:
    """The date on which a CLEAR loan was settled: that of the last live transaction that credits a receivable."""
    return max(
        posted.movement.on
        for posted in live(journal)
        if any(credit in RECEIVABLES for _, credit, _ in posted.movement.postings)
    )


def _in_chinese(loan: Loan, borrower: Borrower, number: str, settled_on: date, issued_on: date) -> str:
    return (
        f"结清证明（编号：{number}）\n"
        f"兹证明借款人{borrower.name}于{_chinese_date(date.fromisoformat(loan.start_date))}的借款"
        f"（编号：{loan.id}，本金：{format_minor(loan.principal_minor, loan.currency)}）"
        f"已于{_chinese_date(settled_on)}结清全部本金、利息、罚息及费用。\n"
        f"账簿凭证号：{loan.next_seq - 1}。出具日期：{_chinese_date(issued_on)}。\n"
        "本证明由模拟平台出具，仅供测试。"
    )


def _chinese_date(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _in_english(loan: Loan, borrower: Borrower, number: str, settled_on: date, issued_on: date) -> str:
    return (
        f"Certificate of settlement, number {number}\n"
        f"The loan {loan.id} of {format_minor(loan.principal_minor, loan.currency)}, made to {borrower.name} on "
        f"{loan.start_date}, was settled on {settled_on.isoformat()}: principal, interest, penalties and fees.\n"
        f"Journal number {loan.next_seq - 1}. Issued on {issued_on.isoformat()}.\n"
        "Issued by a mock platform, for tests only."
    )


def load_valid_certificates(reader: SandboxReader, loan_ids: Sequence[str]) -> Mapping[str, list[str]]:
    """By loan: the ids of the certificates that the books do not contradict."""
    sql = """SELECT c.loan_id, c.id FROM certificates c
        WHERE c.sandbox_id = :sandbox_id AND NOT EXISTS (
            SELECT 1 FROM book_facts f JOIN transactions t ON t.sandbox_id = f.sandbox_id AND t.chain = f.loan_id
                AND (t.ref = f.reverses OR substr(t.ref, 1, 24) = f.reverses)
            WHERE f.sandbox_id = c.sandbox_id AND f.loan_id = c.loan_id AND t.seq > c.journal_seq
                AND t.kind = 'repayment_reversal')
        AND c.loan_id"""
    valid: dict[str, list[str]] = {loan_id: [] for loan_id in loan_ids}
    for loan_id, id in reader.rows_in(OfLoan, sql, loan_ids, " ORDER BY c.id"):
        valid[loan_id].append(id)
    return valid


_REVERSALS = """SELECT f.kind, f.reverses, f.effective_date FROM book_facts f
    JOIN transactions t ON t.sandbox_id = f.sandbox_id AND t.chain = f.loan_id
        AND (t.ref = f.reverses OR substr(t.ref, 1, 24) = f.reverses)
    WHERE f.sandbox_id = :sandbox_id AND f.loan_id = :loan_id AND t.seq > :seq AND t.kind = 'repayment_reversal'
    ORDER BY f.at_ms, f.id"""


class _ReversedFact(NamedTuple):
    kind: str
    reverses: str
    on: str


def certificate(reader: SandboxReader, id: str) -> CertificateDoc:
    """A certificate, and whether it is superseded: a payment was returned or reversed, or the loan is open again."""
    certificate = reads.entity(reader, Certificate, id)
    loan = reads.entity(reader, Loan, certificate.loan_id)
    reversed_facts = reader.rows(_ReversedFact, _REVERSALS, loan_id=loan.id, seq=certificate.journal_seq)
    reasons = [f"{kind} of {reverses} on {on}" for kind, reverses, on in reversed_facts]
    if loan.status != LoanStatus.CLEAR:
        reasons.append(f"the books say {loan.status}")
    return certificate_doc(certificate, "; ".join(reasons) or None)


class CertificateDoc(TypedDict):
    """A certificate, the transaction that it is based on, and whether the books supersede it."""

    id: Annotated[str, says("The certificate's id.")]
    loan_id: LoanId
    number: Annotated[str, says("The number that is printed on it.")]
    issued_at: Annotated[str, says("When it was issued. RFC 3339, on the sandbox's clock.")]
    journal_seq: Annotated[int, says("The `seq` of the loan's newest transaction when it was issued.")]
    journal_hash: Annotated[str, says("The `hash` of that transaction.")]
    principal_minor: PrincipalMinor
    currency: Currency
    settled_on: Annotated[str, says("The day on which the loan was settled, like 2026-01-05, in the sandbox's zone.")]
    text_zh: Annotated[str, says("The certificate's text in Chinese.")]
    text_en: Annotated[str, says("The certificate's text in English.")]
    superseded: Annotated[bool, says("Whether a later change of the books supersedes it.")]
    superseded_reason: Annotated[str | None, says("The reason for that; null where it is not superseded.")]


def certificate_doc(certificate: Certificate, superseded_by: str | None = None) -> CertificateDoc:
    """A certificate as JSON."""
    return {
        "id": certificate.id,
        "loan_id": certificate.loan_id,
        "number": certificate.number,
        "issued_at": rfc3339(certificate.issued_ms),
        "journal_seq": certificate.journal_seq,
        "journal_hash": certificate.journal_hash,
        "principal_minor": certificate.principal_minor,
        "currency": certificate.currency,
        "settled_on": certificate.settled_on,
        "text_zh": certificate.text_zh,
        "text_en": certificate.text_en,
        "superseded": superseded_by is not None,
        "superseded_reason": superseded_by,
    }

"""Settlement certificates (结清证明)."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import Currency, Doc
from mocklend.api.json_body import asked_request
from mocklend.api.nouns import LoanId, PrincipalMinor
from mocklend.api.openapi import BODY_CODES, described
from mocklend.api.problems import field_problem
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.api.sandboxes import NOTHING
from mocklend.servicing import IssueCertificate
from mocklend.servicing import certificates as papers

certificates = APIBlueprint("certificates", __name__)


class CertificateDoc(Doc):
    """A certificate, the transaction that it rests on, and whether the books have moved on since."""

    id: str = Field(description="The certificate's id.")
    loan_id: LoanId
    number: str = Field(description="The number that is printed on it.")
    issued_at: str = Field(description="When it was issued. RFC 3339, on the sandbox's clock.")
    journal_seq: int = Field(description="The `seq` of the loan's newest transaction when it was issued.")
    journal_hash: str = Field(description="The `hash` of that transaction.")
    principal_minor: PrincipalMinor
    currency: Currency
    settled_on: str = Field(
        description="The day on which the loan was settled, like 2026-01-05, in the sandbox's zone."
    )
    text_zh: str = Field(description="The certificate's text in Chinese.")
    text_en: str = Field(description="The certificate's text in English.")
    superseded: bool = Field(description="Whether the books have moved on since it was issued.")
    superseded_reason: str | None = Field(description="What happened since; null where nothing did.")


@certificates.post("/v1/loans/<id:loan_id>/certificates")
@certificates.output(CertificateDoc, status_code=201)
@certificates.doc(
    **described("issueCertificate", "loan_unknown", "not_settled", *BODY_CODES, may_be_200=True, reads=NOTHING)
)
def issue_certificate(loan_id: str) -> Response:
    """Certify that a loan is settled: only when the books say CLEAR. While they stand still, it is the same paper."""
    request = asked_request()
    if request.body() and request.get_json() != {}:
        raise field_problem("", "no body, or an empty object", request.get_json())
    return answered(run(IssueCertificate(sandbox_id(), loan_id)))


@certificates.get("/v1/certificates/<id:certificate_id>")
@certificates.output(CertificateDoc)
@certificates.doc(**described("getCertificate", "certificate_unknown"))
def get_certificate(certificate_id: str) -> Response:
    """A certificate. It is never called back: if the books have moved on, it says so."""
    with open_snapshot() as snapshot:
        return rendered(papers.certificate(snapshot, certificate_id))

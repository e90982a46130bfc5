"""Settlement certificates (结清证明)."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import run, sandbox_id, snapshot
from mocklend.api.fields import Doc
from mocklend.api.openapi import BODY_CODES, described
from mocklend.api.problems import field_problem
from mocklend.api.reading import asked_request
from mocklend.api.sandboxes import NOTHING
from mocklend.servicing import IssueCertificate
from mocklend.servicing import certificates as papers

certificates = APIBlueprint("certificates", __name__)


class CertificateDoc(Doc):
    """A certificate, the transaction that it rests on, and whether the books have moved on since."""

    id: str
    loan_id: str
    number: str
    issued_at: str
    journal_seq: int
    journal_hash: str
    principal_minor: int
    currency: str
    settled_on: str
    text_zh: str
    text_en: str
    superseded: bool
    superseded_reason: str | None


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
    with snapshot() as (connection, sandbox, _):
        return rendered(papers.certificate(connection, sandbox, certificate_id))

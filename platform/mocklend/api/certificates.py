"""Settlement certificates (结清证明)."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.documents import document
from mocklend.api.json_body import asked_request
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.api.sandboxes import NOTHING
from mocklend.servicing import IssueCertificate
from mocklend.servicing import certificates as issued
from mocklend.servicing.certificates import CertificateDoc

certificates = APIBlueprint("certificates", __name__)


@certificates.post("/v1/loans/<id:loan_id>/certificates")
@certificates.output(document(CertificateDoc), status_code=201)
@certificates.doc(
    **operation("issueCertificate", "loan_unknown", "not_settled", *BODY_CODES, may_be_200=True, reads=NOTHING)
)
def issue_certificate(loan_id: str) -> Response:
    """Issue a settlement certificate. The books must say CLEAR; until they change, the same certificate is returned."""
    request = asked_request()
    if request.body() and request.get_json() != {}:
        raise field_problem("", "no body, or an empty object", request.get_json())
    return answered(run(IssueCertificate(sandbox_id(), loan_id)))


@certificates.get("/v1/certificates/<id:certificate_id>")
@certificates.output(document(CertificateDoc))
@certificates.doc(**operation("getCertificate", "certificate_unknown"))
def get_certificate(certificate_id: str) -> Response:
    """A settlement certificate. It stays valid as issued; if the books have changed since, it says so."""
    with open_snapshot() as snapshot:
        return rendered(issued.certificate(snapshot, certificate_id))

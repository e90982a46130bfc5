"""Answers whose sentences are in the language that `Accept-Language` prefers, and say so. Codes stay as they are."""

from __future__ import annotations

from flask import Response, request

from mocklend.api.responses import IN_ENGLISH
from mocklend.audit.report import AuditDoc
from mocklend.domain.finding import CLASSES
from mocklend.language import Language, accepted, translate


def reader_language() -> Language:
    """The language that the request prefers."""
    return accepted(request.headers.get("Accept-Language"))


def spoken(response: Response) -> Response:
    """The response, with the headers of its language."""
    response.headers.update(IN_ENGLISH)
    response.headers["Content-Language"] = reader_language().tag
    return response


def audit_in_words(document: AuditDoc, language: Language) -> AuditDoc:
    """An audit with the titles of its discrepancies, and its invariants, in a language."""
    return {
        **document,
        "discrepancies": [
            {**found, "title": translate(language, CLASSES[found["class"]])} for found in document["discrepancies"]
        ],
        "invariants": [{**each, "states": translate(language, each["states"])} for each in document["invariants"]],
    }

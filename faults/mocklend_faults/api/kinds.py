"""GET /-/faults: the installed kinds of fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field, WithJsonSchema

from mocklend.api.fields import Doc
from mocklend.api.openapi import operation
from mocklend.api.responses import rendered
from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import JsonObject
from mocklend.domain.problems import Refused
from mocklend.language import Language, accepted, translate
from mocklend.seams.edges import Edge
from mocklend.validation import OneOf
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.described import KindDoc, describe
from mocklend_faults.engine.fault import Fault

kinds = APIBlueprint("faults", __name__)

UNIT = "Its unit: `s`, `ms`, `hours`, `days`, `minor` (minor units of the currency), `%`; null for a number or a word."
SETTINGS_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "type": {"const": "object", "description": "The settings are an object."},
        "additionalProperties": {"const": False, "description": "It has no other fields."},
        "properties": {
            "type": "object",
            "description": "The schema of each setting.",
            "additionalProperties": {
                "type": "object",
                "description": "The JSON Schema of the setting.",
                "properties": {
                    "title": {"type": "string", "description": "Its name for people."},
                    "description": {"type": "string", "description": "What it means."},
                    "default": {"type": ["integer", "string", "null"], "description": "Its value if it is not given."},
                    "unit": {"type": "string", "description": UNIT},
                },
            },
        },
    },
}


class SettingDoc(Doc):
    """A setting of a kind."""

    name: str = Field(description="The setting's name in `with`.")
    title: str = Field(description="Its name for people, in a few words.")
    type: str = Field(description="Its type and its bounds or options, in words.")
    unit: str | None = Field(description=UNIT)
    default: int | str | None = Field(description="Its value if it is not given.")
    doc: str = Field(description="What it means, with its unit.")


class MatchFieldDoc(Doc):
    """A field of the kind's seams on which a rule may match."""

    name: str = Field(description="The field's name in `match`.")
    title: str = Field(description="Its name for people, in a few words.")
    type: Annotated[str, OneOf(("string", "integer"))] = Field(description="The type of its values.")
    unit: str | None = Field(description=UNIT)
    operators: list[str] = Field(description="The operators that `match` has for it.")
    choices: list[str] = Field(default=[], description="All its values; left out unless there are few.")


class FaultDoc(Doc):
    """A kind of fault: its story, where it acts, its settings, on what a rule may match, and what is seen of it."""

    id: str = Field(description="The kind's name, the `fault` of a rule.")
    title: str = Field(description="What happens, in a few words.")
    summary: str = Field(description="What happens, in a sentence.")
    story: str = Field(description="What goes wrong, and why.")
    edge: Annotated[str, OneOf(tuple(Edge))] = Field(
        description="The edge of the chain where it acts: what lies behind it is wrong first."
    )
    seams: list[str] = Field(description="The seams where the kind acts.")
    settings: list[SettingDoc] = Field(description="The settings in a rule's `with`.")
    schema_: Annotated[JsonObject, WithJsonSchema(SETTINGS_SCHEMA)] = Field(
        alias="schema", description="The JSON Schema of `with`: a form can be made of it."
    )
    match: list[MatchFieldDoc] = Field(description="The fields on which a rule may match.")
    finding: str = Field(description="The finding class that a reconciler should report.")
    precondition: str = Field(description="What has to happen for this fault to act.")
    symptom: dict[str, str] = Field(description="What each wrong view shows, by view; the others are right.")
    heals: str = Field(description="What ends the difference: time, a later event, or a repair.")
    action: str = Field(description="What a correct reconciler does.")


class FaultList(Doc):
    """Every installed kind of fault."""

    faults: list[FaultDoc] = Field(description="The kinds, by name.")


@kinds.get("/-/faults")
@kinds.output(FaultList)
@kinds.doc(**operation("listFaults"))
def list_faults() -> Response:
    """The kinds of fault, with their settings. The texts are in the language of `Accept-Language`."""
    language, answer = _language()
    return answer({"faults": [kind_doc(kind, language) for kind in fault_layer().catalogue.values()]})


@kinds.get("/-/faults/<id:fault>")
@kinds.output(FaultDoc)
@kinds.doc(**operation("getFault", "fault_not_installed", parameters={"fault": "cache.bounded_stale"}))
def get_fault(fault: str) -> Response:
    """A kind of fault, with its settings. The texts are in the language of `Accept-Language`."""
    catalogue = fault_layer().catalogue
    if fault not in catalogue:
        detail = f"there is no fault {fault[:80]!r} here{did_you_mean(fault, catalogue)}"
        raise Refused("fault_not_installed", detail, expected=", ".join(catalogue), received=fault[:80])
    language, answer = _language()
    return answer(kind_doc(catalogue[fault], language))


_DOCS: dict[tuple[object, Language], KindDoc] = {}


def kind_doc(kind: type[Fault], language: Language) -> KindDoc:
    """A kind in a language, made once: the JSON Schema of its settings takes two milliseconds."""
    made = _DOCS.get((kind, language))
    if made is None:
        made = _DOCS[kind, language] = describe(kind, partial(translate, language))
    return made


def _language() -> tuple[Language, Callable[[Mapping[str, object]], Response]]:
    """The language that the client prefers, and what answers with the headers that say so."""
    language = accepted(request.headers.get("Accept-Language"))

    def answer(document: Mapping[str, object]) -> Response:
        response = rendered(document)
        response.content_language.add(language.tag)
        response.vary.add("Accept-Language")
        return response

    return language, answer

"""/-/classes: a sandbox for each group of a class, one clock for all, their progress, and the truth at the end.

All of it is the teacher's: off loopback it needs the control token, and a key whose truth is hidden opens none of it.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response, current_app
from pydantic import Field

from mocklend.api.clock import NEXT
from mocklend.api.documents import document
from mocklend.api.failures import refuse_a_body
from mocklend.api.fields import SEED_MAX, Id, MomentOrNext, Seed, SpanOfTime
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, sandbox_id
from mocklend.api.responses import rendered
from mocklend.api.sandboxes import NOTHING
from mocklend.domain.nouns import JsonObject, says
from mocklend.language import Language
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import LABEL_MAX
from mocklend.sandboxes.timestamps import Span
from mocklend.scenarios.runs import named
from mocklend.validation import Body, Expecting, OneOf, bounded_int, bounded_str
from mocklend_faults.api import class_work
from mocklend_faults.api.class_work import GroupKey, Story
from mocklend_faults.engine import classes
from mocklend_faults.engine.classes import (
    BY_NUMBER,
    GROUPS_MAX,
    ORDERS,
    OWN,
    SAME,
    SEEDS,
    ClassDoc,
    ClassHead,
    class_csv,
    csv_of,
)

classes_api = APIBlueprint("classes", __name__, tag="Classes")

SIZE = 40
A_CLASS = {"class_id": "cls_unknown"}
EXAMPLE = {"name": "Accounting 2, spring", "size": 3}
CHAPTERS_MAX = 100
InLanguage = Annotated[str, OneOf(tuple(language.value for language in Language))]
Name = Annotated[
    str,
    bounded_str(LABEL_MAX, pattern=r"[\s\S]*\S[\s\S]*"),
    Expecting(f"a string of 1 to {LABEL_MAX} characters, not only blanks"),
]


class NewClass(Body):
    """A class to make."""

    name: Name = Field(description="The name of the class, which no other class has.")
    size: Annotated[int, bounded_int(1, GROUPS_MAX)] | None = Field(
        default=None, description="How many groups it has, named by their numbers; 40 if neither this nor `groups`."
    )
    groups: list[Name] | None = Field(
        default=None, min_length=1, max_length=GROUPS_MAX, description="The names of the groups, each another one."
    )
    sandbox_id: Id | None = Field(
        default=None,
        description="The sandbox that each group gets a copy of: its loans, rules and answer key, as of now. That of "
        "the request if neither this nor a scenario is given; at most 1,000 loans.",
    )
    scenario: Annotated[str, bounded_str(80)] | None = Field(
        default=None, description="A scenario that is played for them instead, one of GET /-/scenarios."
    )
    chapter: Annotated[int, bounded_int(1, CHAPTERS_MAX)] | None = Field(
        default=None, description="The chapter at whose end it stops; the first if not given."
    )
    seeds: Annotated[str, OneOf(SEEDS)] = Field(
        default=SAME, description="`own`: each group plays the scenario with a seed of its own, so its ids differ."
    )
    seed: Seed | None = Field(default=None, description="The seed of the scenario, or of its first group.")
    language: InLanguage = Field(default=Language.EN.value, description="The language of the names in the scenario.")


class ClassMove(Body):
    """Where the clocks of a class move: exactly one of a moment (`to`) and a duration (`by`)."""

    to: MomentOrNext | None = Field(
        default=None,
        description="The moment, not before that of any group; or `next`, when the next thing is due in any of them.",
    )
    by: SpanOfTime | None = Field(default=None, description="The duration, from the clock that is furthest.")


class ClassQuery(Body):
    """In which order a class lists its groups."""

    order: Annotated[str, OneOf(ORDERS)] = Field(
        default=BY_NUMBER, description="`number`, or `score`: who passed first, then who found more."
    )


class GroupKeyDoc(TypedDict):
    """The key of a group, which is shown only here."""

    n: Annotated[int, says("The number of the group.")]
    name: Annotated[str, says("The name of the group.")]
    sandbox_id: Annotated[str, says("Its sandbox.")]
    api_key: Annotated[str, says("Its key: it opens its sandbox, without the truth. It is shown only here.")]


class GroupKeys(TypedDict):
    """The keys of the groups of a class."""

    keys: Annotated[list[GroupKeyDoc], says("A key for each group.")]


class MadeClass(TypedDict):
    """A new class and the keys of its groups."""

    made: Annotated[ClassDoc, says("The class; while it is `making`, its keys open nothing yet.")]
    keys: Annotated[list[GroupKeyDoc], says("A key for each group, shown only here.")]


class ClassList(TypedDict):
    """The classes of the server."""

    classes: Annotated[list[ClassHead], says("The classes, the newest first: at most 50.")]


@classes_api.post("/-/classes")
@classes_api.input(NewClass, arg_name="new")
@classes_api.output(document(MadeClass), status_code=201)
@classes_api.doc(
    **operation(
        "makeClass", "too_many_classes", "class_too_large", "scenario_unknown", "sandbox_unknown", "too_many_sandboxes",
        example=EXAMPLE,
    )
)  # fmt: skip
def make_class(new: NewClass) -> Response:
    """Make a class: for each group a sandbox with the truth hidden, filled from a sandbox or a scenario, and its key.

    If filling them takes longer than 20 seconds, the class is still `making`; it goes on.
    """
    story = story_of(new, sandbox_id() if new.sandbox_id is None and new.scenario is None else new.sandbox_id)
    row, keys = class_work.make(current_app.wsgi_app, current_platform(), new.name, names_of(new), story)
    return rendered({"made": class_doc(current_platform(), row.id), "keys": _key_docs(keys)}, 201)


@classes_api.get("/-/classes")
@classes_api.output(document(ClassList))
@classes_api.doc(**operation("listClasses"))
def list_classes() -> Response:
    """All classes, the newest first, without their groups."""
    return rendered(ClassList(classes=heads_of(current_platform())))


@classes_api.get("/-/classes/<id:class_id>")
@classes_api.input(ClassQuery, location="query", arg_name="query")
@classes_api.output(document(ClassDoc))
@classes_api.doc(**operation("getClass", "class_unknown", parameters=A_CLASS))
def get_class(class_id: str, query: ClassQuery) -> Response:
    """A class: how far each group is, its rank, where the clocks are, and what the class misses."""
    return rendered(class_doc(current_platform(), class_id, query.order))


@classes_api.post("/-/classes/<id:class_id>/clock")
@classes_api.input(ClassMove, arg_name="move")
@classes_api.output(document(ClassDoc))
@classes_api.doc(
    **operation(
        "moveClass",
        "class_unknown",
        "class_not_ready",
        "clock_backwards",
        "nothing_due",
        example={"by": "P1D"},
        parameters=A_CLASS,
    )
)
def move_class(class_id: str, move: ClassMove) -> Response:
    """Move the clocks of all groups to one moment, two at a time; it goes on if it takes longer than 20 seconds.

    `clock` says how many have arrived. The same moment again goes on with those that have not.
    """
    class_work.move(current_platform(), class_id, target_of(move))
    return rendered(class_doc(current_platform(), class_id))


@classes_api.post("/-/classes/<id:class_id>/reveal")
@classes_api.output(document(ClassDoc))
@classes_api.doc(
    **operation("revealClass", "class_unknown", "class_not_ready", *BODY_CODES, reads=NOTHING, parameters=A_CLASS)
)
def reveal_class(class_id: str) -> Response:
    """End a class: each group sees the truth of its sandbox, and what is handed in from now on does not count."""
    refuse_a_body()
    class_work.reveal(current_platform(), class_id)
    return rendered(class_doc(current_platform(), class_id))


@classes_api.post("/-/classes/<id:class_id>/keys")
@classes_api.output(document(GroupKeys))
@classes_api.doc(
    **operation("newClassKeys", "class_unknown", "class_not_ready", *BODY_CODES, reads=NOTHING, parameters=A_CLASS)
)
def new_class_keys(class_id: str) -> Response:
    """A new key for each group, as none can be read again. Those of before open nothing any more."""
    refuse_a_body()
    return rendered(GroupKeys(keys=_key_docs(class_work.new_keys(current_platform(), class_id))))


def _csv(operation: JsonObject) -> JsonObject:
    """The operation with its response 200: CSV."""
    table = {"description": "The groups, a row each.", "content": {"text/csv": {"schema": {"type": "string"}}}}
    return operation | {"responses": {200: table, **operation["responses"]}}


@classes_api.get("/-/classes/<id:class_id>/csv")
@classes_api.doc(**_csv(operation("exportClass", "class_unknown", parameters=A_CLASS)))
def export_class(class_id: str) -> Response:
    """The groups of a class as CSV, a row each: rank, name, how much was found and wrong, verdict, time, sandbox."""
    return csv_response(class_csv(class_doc(current_platform(), class_id)), f"{class_id}.csv")


@classes_api.delete("/-/classes/<id:class_id>")
@classes_api.output({}, status_code=204)
@classes_api.doc(**operation("deleteClass", "class_unknown", "class_not_ready", parameters=A_CLASS))
def delete_class(class_id: str) -> Response:
    """Delete a class with the sandboxes of its groups. If that takes longer than 20 seconds, it goes on."""
    class_work.delete(current_platform(), class_id)
    return Response(status=204)


def names_of(new: NewClass) -> list[str]:
    """The names of the groups. Raises Refused `validation_failed` if two are the same, or if both ways are used."""
    if new.groups is None:
        return [str(n) for n in range(1, (new.size or SIZE) + 1)]
    if new.size is not None:
        raise field_problem("size", "no value: `groups` names them", new.size)
    for n, name in enumerate(new.groups):
        if name in new.groups[:n]:
            raise field_problem(f"groups.{n}", "a name that no other group has", name)
    return new.groups


def story_of(new: NewClass, source_id: str | None) -> Story:
    """What is in the sandboxes. Raises Refused `validation_failed` for what does not fit, `scenario_unknown`."""
    if new.scenario is None:
        for field in ("chapter", "seed"):
            if getattr(new, field) is not None:
                raise field_problem(field, "no value: a sandbox is copied, and no scenario played", getattr(new, field))
        if new.seeds == OWN:
            raise field_problem("seeds", "same: a copy has the seed of its sandbox; a scenario may have own", OWN)
        return Story(source_id or "", None, 0, SAME, None, Language(new.language))
    if new.sandbox_id is not None:
        raise field_problem("sandbox_id", "no value: a scenario is played", new.sandbox_id)
    chapters = len(named(new.scenario).chapters)
    chapter = new.chapter or 1
    if chapter > chapters:
        raise field_problem("chapter", f"a chapter of the scenario, 1 to {chapters}", chapter)
    last_seed = SEED_MAX - (len(names_of(new)) - 1 if new.seeds == OWN else 0)
    if new.seed is not None and new.seed > last_seed:
        raise field_problem("seed", f"at most {last_seed}: each later group has the next seed", new.seed)
    return Story("", new.scenario, chapter, new.seeds, new.seed, Language(new.language))


def target_of(move: ClassMove) -> int | Span | None:
    """How far the clocks move: to a moment (ms), by a duration, or, with None, to when the next thing is due.

    Raises Refused `validation_failed` unless exactly one of `to` and `by` says it.
    """
    if (move.to is None) == (move.by is None):
        raise field_problem("to", "exactly one of to and by", "neither" if move.to is None else "both")
    if move.by is not None:
        return move.by
    return None if move.to == NEXT else int(move.to or 0)


def class_doc(platform: Platform, class_id: str, order: str = BY_NUMBER) -> ClassDoc:
    """A class as it is now. Raises Refused `class_unknown`."""
    platform.uses.write()  # So that a group that has begun is seen at once.
    with platform.read() as connection:
        row = class_work.as_it_is(platform, classes.class_of(connection, class_id))
        return classes.doc_of(connection, row, order)


def heads_of(platform: Platform) -> list[ClassHead]:
    """All classes as they are now, the newest first, without their groups."""
    with platform.read() as connection:
        return [classes.head_of(class_work.as_it_is(platform, row)) for row in classes.all_classes(connection)]


def _key_docs(keys: list[GroupKey]) -> list[GroupKeyDoc]:
    return [{"n": key.n, "name": key.name, "sandbox_id": key.sandbox_id, "api_key": key.api_key} for key in keys]


def keys_csv(keys: list[GroupKey]) -> str:
    """The keys of a class as CSV, for handing them out."""
    return csv_of(("n", "name", "sandbox_id", "api_key"), [(k.n, k.name, k.sandbox_id, k.api_key) for k in keys])


def csv_response(text: str, name: str) -> Response:
    """A table to be saved under a name."""
    response = Response(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

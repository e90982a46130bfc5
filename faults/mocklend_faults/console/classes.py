"""The page Class: the classes of the server, and one with its groups, their progress, their one clock, and its end.

All of it is the teacher's. While the truth is hidden, as on a projector, the page does not say what the class misses.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.problems import field_problem
from mocklend.console.forms import Filled, local_moment, read_form, sandbox_path
from mocklend.console.mount import API
from mocklend.console.visit import platform, require_teacher, visit
from mocklend.domain.numbers import whole_number
from mocklend.domain.problems import Refused
from mocklend.language import message
from mocklend.scenarios.shown import listed_doc
from mocklend_faults.api import class_work
from mocklend_faults.api.class_work import GroupKey
from mocklend_faults.api.classes import (
    SIZE,
    ClassMove,
    NewClass,
    class_doc,
    csv_response,
    heads_of,
    keys_csv,
    names_of,
    story_of,
    target_of,
)
from mocklend_faults.console.words import CLASS_NAMES
from mocklend_faults.engine.classes import BY_SCORE, GROUPS_MAX, ORDERS, ClassDoc, class_csv

class_pages = Blueprint("classes", __name__, template_folder="templates")

COPY = "copy"
"""In the form: each group gets a copy of the visited sandbox."""
SQUARES_MAX = 24
"""Up to so many lies a tile shows a square for each; a bar for more."""
GROUP_STATE_NAMES = {
    "not_made": message("not made"),
    "not_begun": message("not begun"),
    "looking": message("looking"),
    "handed_in": message("handed in"),
    "gone": message("its sandbox is gone"),
}
STATE_NAMES = {
    "making": message("being made"),
    "open": message("open"),
    "ended": message("ended, the truth is revealed"),
    "failed": message("could not be made"),
}


@class_pages.before_request
def only_for_the_teacher() -> None:
    """A class is the teacher's."""
    require_teacher()


@class_pages.get("/class")
def classes_page() -> str:
    """All classes, and the form that makes one."""
    return _list(Filled({"size": str(SIZE), "story": COPY}))


@class_pages.post("/class")
def make() -> str | tuple[str, int]:
    """Make a class. The page has the keys of its groups, which are shown once."""
    values = {name: value.strip() for name, value in request.form.items()}
    try:
        new = _read(values)
        source_id = visit().sandbox_id if new.scenario is None else None
        row, keys = class_work.make(request.environ[API], platform(), new.name, names_of(new), story_of(new, source_id))
    except Refused as refused:
        return _list(Filled.refused_with(refused)), refused.problem.status
    return _keys_page(row.id, keys)


@class_pages.get("/class/<class_id>")
def class_page(class_id: str) -> str:
    """One class."""
    return _page(class_id, Filled())


@class_pages.post("/class/<class_id>/clock")
def move(class_id: str) -> AnyResponse | tuple[str, int]:
    """Move the clocks of all groups."""
    values = request.form.to_dict()
    try:
        if values.get("local"):
            values["to"] = local_moment(values["local"])
        asked = read_form(ClassMove, {name: values.get(name) for name in ("to", "by")})
        class_work.move(platform(), class_id, target_of(asked))
    except Refused as refused:
        return _page(class_id, Filled.refused_with(refused)), refused.problem.status
    return _back(class_id)


@class_pages.get("/class/<class_id>/end")
def ask_end(class_id: str) -> str:
    """What ending means, and the button for it."""
    return render_template("class_end.html", course=class_doc(platform(), class_id))


@class_pages.post("/class/<class_id>/end")
def end(class_id: str) -> AnyResponse:
    """End the class and reveal the truth to its groups."""
    class_work.reveal(platform(), class_id)
    return _back(class_id)


@class_pages.get("/class/<class_id>/delete")
def ask_delete(class_id: str) -> str:
    """What a deletion takes away, and the form in which its name is typed."""
    return render_template("class_delete.html", course=class_doc(platform(), class_id), filled=Filled())


@class_pages.post("/class/<class_id>/delete")
def delete(class_id: str) -> AnyResponse | tuple[str, int]:
    """Delete the class and the sandboxes of its groups, if its name was typed."""
    course = class_doc(platform(), class_id)
    typed = request.form.get("name", "").strip()
    try:
        if typed != course["name"].strip():
            raise field_problem("name", course["name"], typed)
        class_work.delete(platform(), class_id)
    except Refused as refused:
        filled = Filled.refused_with(refused)
        return render_template("class_delete.html", course=course, filled=filled), refused.problem.status
    return redirect(sandbox_path("classes.classes_page"), 303)


@class_pages.post("/class/<class_id>/keys")
def new_keys(class_id: str) -> str:
    """New keys for all groups, shown once."""
    return _keys_page(class_id, class_work.new_keys(platform(), class_id))


@class_pages.get("/class/<class_id>/csv")
def export(class_id: str) -> AnyResponse:
    """The groups as CSV."""
    return csv_response(class_csv(class_doc(platform(), class_id)), f"{class_id}.csv")


def _read(values: dict[str, str]) -> NewClass:
    story = values.get("story", COPY)
    named = [line.strip() for line in values.get("groups", "").splitlines() if line.strip()]
    size, chapter = values.get("size", ""), values.get("chapter", "")
    played = story != COPY
    return read_form(
        NewClass,
        {
            "name": values.get("name"),
            "groups": named or None,
            "size": None if named else _whole(size),
            "scenario": story if played else None,
            "chapter": _whole(chapter) if played else None,
            "seeds": values.get("seeds") if played else None,
            "language": visit().language.value if played else None,
        },
    )


def _whole(text: str) -> int | str:
    """A whole number, or the text for the model to refuse."""
    number = whole_number(text)
    return text if number is None else number


def _back(class_id: str) -> AnyResponse:
    return redirect(sandbox_path("classes.class_page", class_id=class_id), 303)


def _list(filled: Filled) -> str:
    return render_template(
        "classes.html",
        copy=COPY,
        filled=filled,
        groups_max=GROUPS_MAX,
        listed=heads_of(platform()),
        scenarios=listed_doc(visit().language),
        states=STATE_NAMES,
    )


def _page(class_id: str, filled: Filled) -> str:
    asked = request.args.get("order", BY_SCORE)
    order = asked if asked in ORDERS else BY_SCORE
    course = class_doc(platform(), class_id, order)
    return render_template(
        "class.html",
        course=course,
        class_names=CLASS_NAMES,
        each_lies=_each(course),
        filled=filled,
        group_states=GROUP_STATE_NAMES,
        order=order,
        squares_max=SQUARES_MAX,
        states=STATE_NAMES,
    )


def _each(course: ClassDoc) -> int | None:
    """How many lies each group has to find, if all have the same number."""
    numbers = {group["lies"] for group in course["groups"]}
    return numbers.pop() if len(numbers) == 1 else None


def _keys_page(class_id: str, keys: list[GroupKey]) -> str:
    return render_template(
        "class_keys.html",
        address=request.host_url.rstrip("/"),
        course=class_doc(platform(), class_id),
        keys=keys,
        keys_csv=keys_csv(keys),
    )

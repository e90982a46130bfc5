"""The form of a rule: made of what a kind says of itself, read into the same JSON as the body of PUT /-/rules/{id}.

A field is named as the path of its value in that JSON (`select.probability`, `with.lag_s`, `match.channel`), so each
error of the API has its field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mocklend.domain.problems import FieldErrorDoc
from mocklend_faults.engine.described import KindDoc
from mocklend_faults.engine.rules import CountedRule

NUMBERS = (
    "select.probability", "select.times", "select.times_per.entity", "select.max_active", "select.skip_first",
    "select.every", "activate.start_delay_s", "activate.duration_s",
)  # fmt: skip
"""The fields that every kind has and that hold a number."""

Form = Mapping[str, list[str]]
"""What was typed, by field; several values where several may be chosen."""


def rule_of_form(form: Form, kind: KindDoc) -> dict[str, object]:
    """The body of PUT /-/rules/{id}. What is no number where one belongs stays as it is, and is refused later."""
    body: dict[str, object] = {"fault": kind["id"]}
    for name in NUMBERS:
        if _one(form, name):
            _put(body, name, _number(_one(form, name)))
    if _one(form, "select.unit"):
        _put(body, "select.unit", _one(form, "select.unit"))
    for setting in kind["settings"]:
        name = f"with.{setting['name']}"
        if name in form:
            _put_flat(body, "with", setting["name"], _setting(_one(form, name), kind, setting["name"]))
    for field in kind["match"]:
        typed = [value for value in form.get(f"match.{field['name']}", []) if value]
        values = [_number(value) if field["type"] == "integer" else value for value in typed]
        if values:
            _put_flat(body, "match", field["name"], {"in": values} if len(values) > 1 else {"equal_to": values[0]})
    return body


def form_of_rule(rule: CountedRule) -> dict[str, list[str]]:
    """The fields of a form that would arm this rule again."""
    form: dict[str, list[str]] = {"id": [rule["id"]]}
    for section in ("select", "activate"):
        part: Mapping[str, object] = rule[section]
        for name, value in part.items():
            if isinstance(value, Mapping):
                form |= {f"{section}.{name}.{inner}": [str(of_inner)] for inner, of_inner in value.items()}
            else:
                form[f"{section}.{name}"] = [str(value)]
    form |= {f"with.{name}": ["" if value is None else str(value)] for name, value in rule["with"].items()}
    for name, operators in rule["match"].items():
        chosen = operators.get("in", [operators.get("equal_to", "")])
        form[f"match.{name}"] = [str(value) for value in chosen] if isinstance(chosen, list) else []
    return form


def form_of_kind(kind: KindDoc, taken: Iterable[str]) -> dict[str, list[str]]:
    """The fields of a form that arms the kind on every event, with its default settings, under a free id."""
    ids = set(taken)
    names = [kind["id"], *(f"{kind['id']}-{n}" for n in range(2, len(ids) + 3))]
    defaults = {f"with.{setting['name']}": setting["default"] for setting in kind["settings"]}
    form = {name: ["" if value is None else str(value)] for name, value in defaults.items()}
    return form | {"id": [next(name for name in names if name not in ids)], "select.probability": ["1"]}


def errors_by_field(errors: Iterable[FieldErrorDoc], names: Iterable[str]) -> dict[str, FieldErrorDoc]:
    """The errors of a refusal by the form's field: `match.channel.in.0` is an error of `match.channel`."""
    known = sorted(names, key=len, reverse=True)
    by_field: dict[str, FieldErrorDoc] = {}
    for error in errors:
        path = error["field"]
        name = next((name for name in known if path == name or path.startswith(name + ".")), path)
        by_field.setdefault(name, error)
    return by_field


def _one(form: Form, name: str) -> str:
    return next(iter(form.get(name, [])), "").strip()


def _number(typed: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(typed)
        except ValueError:
            continue
    return typed


def _setting(typed: str, kind: KindDoc, name: str) -> int | float | str | None:
    schema = kind["schema"]["properties"][name]
    types = [schema.get("type"), *(option.get("type") for option in schema.get("anyOf", ()))]
    if not typed and "null" in types:
        return None
    return _number(typed) if "integer" in types else typed


def _put(body: dict[str, object], path: str, value: object) -> None:
    section, _, rest = path.partition(".")
    part = body.setdefault(section, {})
    assert isinstance(part, dict)
    if "." in rest:
        _put(part, rest, value)
    else:
        part[rest] = value


def _put_flat(body: dict[str, object], section: str, name: str, value: object) -> None:
    part = body.setdefault(section, {})
    assert isinstance(part, dict)
    part[name] = value

"""What a form does as a test for pytest: a text that a viewer copies and runs. `forms.curl` is the same for a shell."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

OWN_NAMES = frozenset({"fault", "probability", "times", "match", "rule_id", "activate", "select", "expect"})
"""The parameters of `Client.arm`: a setting of the same name cannot be given to it by keyword."""


def pytest_test(rule_id: str, rule: Mapping[str, object]) -> str:
    """A test for the pytest plug-in that arms a rule; `rule` is a body of PUT /-/rules/{id}."""
    settings = _part(rule, "with")
    if OWN_NAMES & settings.keys() or not all(name.isidentifier() for name in settings) or rule.get("enabled") is False:
        arguments = [_literal(rule_id), _literal(rule)]
        function = "put_rule"
    else:
        arguments, function = _arguments(rule_id, rule, settings), "arm"
    name = re.sub(r"\W", "_", rule_id, flags=re.ASCII) or "rule"
    lines = [f"def test_with_{name}(mocklend):", f"    mocklend.{function}("]
    return "\n".join([*lines, *(f"        {argument}," for argument in arguments), "    )", ""])


def _arguments(rule_id: str, rule: Mapping[str, object], settings: Mapping[str, object]) -> list[str]:
    """The arguments of `Client.arm` for a rule."""
    select = dict(_part(rule, "select"))
    named: dict[str, object] = {"rule_id": rule_id}
    named |= {name: select.pop(name) for name in ("probability", "times") if name in select}
    named |= {"select": select, **{name: _part(rule, name) for name in ("match", "activate", "expect")}, **settings}
    return [_literal(rule["fault"]), *(f"{name}={_literal(value)}" for name, value in named.items() if value != {})]


def _literal(value: object) -> str:
    """A value of JSON in Python, with double quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _part(rule: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = rule.get(name)
    return part if isinstance(part, Mapping) else {}

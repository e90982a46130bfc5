"""The step of a scenario as a call of the client: its arguments and its answer, which may be kept under a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import requests

from mocklend.client import Client, Doc, ProblemError
from mocklend.scenarios.narrator import NotAsTold, at

NO_ANSWER, ANY = "no_answer", "any"
_NAMED = re.compile(r"\$\{([^}]*)\}|\$\$")


def asked(client: Client, step: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[Doc, str | None]:
    """The answer of a step, and the code of its failure or None. A problem document counts as an answer.

    Raises NotAsTold if the step fails and the scenario does not expect it.
    """
    try:
        answer = getattr(client, step["do"])(**arguments)
    except ProblemError as problem:
        if "fails" not in step:
            raise NotAsTold(f"{step['do']}: {problem}") from problem
        return problem.document, problem.code
    except requests.RequestException as error:
        if "fails" not in step:
            raise NotAsTold(f"{step['do']}: no answer: {type(error).__name__}") from error
        return {}, NO_ANSWER
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise NotAsTold(f"{step['do']}: {error}") from error
    return answer if isinstance(answer, dict) else {}, None


def filled(raw: Any, kept: Mapping[str, Any]) -> Any:
    """A value in which every `$name.field` is replaced by that field of the kept answer."""
    if isinstance(raw, str):
        if raw.startswith("$") and not raw.startswith(("$$", "${")):
            return kept_value(raw[1:], kept)
        return _NAMED.sub(lambda match: "$" if match[1] is None else str(kept_value(match[1], kept)), raw)
    if isinstance(raw, dict):
        return {key: filled(value, kept) for key, value in raw.items()}
    if isinstance(raw, list):
        return [filled(value, kept) for value in raw]
    return raw


def kept_value(reference: str, kept: Mapping[str, Any]) -> Any:
    """The value of `name.field` among the kept answers. Raises NotAsTold if there is none."""
    name, _, path = reference.partition(".")
    if name not in kept:
        raise NotAsTold(f"${reference}: no earlier step has `as: {name}`")
    return at(kept[name], path) if path else kept[name]

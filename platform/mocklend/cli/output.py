"""The output of a command: lines or one JSON document; refusals in the platform's own form."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import typer

from mocklend.domain.nouns import JsonObject
from mocklend.exit_codes import ExitCode


def own_command() -> str:
    """Return how this command is typed here: its name if the shell finds it, else its path."""
    if shutil.which("mocklend"):
        return "mocklend"
    beside = Path(sys.executable).with_name("mocklend")
    if not beside.exists():
        return f"{Path(sys.executable).name} -m mocklend"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def hinted(document: Mapping[str, object]) -> list[str]:
    """Return the platform's hint about an empty result, with this command as it is typed here."""
    hint = document.get("hint")
    return [] if not hint else [f"hint: {hint}".replace("`mocklend ", f"`{own_command()} ")]


def show(document: Mapping[str, object], as_json: bool, *lines: str) -> None:
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines))


def refuse(title: str, hint: str) -> NoReturn:
    """Print a refusal in the platform's form, and exit with WRONG_USE."""
    print_refusal({"code": "command_refused", "title": title, "hint": hint})
    raise typer.Exit(ExitCode.WRONG_USE)


def print_refusal(problem: JsonObject) -> None:
    # From the arguments themselves: the command and its options are no longer available.
    if "--json" in sys.argv:
        print(json.dumps(problem, indent=2, ensure_ascii=False))
        return
    lines = [str(problem["title"])]
    if problem.get("detail") and not problem.get("errors"):  # The detail repeats the first error.
        lines.append(f"  {problem['detail']}")
    lines += [f"  {name}: {json.dumps(problem[name])}" for name in ("expected", "received") if name in problem]
    lines += [
        f"  {error['field']}: expected {error['expected']}, received {json.dumps(error['received'])}"
        for error in problem.get("errors", ())
    ]
    lines.append(f"  {problem['hint']}")
    print("\n".join(lines), file=sys.stderr)

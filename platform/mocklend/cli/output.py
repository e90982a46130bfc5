"""What a command says: lines or one JSON document, and a no in the platform's own form."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from mocklend.exit_codes import ExitCode

if TYPE_CHECKING:
    pass


def own_command() -> str:
    """How this command is typed here: by its name where the shell finds it, else by its path."""
    if shutil.which("mocklend"):
        return "mocklend"
    beside = Path(sys.executable).with_name("mocklend")
    if not beside.exists():
        return f"{Path(sys.executable).name} -m mocklend"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def hinted(document: Mapping[str, Any]) -> list[str]:
    """What the platform has to say to somebody who sees nothing; with this command as it is typed here."""
    hint = document.get("hint")
    return [] if not hint else [f"hint: {hint}".replace("`mocklend ", f"`{own_command()} ")]


def show(document: Mapping[str, Any], as_json: bool, *lines: str) -> None:
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines))


def refuse(what: str, hint: str) -> NoReturn:
    """Say no in the same form as the platform does, and leave with WRONG_USE."""
    say_no({"code": "command_refused", "title": what, "hint": hint})
    raise typer.Exit(ExitCode.WRONG_USE)


def say_no(problem: Mapping[str, Any]) -> None:
    # Asked of the arguments themselves: by now the command with its options is gone.
    if "--json" in sys.argv:
        print(json.dumps(problem, indent=2, ensure_ascii=False))
        return
    lines = [str(problem["title"])]
    if problem.get("detail") and not problem.get("errors"):  # It is the first of them.
        lines.append(f"  {problem['detail']}")
    lines += [f"  {name}: {json.dumps(problem[name])}" for name in ("expected", "received") if name in problem]
    lines += [
        f"  {error['field']}: expected {error['expected']}, received {json.dumps(error['received'])}"
        for error in problem.get("errors", ())
    ]
    lines.append(f"  {problem['hint']}")
    print("\n".join(lines), file=sys.stderr)

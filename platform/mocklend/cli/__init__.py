"""The `mocklend` command. Each subcommand is a few lines over the client; slow imports are made inside.

Exit codes are those of `exit_codes`: FAIL is an unclean audit, a demo whose claims do not hold or a score that FAILs,
WRONG_USE is a refusal or an unreachable server. With `--json` a command prints one JSON document and nothing else, also
when refused.
"""

from __future__ import annotations

import sys

from mocklend.cli import classes, experiments, faults, judge, sandboxes, scenarios, serving
from mocklend.cli.output import print_refusal
from mocklend.cli.root import TARGET, app
from mocklend.exit_codes import ExitCode

__all__ = ["app", "main"]

COMMANDS = (serving, sandboxes, judge, faults, experiments, scenarios, classes)
"""The modules that define the commands, in the order in which `mocklend --help` lists them."""
for _module in COMMANDS:
    app.add_typer(_module.commands)

INTERRUPTED = 130
"""Typer's exit code after Ctrl-C."""


def main() -> None:
    """The entry point: refusals of the platform become sentences and WRONG_USE."""
    try:
        app()
    except SystemExit as exit:
        # Ctrl-C: Typer exits with a code of its own.
        sys.exit(ExitCode.INCONCLUSIVE if exit.code == INTERRUPTED else exit.code)
    except UnicodeError:
        print_refusal(
            {"code": "command_refused", "title": "An argument is not UTF-8 text.", "hint": "Type it in UTF-8."}
        )
        sys.exit(ExitCode.WRONG_USE)
    except Exception as failure:
        if type(failure).__module__.partition(".")[0] not in ("mocklend", "requests"):
            raise
        _explain(failure)
        sys.exit(ExitCode.WRONG_USE)


def _explain(failure: Exception) -> None:
    import requests

    from mocklend.client import ProblemError

    if type(failure).__name__ == "CannotOpen":  # Compared by name, since most commands need no database.
        print_refusal({"code": "command_refused", "title": str(failure), "hint": getattr(failure, "remedy", "")})
    elif isinstance(failure, ProblemError):
        problem = dict(failure.document)
        if failure.code == "not_found":
            problem["hint"] = (
                f"{problem['hint']} Faults and the answer key need the fault layer, which may not be installed."
            )
        print_refusal(problem)
    elif isinstance(failure, requests.ConnectionError):
        start = "Start it with `mocklend serve`, or say where it is with --url or MOCKLEND_URL."
        print_refusal({"code": "unreachable", "title": f"Nothing answers at {TARGET.url}.", "hint": start})
    elif isinstance(failure, requests.RequestException):
        print_refusal(
            {
                "code": "no_answer",
                "title": str(failure),
                "hint": "Check --url, and whether the platform runs.",
            }
        )
    else:
        raise failure

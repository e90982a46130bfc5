"""The `mocklend` command: each is a few lines over the client; imports that cost time are made inside.

Exit codes are those of `exit_codes`: FAIL is an unclean audit, a demo that is not as told or a score that FAILs,
WRONG_USE is a refusal or no server. With `--json` a command prints one JSON document and nothing else, also when
refused.
"""

from __future__ import annotations

import sys

from mocklend.cli import experiments, faults, judge, sandboxes, scenarios, serving
from mocklend.cli.output import say_no
from mocklend.cli.root import TARGET, app
from mocklend.exit_codes import ExitCode

__all__ = ["app", "main"]

COMMANDS = (serving, sandboxes, judge, faults, experiments, scenarios)
"""The modules whose commands there are, in the order in which `mocklend --help` lists them."""
for _module in COMMANDS:
    app.add_typer(_module.commands)

INTERRUPTED = 130
"""What Typer leaves with after Ctrl-C."""


def main() -> None:
    """The entry point: refusals of the platform become sentences and WRONG_USE."""
    try:
        app()
    except SystemExit as leaving:
        # Ctrl-C: Typer leaves with a number of its own, which is none of ours.
        sys.exit(ExitCode.INCONCLUSIVE if leaving.code == INTERRUPTED else leaving.code)
    except UnicodeError:
        say_no({"code": "command_refused", "title": "An argument is no text.", "hint": "Type it in UTF-8."})
        sys.exit(ExitCode.WRONG_USE)
    except Exception as failure:
        if type(failure).__module__.partition(".")[0] not in ("mocklend", "requests"):
            raise
        _explain(failure)
        sys.exit(ExitCode.WRONG_USE)


def _explain(failure: Exception) -> None:
    import requests

    from mocklend.client import ProblemError

    if type(failure).__name__ == "CannotOpen":  # By its name: most commands need no database of their own.
        say_no({"code": "command_refused", "title": str(failure), "hint": getattr(failure, "remedy", "")})
    elif isinstance(failure, ProblemError):
        problem = dict(failure.document)
        if failure.code == "not_found":
            problem["hint"] = f"{problem['hint']} Faults and answers need the fault layer, which a server may lack."
        say_no(problem)
    elif isinstance(failure, requests.ConnectionError):
        start = "Start it with `mocklend serve`, or say where it is with --url or MOCKLEND_URL."
        say_no({"code": "unreachable", "title": f"Nothing answers at {TARGET.url}.", "hint": start})
    elif isinstance(failure, requests.RequestException):
        say_no(
            {
                "code": "no_answer",
                "title": str(failure),
                "hint": "Check --url, and whether the platform is well.",
            }
        )
    else:
        raise failure

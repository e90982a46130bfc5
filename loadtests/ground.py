"""Break the database, the disk or the clock under a loaded server, one part at a time, and report what clients see.

        clients repay and read ──▶ outage ──▶ answers are counted ──▶ end of the outage ──▶ time to recover
        in the end: acknowledged writes are there once, due work is done, the audit finds nothing

A part that this machine does not allow is skipped, with the reason; if all are skipped, the verdict is INCONCLUSIVE.
With `--json` standard output holds one document and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ground_clock
import ground_storage
from ground_result import FAIL, INCONCLUSIVE, PASS, PartResult
from server import ServerFailed
from tool import concluded, say

from mocklend.exit_codes import ExitCode

PARTS: Mapping[str, Callable[[Path], PartResult]] = {**ground_storage.PARTS, **ground_clock.PARTS}
"""The parts by name. A part gets a folder of its own, and starts and stops servers of its own."""


def verdict(results: Sequence[PartResult]) -> str:
    """FAIL if a part failed; PASS if at least one passed and none is inconclusive; else INCONCLUSIVE."""
    outcomes = {result.outcome for result in results}
    if FAIL in outcomes:
        return FAIL
    return PASS if PASS in outcomes and INCONCLUSIVE not in outcomes else INCONCLUSIVE


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Run the parts, print the result of each, and return the exit code."""
    options = _options(arguments)
    return concluded(lambda: _all(options), as_json=options.json)


def _all(options: argparse.Namespace) -> ExitCode:
    results = []
    for name in options.parts or PARTS:
        say(f"{name} …")
        with tempfile.TemporaryDirectory(prefix="mocklend-ground-") as folder:
            results.append(_run_part(name, Path(folder)))
        if not options.json:
            print("\n".join(results[-1].sentences()), flush=True)
    outcome = verdict(results)
    if options.json:
        document = {"verdict": outcome, "parts": [result.to_json() for result in results]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(outcome)
    return ExitCode[outcome]


def _run_part(name: str, folder: Path) -> PartResult:
    """The result of one part. A server that does not start fails the part, and the others still run."""
    try:
        return PARTS[name](folder)
    except ServerFailed as failure:
        result = PartResult(name)
        result.fail(str(failure))
        return result


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/ground", description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all of them)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options: Any = parser.parse_args(arguments)
    unknown = sorted({*options.parts} - {*PARTS})
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(PARTS)}")
    return options  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())

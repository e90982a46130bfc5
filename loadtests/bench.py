"""How fast is the platform, and beside what? Each figure and its ruler are measured in turns, in one run.

    scripts/bench                      everything, some minutes
    scripts/bench --only status repay  some of it
    scripts/bench --out docs/benchmarks

The server is kept on one core and wrk, the generator, on the other. A figure is the median of the rounds; what counts
is its ratio to the ruler, which is measured in the same rounds on the same core. The server commits as durably as it
does for a user. What the figures say and what they do not: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import tool
from bench_cases import CASES, RULERS, Bench, Measured

from mocklend.exit_codes import ExitCode

HEAD = f"{'figure':46} {'a second':>10} {'p50 ms':>8} {'p99 ms':>8} {'ratio':>7}  of"


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """PASS once all is measured and no answer failed."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=sorted(CASES), help="these figures")
    parser.add_argument("--rounds", type=tool.whole(1, 100), default=3, help="how often each (default: %(default)s)")
    parser.add_argument("--seconds", type=tool.number(1, 600), default=4.0, help="a load (default: %(default)s)")
    parser.add_argument("--connections", type=tool.whole(1, 1_024), default=64, help="(default: %(default)s)")
    parser.add_argument("--loans", type=tool.whole(1, 100_000), default=1_000, help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one document with every round")
    options = parser.parse_args(arguments)
    return tool.concluded(lambda: _measured(options), as_json=options.json)


def _measured(options: argparse.Namespace) -> ExitCode:
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(program) is None:
            raise tool.NotRun(f"{program} is not installed; on Debian: apt-get install {package}")
    rulers = sorted({ruler for name in options.only if (ruler := CASES[name].ruler) is not None})
    rounds: dict[str, list[Measured]] = {name: [] for name in (*rulers, *options.only)}
    with tempfile.TemporaryDirectory(prefix="mocklend-bench-") as folder:
        bench = Bench(Path(folder), options.seconds, options.connections, options.loans)
        for number in range(1, options.rounds + 1):
            for name, measured in rounds.items():
                measured.append(RULERS[name](bench) if name in RULERS else CASES[name].measure(bench))
            tool.say(f"round {number} of {options.rounds}")
    figures = {name: _median(measured) for name, measured in rounds.items()}
    report = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "connections": options.connections,
        "figures": {name: {**figure, "rounds": rounds[name]} for name, figure in figures.items()},
        "ratios": {name: _ratio(name, figures) for name in options.only if CASES[name].ruler is not None},
    }
    failed = sum(measured["failed"] for each in rounds.values() for measured in each)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        _print(options.only, rulers, figures)
        print(f"{failed} requests failed" if failed else "every request was answered 2xx")
    return ExitCode.FAIL if failed else ExitCode.PASS


def _median(rounds: Sequence[Measured]) -> Measured:
    return {
        "per_s": median(one["per_s"] for one in rounds),
        "p50_ms": median(one["p50_ms"] for one in rounds),
        "p99_ms": median(one["p99_ms"] for one in rounds),
        "failed": sum(one["failed"] for one in rounds),
    }


def _ratio(name: str, figures: dict[str, Measured]) -> float:
    ruler = CASES[name].ruler
    assert ruler is not None
    return round(figures[name]["per_s"] / figures[ruler]["per_s"], 3)


def _print(only: Sequence[str], rulers: Sequence[str], figures: dict[str, Measured]) -> None:
    print(HEAD)
    for name in (*rulers, *only):
        figure, case = figures[name], CASES.get(name)
        title = case.title if case else f"ruler: {name}"
        line = f"{title:46} {figure['per_s']:10.1f} {figure['p50_ms']:8.2f} {figure['p99_ms']:8.2f}"
        print(f"{line} {_ratio(name, figures):7.2f}  {case.ruler}" if case and case.ruler else line)


if __name__ == "__main__":
    sys.exit(main())

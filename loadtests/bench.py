"""How fast is the platform, and beside what? Each figure and its ruler are measured in turns, in one run.

    scripts/bench                      everything on SQLite, some minutes
    scripts/bench --only status repay  some of it
    scripts/bench --peers --postgresql --out docs/benchmarks

The server is kept on one core and wrk, the generator, on the other. A figure is the median of the rounds; what counts
is its ratio to the ruler, which is measured in the same rounds on the same core. The server commits as durably as it
does for a user. What the figures say and what they do not: docs/benchmarks.md. A cost has no ruler; its figure is the
least of the rounds, beside the goal.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import tool
from bench_cases import CASES, OF_PEERS, RULERS, Bench, Measured
from bench_costs import COSTS
from bench_growth import Cost, growth
from bench_long import LONG_COSTS
from bench_plot import plot
from bench_statements import written
from peers import install

from mocklend.exit_codes import ExitCode

HEAD = f"{'figure':46} {'a second':>10} {'p50 ms':>8} {'p99 ms':>8} {'ratio':>7} {'goal':>6}  of"

COSTS_HEAD = f"{'cost':46} {'least':>10} {'goal':>8}"


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """PASS once all is measured and no answer failed."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=sorted({*CASES, *COSTS, *LONG_COSTS}), help="these figures")
    parser.add_argument("--peers", action="store_true", help="other mock servers too; installed from npm and PyPI")
    parser.add_argument("--postgresql", action="store_true", help="the figures on PostgreSQL too")
    parser.add_argument("--long", action="store_true", help="also, once, what takes half an hour")
    parser.add_argument(
        "--growth", nargs="+", type=tool.whole(100, 10_000_000), default=[], metavar="LOANS",
        help="also what an operation costs among so many loans",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="a folder for the report as JSON, and its picture")
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
    if options.peers:
        install()
    figures_of = [name for name in CASES if options.postgresql or not CASES[name].on_postgresql]
    only = [name for name in CASES if name in (options.only or figures_of)]
    spending: dict[str, list[float]] = {name: [] for name in COSTS if name in (options.only or COSTS)}
    lasting = [name for name in LONG_COSTS if options.long or name in (options.only or ())]
    rulers_of = {name: [each for each in CASES[name].rulers if options.peers or each not in OF_PEERS] for name in only}
    rulers = list(dict.fromkeys(ruler for rulers in rulers_of.values() for ruler in rulers))
    rounds: dict[str, list[Measured]] = {name: [] for name in (*rulers, *only)}
    peers: dict[str, dict[str, list[Measured]]] = {}
    with tempfile.TemporaryDirectory(prefix="mocklend-bench-") as folder:
        bench = Bench(Path(folder), options.seconds, options.connections, options.loans)
        for number in range(1, options.rounds + 1):
            for name, measured in rounds.items():
                measured.append(RULERS[name](bench) if name in RULERS else CASES[name].measure(bench))
            for name, spent in spending.items():
                spent.append(COSTS[name].measure(bench))
            for peer, loads in bench.peers.items():
                for kind, load in loads.items():
                    peers.setdefault(peer, {}).setdefault(kind, []).append(load)
            bench.peers.clear()
            tool.say(f"round {number} of {options.rounds}")
        spending |= {name: [LONG_COSTS[name].measure(bench)] for name in lasting}
        costs = written(Path(folder))
        grown = []
        for cost in growth(Path(folder), options.growth) if options.growth else ():
            grown.append(cost)
            tool.say(f"grown to {cost['loans']} loans")
    figures = {name: _median(measured) for name, measured in rounds.items()}
    costed = {name: cost for name, cost in {**COSTS, **LONG_COSTS}.items() if name in spending}
    ratios = {name: {ruler: _ratio(figures[name], figures[ruler]) for ruler in rulers_of[name]} for name in only}
    report = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "connections": options.connections,
        "loans": options.loans,
        "figures": {name: {**figure, "rounds": rounds[name]} for name, figure in figures.items()},
        "ratios": ratios,
        "titles": {name: CASES[name].title for name in only},
        "goals": {name: dict(CASES[name].rulers) for name in only},
        "written": costs,
        "growth": grown,
        "costs": {
            name: {
                "title": of.title,
                "unit": of.unit,
                "least": min(spending[name]),
                "goal": of.goal,
                "rounds": spending[name],
            }
            for name, of in costed.items()
        },
        "peers": {name: {kind: _median(each) for kind, each in loads.items()} for name, loads in peers.items()},
    }
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "report.json").write_text(text + "\n", encoding="utf-8")
        picture = plot(report["titles"], ratios, report["goals"])
        (options.out / "ratios.svg").write_text(picture + "\n", encoding="utf-8")
    failed = sum(measured["failed"] for each in rounds.values() for measured in each)
    if options.json:
        print(text)
    else:
        if only:
            _print(rulers, only, figures, ratios)
        if costed:
            print(COSTS_HEAD)
        for name, of in costed.items():
            print(f"{of.title:46} {min(spending[name]):10.3f} {of.goal:8.2f}  {of.unit}")
        for name, loads in report["peers"].items():
            print(f"peer: {name:40} " + ", ".join(f"{kind} {load['per_s']:.1f}" for kind, load in loads.items()))
        for kind, each in costs.items():
            print(f"{kind:46} {each['statements']:.0f} statements a group of 64, {each['bytes']:.0f} bytes each")
        for cost in grown:
            print(f"among {cost['loans']:>9} loans: " + ", ".join(_grown(cost, grown[0])))
        print(f"{failed} requests failed" if failed else "every request was answered 2xx")
    return ExitCode.FAIL if failed else ExitCode.PASS


def _median(rounds: Sequence[Measured]) -> Measured:
    figure: Measured = {
        "per_s": median(one["per_s"] for one in rounds),
        "p50_ms": median(one["p50_ms"] for one in rounds),
        "p99_ms": median(one["p99_ms"] for one in rounds),
        "failed": sum(one["failed"] for one in rounds),
    }
    if behind := [one["behind_s"] for one in rounds if "behind_s" in one]:
        figure["behind_s"] = median(behind)
    return figure


def _ratio(figure: Measured, ruler: Measured) -> float:
    return round(figure["per_s"] / ruler["per_s"], 3)


def _print(
    rulers: Sequence[str],
    only: Sequence[str],
    figures: Mapping[str, Measured],
    ratios: Mapping[str, Mapping[str, float]],
) -> None:
    print(HEAD)
    for ruler in rulers:
        print(_line(f"ruler: {ruler}", figures[ruler]))
    for name in only:
        print(_line(CASES[name].title, figures[name]))
        for ruler, ratio in ratios[name].items():
            print(f"{'':46} {'':10} {'':8} {'':8} {ratio:7.2f} {CASES[name].rulers[ruler]:6.2f}  {ruler}")


def _grown(cost: Cost, first: Cost) -> Iterator[str]:
    """Each operation's cost, and its ratio to that with the fewest loans."""
    for name, now, before in (
        ("status", cost["status_us"], first["status_us"]),
        ("repay", cost["repay_us"], first["repay_us"]),
        ("borrow", cost["borrow_us"], first["borrow_us"]),
    ):
        yield f"{name} {now:.1f} us ({now / before:.2f})"


def _line(title: str, figure: Measured) -> str:
    line = f"{title:46} {figure['per_s']:10.1f} {figure['p50_ms']:8.2f} {figure['p99_ms']:8.2f}"
    return f"{line}  {figure['behind_s']:.1f} s behind at the end" if "behind_s" in figure else line


if __name__ == "__main__":
    sys.exit(main())

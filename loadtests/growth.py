"""Measures what a simulated year costs: time and peak memory for sandboxes of growing size.

Half of the loans are debited on their due dates and half become overdue, which costs the most work. Each size runs in a
process of its own, so that its peak memory is measured alone. The cost per loan should stay flat. The ratios are those
of processor time. With several sizes the first one runs again at the end, in case the machine has become slower; the
last ratio is to the slower of the two.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tool import CutShort, concluded

from mocklend.exit_codes import ExitCode

START_MS = 1_767_578_400_000
YEAR_MS, STEP_MS = 366 * 86_400_000, 61 * 86_400_000
AT_ONCE = 500
LOANS_MAX = 1_000_000
COST = "cpu_ms_per_loan"
HEAD = "   loans    year s  ms/loan  cpu ms/loan  ratio   released  transactions  peak MB"
LINE = (
    "{loans:>8} {year_s:>9} {ms_per_loan:>8} {cpu_ms_per_loan:>12} {ratio:>6.2f} {released:>10} {transactions:>13} "
    "{peak_mb:>8}"
)


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Print a line per size, or one JSON document; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/year", description=__doc__)
    parser.add_argument("--loans", nargs="+", default=["250,1000"], help="sizes, e.g. 1000 10000 (default: 250 1000)")
    parser.add_argument("--json", action="store_true", help="one document with everything")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print(json.dumps(one_year(options.one)))
        return ExitCode.PASS
    asked = ",".join(options.loans).split(",")
    if not all(size.isdecimal() and 0 < int(size) <= LOANS_MAX for size in asked):
        parser.error(f"--loans: expected sizes from 1 to {LOANS_MAX}, got {' '.join(options.loans)}")
    sizes = [int(size) for size in asked]
    if len(sizes) > 1:
        sizes.append(sizes[0])
    return concluded(lambda: _compared(sizes, options), as_json=options.json)


def _compared(sizes: Sequence[int], options: argparse.Namespace) -> ExitCode:
    if not options.json:
        print(HEAD)
    years = []
    for size in sizes:
        line = [sys.executable, __file__, "--one", str(size)]
        done = subprocess.run(line, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise CutShort(f"the process that simulated {size} loans ended with exit code {done.returncode}")
        years.append(json.loads(done.stdout))
        if not options.json:
            print(LINE.format(ratio=years[-1][COST] / years[0][COST], **years[-1]), flush=True)
    largest = max(years, key=lambda year: year["loans"])
    ratio = largest[COST] / max(years[0][COST], years[-1][COST])
    if options.json:
        print(json.dumps({"years": years, "ratio": ratio}, indent=2))
    else:
        print(f"a loan among {largest['loans']} costs {ratio:.2f} times as much as one among {years[0]['loans']}")
    return ExitCode.PASS


def one_year(loans: int) -> dict[str, float | int]:
    """Create this many loans, advance the clock by a year, and return the figures."""
    from mocklend.domain.product import PRODUCTS
    from mocklend.lending import AddBorrower, Borrow
    from mocklend.runtime import Platform
    from mocklend.storage.snapshot import SandboxReader
    from mocklend.storage.work import Idempotency

    with tempfile.TemporaryDirectory(prefix="mocklend-year-") as folder:
        platform = Platform(str(Path(folder) / "year.db"), fast=True)
        sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=START_MS)
        who = platform.run(AddBorrower(sandbox.id, "ada", "Ada", 10**15)).body["id"]
        product = PRODUCTS["jiebei-like"]
        for start in range(0, loans, AT_ONCE):
            waiting = [
                platform.writer.submit(
                    Borrow(
                        sandbox.id, Idempotency(f"loan-{n}", ""), who, 100_000, "CNY", product, None, None, n % 2 == 0
                    )
                )
                for n in range(start, min(start + AT_ONCE, loans))
            ]
            for future in waiting:
                future.result()
        began, began_cpu, released = time.monotonic(), time.process_time(), 0
        for to_ms in range(START_MS + STEP_MS, START_MS + YEAR_MS + 1, STEP_MS):
            released += platform.advance(sandbox.id, to_ms).total
        took, took_cpu = time.monotonic() - began, time.process_time() - began_cpu
        with platform.read() as connection:
            sql = "SELECT COUNT(*) FROM transactions WHERE sandbox_id = :sandbox_id"
            transactions = SandboxReader(connection, sandbox.id).number(sql)
        platform.close()
    return {
        "loans": loans,
        "year_s": round(took, 1),
        "ms_per_loan": round(took * 1000 / loans, 2),
        "cpu_ms_per_loan": round(took_cpu * 1000 / loans, 2),
        "released": released,
        "transactions": transactions,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    sys.exit(main())

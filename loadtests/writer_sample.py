"""Measures the writer's cost with the imported code: processor time per command, by kind, as JSON on one line.

    python writer_sample.py LOANS

It borrows, orders three repayments for each loan, and advances the clock by a day after each round, so that each kind
of command is decided, flushed and committed on SQLite as in a server. Loans and orders come in groups of TOGETHER. A
group of commands of one kind is timed as a whole, by the processor time of its thread. `scripts/writer` runs this with
the code of two commits, so it uses HTTP and only names that both have.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

ROUNDS = 3
TOGETHER = 64
COMMANDS = {
    "borrow": ("Borrow",),
    "repay": ("Repay",),
    "settlement": ("SettleTrade",),
    "callback with booking": ("AttemptCallback",),
}
"""Each kind of command, and the names that its class has or had."""


def main(loans: int) -> dict[str, float]:
    """Run the story, and return the microseconds per command, by kind."""
    writer = import_module("mocklend.writer").Writer
    took: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
    original = writer._commit_group

    def timed(self: Any, group: Any) -> Any:
        began = time.thread_time()
        outcomes = original(self, group)
        seconds = time.thread_time() - began
        kinds = Counter(type(command).__name__ for command, _ in group)
        kinds.pop("MoveClock", None)
        if len(kinds) == 1:
            [(kind, count)] = kinds.items()
            took[kind][0] += count
            took[kind][1] += seconds
        return outcomes

    writer._commit_group = timed
    with tempfile.TemporaryDirectory() as folder:
        _run_story(Path(folder, "writer.db"), loans)
    return {
        name: took[kind][1] / took[kind][0] * 1e6 for name, kinds in COMMANDS.items() for kind in kinds if kind in took
    }


def _run_story(database: Path, loans: int) -> None:
    try:
        runtime = import_module("mocklend.runtime").Platform
    except ModuleNotFoundError:
        runtime = import_module("mocklend.lender").Lender
    app, config = import_module("mocklend.app"), import_module("mocklend.config")
    platform = runtime(str(database), None, delivers=False)
    wsgi = app.create_app(config.Settings(default_seed=7), platform)

    def ask(path: str, body: dict[str, Any], key: str | None = None) -> Any:
        headers = {"Idempotency-Key": uuid.uuid4().hex} | ({"Authorization": f"Bearer {key}"} if key else {})
        answer = wsgi.test_client().post(path, json=body, headers=headers)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json()

    clock = {"mode": "manual", "now": "2026-01-05T02:00:00Z"}
    sandbox = ask("/-/sandboxes", {"seed": 3, "clock": clock})
    key = sandbox["api_key"]

    def ask_together(paths: list[str], body: dict[str, Any]) -> Iterator[Any]:
        """The answers to one request for each path; the writer gets TOGETHER of them at once."""
        with ThreadPoolExecutor(TOGETHER) as threads:
            for start in range(0, len(paths), TOGETHER):
                part = paths[start : start + TOGETHER]
                with platform.writer.holding(sandbox["id"]):
                    answers = [threads.submit(ask, path, body, key) for path in part]
                    while len(platform.writer._held[sandbox["id"]]) < len(part):
                        time.sleep(0.001)
                yield from (answer.result() for answer in answers)

    borrower = ask("/v1/borrowers", {"reference": "ada", "name": "Ada", "credit_limit_minor": 10**12}, key)["id"]
    loan = {"borrower_id": borrower, "principal_minor": 100_000, "product_id": "jiebei-like"}
    ids = [answer["id"] for answer in ask_together(["/v1/loans"] * loans, loan)]
    ask("/-/clock/advance", {"by": "PT1H"}, key)
    order = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
    for _ in range(ROUNDS):
        list(ask_together([f"/v1/loans/{id}/repayments" for id in ids], order))
        ask("/-/clock/advance", {"by": "P1D"}, key)
    platform.close()


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))

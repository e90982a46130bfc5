"""What the writer's work costs with the code that is imported: processor time a command, by kind, as JSON on a line.

    python writer_sample.py LOANS

It borrows, orders three repayments for each loan, and lets a day pass after each round: so every kind of command is
decided, flushed and committed on SQLite as a server does it. A group of commands of one kind is timed as a whole, by
the processor time of its thread. `scripts/writer` runs this with the code of two commits, so it asks by HTTP and knows
only what both have.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from importlib import import_module
from pathlib import Path
from typing import Any

ROUNDS = 3
COMMANDS = {
    "borrow": ("Borrow",),
    "repay": ("Repay",),
    "settlement": ("SettleTrade",),
    "callback with booking": ("AttemptCallback",),
}
"""Each kind, and what its class has been called."""


def main(loans: int) -> dict[str, float]:
    """Microseconds a command."""
    writer = import_module("mocklend.writer").Writer
    took: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
    honest = writer._commit_group

    def timed(self: Any, asked: Any) -> Any:
        began = time.thread_time()
        outcomes = honest(self, asked)
        seconds = time.thread_time() - began
        kinds = Counter(type(command).__name__ for command, _ in asked)
        kinds.pop("MoveClock", None)
        if len(kinds) == 1:
            [(kind, count)] = kinds.items()
            took[kind][0] += count
            took[kind][1] += seconds
        return outcomes

    writer._commit_group = timed
    with tempfile.TemporaryDirectory() as folder:
        _tell(Path(folder, "writer.db"), loans)
    return {
        name: took[kind][1] / took[kind][0] * 1e6 for name, kinds in COMMANDS.items() for kind in kinds if kind in took
    }


def _tell(database: Path, loans: int) -> None:
    try:
        runtime = import_module("mocklend.runtime").Platform
    except ModuleNotFoundError:
        runtime = import_module("mocklend.lender").Lender
    app, config = import_module("mocklend.app"), import_module("mocklend.config")
    platform = runtime(str(database), None, delivers=False)
    http = app.create_app(config.Settings(default_seed=7), platform).test_client()

    def ask(path: str, body: dict[str, Any], key: str | None = None) -> Any:
        headers = {"Idempotency-Key": uuid.uuid4().hex} | ({"Authorization": f"Bearer {key}"} if key else {})
        answer = http.post(path, json=body, headers=headers)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json()

    clock = {"mode": "manual", "now": "2026-01-05T02:00:00Z"}
    key = ask("/-/sandboxes", {"seed": 3, "clock": clock})["api_key"]
    borrower = ask("/v1/borrowers", {"reference": "ada", "name": "Ada", "credit_limit_minor": 10**12}, key)["id"]
    loan = {"borrower_id": borrower, "principal_minor": 100_000, "product_id": "jiebei-like"}
    ids = [ask("/v1/loans", loan, key)["id"] for _ in range(loans)]
    ask("/-/clock/advance", {"by": "PT1H"}, key)
    order = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
    for _ in range(ROUNDS):
        for id in ids:
            ask(f"/v1/loans/{id}/repayments", order, key)
        ask("/-/clock/advance", {"by": "P1D"}, key)
    platform.close()


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))

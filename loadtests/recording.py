"""Runs the story of the 32 borrowers for each seed, and writes all its results to files, for `scripts/same` to compare.

    OUT/seed-7/answers.jsonl      the answers to all requests, in order
    OUT/seed-7/answer-key.jsonl   the answer key, as exported
    OUT/seed-7/journal.jsonl      the books, one transaction per line
    OUT/seed-7/audit.json         discrepancies, what is in transit, open entries without a discrepancy
    OUT/seed-7/statements/        each channel's statements, one file per format and day

One client makes all requests, so that their order is fixed. Every installed kind of fault is armed, each with one of
the selections that `scripts/determinism` uses. It runs the code of the given tree. Its imports are the names of its own
commit, which is why `scripts/same` takes each commit's own recording.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mocklend.client import Client, Doc, Exchange

NEIGHBOURS = 32
STATEMENT_DAYS = [date(2026, 1, 4) + timedelta(days=day) for day in range(66)]
"""From the day before the story's first to the day after its last."""
EARLIER = {"channel.payment_return": "channel.late_failure"}
"""Kinds that had another name: their rules keep it as their id, because the random choices depend on it."""
ROWS_MAX = 500
TURNS_MAX = 1_000


def main() -> None:
    """Write one folder of files for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, help="the checkout whose code is run")
    parser.add_argument("out", type=Path, help="the folder for the recordings")
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--without", metavar="KIND", action="append", default=[], help="a kind of fault to leave out")
    options = parser.parse_args()
    sys.path.insert(0, str(options.tree / "tests"))
    logging.disable(logging.CRITICAL)  # The server logs waiting requests and answers that break off.

    import mocklend
    from mocklend.local import local_platform

    imported = Path(mocklend.__file__).resolve()
    if not imported.is_relative_to(options.tree.resolve()):
        sys.exit(f"the imported code is {imported}, which is not in {options.tree}")
    with local_platform() as url:
        for seed in options.seeds:
            record(url, seed, options.out / f"seed-{seed}", without=options.without)
            print(f"seed {seed} is recorded", flush=True)


def rules_of(seed: int, without: Collection[str] = ()) -> dict[str, Doc]:
    """A rule for each kind of fault except `without`. The seed determines which selection each rule has."""
    from identity.determinism_run import SELECTIONS
    from mocklend_faults.engine.catalogue import installed
    from support.concurrent_stories import rule_of

    rules = {}
    for n, kind in enumerate(sorted(installed())):
        if kind in without:
            continue  # `n` still counts it, so the selections of the others do not change.
        more = SELECTIONS[(n + seed) % len(SELECTIONS)]
        select = {"probability": 0.5} | more.get("select", {})
        rules[EARLIER.get(kind, kind)] = rule_of(kind, **select) | {"activate": more.get("activate", {})}
    return rules


def record(url: str, seed: int, folder: Path, without: Collection[str] = ()) -> None:
    """Run the story in a sandbox of its own, and write its results to a folder."""
    from mocklend.client import Client
    from support.concurrent_stories import START, STORY, TIMEOUT_S, Neighbour

    with Client(url, timeout_s=TIMEOUT_S) as anyone:
        teller = anyone.sandbox(seed=seed, now=START, four_eyes_above_minor=4_000)
    for rule_id, rule in rules_of(seed, without).items():
        teller.put_rule(rule_id, rule)
    people = [Neighbour(url, teller.api_key, number) for number in range(NEIGHBOURS)]
    answers: list[Doc] = []
    for person in people:
        person.client.on_exchange = _noting(person.name, answers)
    try:
        for chapter, pause in STORY:
            for person in people:
                chapter(person)
            teller.advance(pause.get("by"), to=pause.get("to"))
        _write(folder / "answers.jsonl", answers)
        key = b"".join(line + b"\n" for line in teller.answer_key_lines())
        (folder / "answer-key.jsonl").write_text(_by_kind(key.decode()), encoding="utf-8")
        _write(folder / "journal.jsonl", _journal(teller))
        _write(folder / "audit.json", [teller.audit()])
        _write_statements(teller, folder / "statements")
    finally:
        for person in people:
            person.client.close()
        teller.delete_sandbox()
        teller.close()


def _noting(name: str, answers: list[Doc]) -> Callable[[Exchange], None]:
    """A hook that appends each answer. Of a refusal only the code is kept, because its sentences may be reworded."""

    def note(exchange: Exchange) -> None:
        answer = exchange.answer if exchange.status < 300 else {"code": exchange.answer.get("code")}
        asked = f"{exchange.method} {exchange.path}"
        answers.append({"neighbour": name, "asked": asked, "status": exchange.status, "answer": answer})

    return note


def _journal(teller: Client) -> Iterator[Doc]:
    for n, transaction in enumerate(teller.every("transactions", limit=ROWS_MAX)):
        assert n < TURNS_MAX * ROWS_MAX, f"the journal has more than {TURNS_MAX} pages, or its cursors go in a circle"
        yield transaction


def _write_statements(teller: Client, folder: Path) -> None:
    from mocklend.client import ProblemError

    folder.mkdir(parents=True)
    for channel in sorted(row["id"] for row in teller.channels()["channels"]):
        for kind in sorted(row["id"] for row in teller.statement_formats(channel)["formats"]):
            for day in STATEMENT_DAYS:
                try:
                    file = teller.statement(channel, str(day), format=kind)
                except ProblemError as problem:
                    file = f"{problem.status} {problem.code}\n".encode()
                (folder / f"{channel}-{kind}-{day}").write_bytes(file)


def _write(path: Path, documents: Iterable[Doc]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n" for document in documents)
    path.write_text(_by_kind("".join(lines)), encoding="utf-8")


def _by_kind(text: str) -> str:
    """The text with the present names of kinds in the place of rule ids."""
    for kind, earlier in EARLIER.items():
        text = text.replace(f'"{earlier}"', f'"{kind}"')
    return text


if __name__ == "__main__":
    main()

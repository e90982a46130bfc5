"""The database of a release as text, for tests: its tables, a few stories with faults, and their answer key.

    PYTHONPATH=tests .venv/bin/python tests/support/frozen_database.py 0.1.0

writes them, and the texts of the first revision beside their scripts. It is run before a release, never after: then
the files are what a database of that release is like. See docs/releasing.md.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer
from mocklend.storage.ddl import ddl
from mocklend.storage.parts import MAKE_VERSIONS, PARTS
from support.story import MONDAY_MS

FROZEN = Path(__file__).resolve().parent.parent / "storage" / "frozen"
ENGINES = ("sqlite", "postgresql")
FAULTS: dict[str, Doc] = {
    "lag": {"fault": "cache.bounded_stale", "with": {"lag_s": 86_400}},
    "drop": {"fault": "callback.dropped", "select": {"every": 2}},
    "wrong": {"fault": "operator.wrong_amount"},
}


def statements(version: str, name: str) -> Iterator[str]:
    """The statements of a file of a release: `sqlite`, `postgresql`, or `rows`."""
    text = (FROZEN / f"{version}.{name}.sql").read_text(encoding="utf-8")
    yield from (part.strip() for part in text.split("\n\n") if part.strip())


def thaw(engine: Engine, version: str) -> None:
    """Fill an empty database as it was in a release."""
    with engine.begin() as connection:
        for name in (engine.dialect.name, "rows"):
            for sql in statements(version, name):
                connection.exec_driver_sql(sql.replace("%", "%%") if engine.dialect.name == "postgresql" else sql)


def key_and_audit(platform: Platform) -> tuple[Doc, Doc]:
    """The answer key and the audit of the sandbox `default`."""
    client = create_app(Settings(), platform).test_client()
    key, audit = (client.get(path).get_json() for path in ("/-/answer-key", "/-/audit"))
    return key, audit


def _tables(dialect: str) -> list[str]:
    """The DDL of all parts, as it stands in a file."""
    parts = [_text(sql) for part in PARTS.values() for sql in ddl(dialect, tuple(sorted(part.tables)))]
    return [*parts, f"{MAKE_VERSIONS};"]


def _text(sql: str) -> str:
    text = "\n".join(line.rstrip() for line in sql.strip().splitlines() if line.strip())
    return text.replace(" IF NOT EXISTS ", " ", 1).replace("OR REPLACE TRIGGER", "TRIGGER").replace("\t", "    ") + ";"


def _write(path: Path, parts: list[str]) -> None:
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _told(path: str) -> tuple[list[str], Doc]:
    """The rows of a database in which stories were told, and their answer key."""
    platform = Platform(path, find_layer(), fast=True, real_ms=lambda: MONDAY_MS)
    platform.ensure_default(seed=7)
    client = create_app(Settings(), platform).test_client()

    def ask(method: str, path: str, **body: object) -> Doc:
        answer = client.open(path, method=method, json=body, headers={"Idempotency-Key": f"{method} {path} {body}"})
        assert answer.status_code < 300, answer.text
        asked: Doc = answer.get_json()
        return asked

    ask("PUT", "/-/clock", mode="manual")
    for id, rule in FAULTS.items():
        ask("PUT", f"/-/rules/{id}", **rule)
    for n, channel in enumerate(("wallet", "bank_card", "bank_transfer")):
        who = ask("POST", "/v1/borrowers", reference=f"b{n}", name="Ada's 张")
        loan = ask("POST", "/v1/loans", borrower_id=who["id"], principal_minor=100_000, product_id="jiebei-like")
        for amount in (9_500, 3_000):
            order = {"amount_minor": amount, "channel": channel, "type": "OVD_AND_CURRENT"}
            ask("POST", f"/v1/loans/{loan['id']}/repayments", **order)
            ask("POST", "/-/clock/advance", by="PT2H")
    ask("POST", "/-/clock/advance", by="P35D")
    key, _ = key_and_audit(platform)
    platform.close()
    with closing(sqlite3.connect(path)) as connection:
        rows = [line for line in connection.iterdump() if line.startswith("INSERT INTO")]
    return rows, key


def main(version: str) -> None:
    """Write the files of a release, and the texts of the parts' first revisions."""
    find_layer()  # Its tables are a part.
    for dialect in ENGINES:
        for part in PARTS.values():
            texts = [_text(sql) for sql in ddl(dialect, tuple(sorted(part.tables)))]
            _write(part.folder / f"{part.revisions[0]}.{dialect}.sql", texts)
        _write(FROZEN / f"{version}.{dialect}.sql", _tables(dialect))
    with tempfile.TemporaryDirectory() as folder:
        rows, key = _told(str(Path(folder, "frozen.db")))
    first = ('"sandboxes"', '"transactions"')  # Others refer to their rows.
    _write(FROZEN / f"{version}.rows.sql", sorted(rows, key=lambda row: row.split()[2].split("(")[0] not in first))
    (FROZEN / f"{version}.key.json").write_text(json.dumps(key, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

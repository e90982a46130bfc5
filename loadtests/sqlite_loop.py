"""The ruler for durable writes: one thread that inserts the rows of an acknowledged repayment, and commits each time.

    python sqlite_loop.py DATABASE SECONDS

DATABASE is one of Mocklend's with at least one repayment that was ordered: its rows in `repayments`, `trades` and
`idempotency` are inserted again and again under new keys, by the plain driver, as durably as the platform commits
(`synchronous=FULL`). It prints the number a second.
"""

from __future__ import annotations

import sqlite3
import sys
import time

RENAMED = {
    "repayments": ("id",),
    "trades": ("id", "repayment_id"),
    "idempotency": ("key",),
}
"""By table, the columns that get a new value each time."""


def main(database: str, seconds: float) -> float:
    """Insert for some seconds; return how many a second."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    inserts = []
    for table, renamed in RENAMED.items():
        cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1")
        names = [column[0] for column in cursor.description]
        row = dict(zip(names, cursor.fetchone(), strict=True))
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        inserts.append((sql, row, renamed))
    began, done = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        done += 1
        connection.execute("BEGIN IMMEDIATE")
        for sql, row, renamed in inserts:
            for name in renamed:
                row[name] = f"ruler-{began}-{done}"
            connection.execute(sql, list(row.values()))
        connection.execute("COMMIT")
    return done / took


if __name__ == "__main__":
    print(main(sys.argv[1], float(sys.argv[2])))

"""The stored answers to requests with an Idempotency-Key, which the writer keeps and repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import ENTITIES, statement
from mocklend.storage.work import Loaded

IDEMPOTENCY: Loaded[AnswerRow] = Loaded("idempotency")
"""By idempotency key: fingerprint, HTTP status, body as JSON, time of the answer in ms."""

KEEP_ANSWER = statement(
    "idempotency.insert",
    """INSERT INTO idempotency (sandbox_id, key, fingerprint, status, body, created_ms)
       VALUES (:sandbox_id, :key, :fingerprint, :status, :body, :created_ms)""",
    rank=ENTITIES,
)

KEEP_ANOTHER = statement(
    "idempotency.replace",
    """UPDATE idempotency SET status = :status, body = :body, created_ms = :created_ms
       WHERE sandbox_id = :sandbox_id AND key = :key AND fingerprint = :fingerprint""",
    rank=ENTITIES,
)


class AnswerRow(NamedTuple):
    """A row of `idempotency`."""

    key: str
    fingerprint: str
    status: int
    body: str
    created_ms: int


def load_answers(reader: SandboxReader, keys: Sequence[str]) -> Mapping[str, AnswerRow]:
    """Return what was answered under each idempotency key: fingerprint, status, body, time (ms)."""
    sql = "SELECT key, fingerprint, status, body, created_ms FROM idempotency WHERE sandbox_id = :sandbox_id AND key"
    return {row.key: row for row in reader.rows_in(AnswerRow, sql, keys)}

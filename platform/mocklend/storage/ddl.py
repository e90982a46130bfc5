"""The statements that make tables, indexes and guards, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from sqlalchemy import URL, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.schema import CreateIndex, CreateTable

from mocklend.storage.schema import metadata
from mocklend.storage.tables import BYTEWISE, WHERE

APPEND_ONLY = ("transactions", "postings", "book_facts", "world_facts", "operator_actions")


@cache
def ddl(dialect: str, tables: tuple[str, ...]) -> tuple[str, ...]:
    """The DDL that makes these tables, in a possible order, as far as they are missing; compiled once."""
    compiler = URL.create(dialect).get_dialect()()
    elements: list[CreateTable | CreateIndex] = []
    for table in metadata.sorted_tables:
        if table.name not in tables:
            continue
        elements.append(CreateTable(table, if_not_exists=True))
        elements += [
            CreateIndex(index, if_not_exists=True)
            for index in sorted(table.indexes, key=lambda element: str(element.name))
        ]
    guarded = [table for table in APPEND_ONLY if table in tables]
    made = (
        _bytewise(dialect, element, str(element.compile(dialect=compiler))) + _condition(element)
        for element in elements
    )
    return (*made, *_guards(dialect, guarded))


def _bytewise(dialect: str, element: CreateTable | CreateIndex, sql: str) -> str:
    """The statement with the order of bytes named, where the database's own order may be another one."""
    if dialect == "postgresql" and isinstance(element, CreateIndex):
        for column in element.element.info[BYTEWISE]:
            sql = sql.replace(f", {column}", f', {column} COLLATE "C"', 1)
    return sql


def _condition(element: CreateTable | CreateIndex) -> str:
    where = element.element.info[WHERE] if isinstance(element, CreateIndex) else None
    return f" WHERE {where}" if where else ""


def _guards(dialect: str, tables: list[str]) -> Iterator[str]:
    """Triggers: no update ever, and no delete while the row's sandbox exists. They apply to every connection."""
    sandbox_exists = "EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id)"
    if dialect == "postgresql" and tables:
        yield """
            CREATE OR REPLACE FUNCTION mocklend_refuse() RETURNS trigger AS $$
            BEGIN
                IF TG_OP <> 'DELETE' OR EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id) THEN
                    RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only';
                END IF;
                RETURN OLD;
            END $$ LANGUAGE plpgsql"""
    for table in tables:
        if dialect == "postgresql":
            yield (
                f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION mocklend_refuse()"
            )
            # TRUNCATE would delete the rows of every sandbox without firing the row trigger.
            yield (
                f"CREATE OR REPLACE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION mocklend_refuse()"
            )
            continue
        refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
        yield f"CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END"
        # INSERT OR REPLACE would delete, by any of the keys, without firing the delete trigger.
        exists = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {same_key})" for same_key in _same_keys(table))
        insert = f"BEFORE INSERT ON {table} WHEN {exists}"
        yield f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace {insert} BEGIN {refuse}; END"
        condition = f"WHEN {sandbox_exists}"
        yield f"CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table} {condition} BEGIN {refuse}; END"


def _same_keys(table: str) -> Iterator[str]:
    """For each key of a table, the condition that a new row has the same key as an existing one."""
    constraints, indexes = metadata.tables[table].constraints, metadata.tables[table].indexes
    keys = [
        *(key for key in constraints if isinstance(key, PrimaryKeyConstraint | UniqueConstraint)),
        *(index for index in indexes if index.unique),
    ]
    for key in sorted(keys, key=lambda each: str(each.name)):
        yield " AND ".join(f"{column.name} = NEW.{column.name}" for column in key.columns)

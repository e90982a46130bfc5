"""The fault layer's tables, and the statements that write them in the platform's own commit.

    rulesets      a sandbox's rules, as one document: they change seldom and are read together
    rule_counts   the counts of each evaluated rule: evaluated, matched, selected, injected
    seam_counts   how many events rules were skipped for, by seam and version of the rules (see `counting`)
    injections    one row for each injection: the answer key
    request_numbers  the number of each entity's latest request, if several processes serve the database
    endings       which signal of the platform ends which injection, and how

At most one injection is open for a (finding class, entity) at any time, which a unique index enforces. The statements
run in the order in which they are declared, so an entry may be opened, ended and followed by another in one group.
"""

from __future__ import annotations

from msgspec import Struct

from mocklend.storage.statements import LAYER, statement
from mocklend.storage.tables import Index, table_of


class RuleCount(Struct, frozen=True):
    """The counts of a rule in one revision."""

    rule: str
    revision: int  # a replaced rule starts its counts from 0
    evaluated: int
    matched: int
    selected: int
    injected: int


class SeamCount(Struct, frozen=True):
    """How many events rules were skipped for at a seam."""

    seam: str
    version: int  # of the sandbox's rules
    evaluated: int


class InjectionRow(Struct, frozen=True):
    """An injection: a row of the answer key."""

    id: str
    rule: str
    revision: int
    fault: str
    seam: str
    entity: str
    loan_id: str
    occurrence: int
    at_ms: int
    effect: str
    truth_before: str  # JSON, as are the next two
    truth_after: str
    served: str
    currency: str
    finding_class: str
    finding_entity: str
    finding_amount_minor: int
    expect: str  # JSON: what the rule's author expects, where it differs from the seam
    from_ms: int  # from when it is visible
    until_ms: int | None  # when it ends by itself
    status: str  # as of ended_ms; until then, active
    ended_by: str | None  # a signal, an injection, or `itself`
    ended_ms: int | None


class RequestNumber(Struct, frozen=True):
    """How many requests about an entity came while a rule was at their seam. Only if several processes count them."""

    entity: str
    number: int


class Ending(Struct, frozen=True):
    """A signal that ends an injection, and the status that it gets."""

    signal: str
    injection: str
    status: str


table_of("rule_counts", RuleCount, key=("rule", "revision"))
table_of("request_numbers", RequestNumber, key=("entity",))
table_of("seam_counts", SeamCount, key=("seam", "version"))
injections = table_of(
    "injections",
    InjectionRow,
    Index("loan_id"),
    Index("at_ms"),  # the canonical order begins with it
    Index("rule", "at_ms"),  # the same order, of one rule
    Index("rule", "revision", "entity"),
    # What is open now: neither those that have ended by themselves nor those of other loans are passed over.
    Index("until_ms", "from_ms", where="ended_ms IS NULL"),
    Index("loan_id", "until_ms", "from_ms", where="ended_ms IS NULL"),
    Index("finding_class", "finding_entity", where="ended_ms IS NULL", unique_as="uq_injections_open"),
)
table_of("endings", Ending, Index("injection"), key=("signal", "injection"))

OPEN = statement(
    "injections.open",
    f"""INSERT INTO injections ({", ".join(column.name for column in injections.columns)})
        VALUES ({", ".join(":" + column.name for column in injections.columns)})""",
    rank=LAYER,
)

END_ON = statement(
    "endings.insert",
    """INSERT INTO endings (sandbox_id, signal, injection, status)
       VALUES (:sandbox_id, :signal, :injection, :status)""",
    rank=LAYER,
)

# An injection whose lag is over stays healed, as of the end of the lag.
SUPERSEDE = statement(
    "injections.supersede",
    """UPDATE injections
       SET status = CASE WHEN until_ms <= :now_ms THEN 'healed' ELSE 'superseded' END,
           ended_by = CASE WHEN until_ms <= :now_ms THEN 'itself' ELSE :newer END,
           ended_ms = CASE WHEN until_ms <= :now_ms THEN until_ms ELSE :now_ms END
       WHERE sandbox_id = :sandbox_id AND finding_class = :finding_class AND finding_entity = :finding_entity
         AND ended_ms IS NULL""",
    rank=LAYER,
)

# A signal may also mean that an injection no longer ends by itself.
_STATUS = """(SELECT endings.status FROM endings WHERE endings.sandbox_id = :sandbox_id
              AND endings.signal = :signal AND endings.injection = injections.id)"""
END = statement(
    "injections.end",
    f"""UPDATE injections
       SET status = {_STATUS},
           until_ms = CASE WHEN {_STATUS} = 'active' THEN NULL ELSE until_ms END,
           ended_by = CASE WHEN {_STATUS} = 'active' THEN ended_by ELSE :signal END,
           ended_ms = CASE WHEN {_STATUS} = 'active' THEN ended_ms ELSE :now_ms END
       WHERE sandbox_id = :sandbox_id AND ended_ms IS NULL AND (until_ms IS NULL OR until_ms > :now_ms)
         AND id IN (SELECT endings.injection FROM endings
                    WHERE endings.sandbox_id = :sandbox_id AND endings.signal = :signal)""",
    rank=LAYER,
)

COUNT = statement(
    "rule_counts.add",
    """INSERT INTO rule_counts (sandbox_id, rule, revision, evaluated, matched, selected, injected)
       VALUES (:sandbox_id, :rule, :revision, :evaluated, :matched, :selected, :injected)
       ON CONFLICT (sandbox_id, rule, revision) DO UPDATE
       SET evaluated = rule_counts.evaluated + excluded.evaluated,
           matched = rule_counts.matched + excluded.matched,
           selected = rule_counts.selected + excluded.selected,
           injected = rule_counts.injected + excluded.injected""",
    rank=LAYER,
)

SEAM_COUNT = statement(
    "seam_counts.add",
    """INSERT INTO seam_counts (sandbox_id, seam, version, evaluated)
       VALUES (:sandbox_id, :seam, :version, :evaluated)
       ON CONFLICT (sandbox_id, seam, version) DO UPDATE
       SET evaluated = seam_counts.evaluated + excluded.evaluated""",
    rank=LAYER,
)

NEXT_NUMBER = """INSERT INTO request_numbers (sandbox_id, entity, number)
    SELECT id, :entity, 1 FROM sandboxes WHERE id = :sandbox_id
    ON CONFLICT (sandbox_id, entity) DO UPDATE SET number = request_numbers.number + 1 RETURNING number"""
RULESET = "SELECT doc FROM rulesets WHERE sandbox_id = :sandbox_id"
COUNTS = """SELECT rule, revision, evaluated, matched, selected, injected FROM rule_counts
            WHERE sandbox_id = :sandbox_id"""
SEAM_COUNTS = "SELECT seam, version, evaluated FROM seam_counts WHERE sandbox_id = :sandbox_id"
ON_ENTITY = """SELECT entity, COUNT(*) FROM injections
               WHERE sandbox_id = :sandbox_id AND rule = :rule AND revision = :revision GROUP BY entity"""
ON_ONE_ENTITY = """SELECT COUNT(*) FROM injections
                   WHERE sandbox_id = :sandbox_id AND rule = :rule AND revision = :revision AND entity = :entity"""
INJECTED = "SELECT SUM(injected) FROM rule_counts WHERE sandbox_id = :sandbox_id"
# In two branches, so that each is one range of the index.
_OPEN_FOR_GOOD = """FROM injections WHERE sandbox_id = :sandbox_id AND ended_ms IS NULL
        AND until_ms IS NULL AND from_ms <= :now_ms LIMIT :most"""
_OPEN_FOR_A_WHILE = """FROM injections WHERE sandbox_id = :sandbox_id AND ended_ms IS NULL
        AND until_ms > :now_ms AND from_ms <= :now_ms LIMIT :most"""
OPEN_NOW = f"""SELECT COUNT(*) FROM (
    SELECT * FROM (SELECT 1 AS one {_OPEN_FOR_GOOD}) AS for_good
    UNION ALL SELECT * FROM (SELECT 1 AS one {_OPEN_FOR_A_WHILE}) AS for_a_while) AS open_now"""
OPEN_BY = f"""SELECT rule, finding_class, COUNT(*) FROM (
    SELECT * FROM (SELECT rule, finding_class {_OPEN_FOR_GOOD}) AS for_good
    UNION ALL SELECT * FROM (SELECT rule, finding_class {_OPEN_FOR_A_WHILE}) AS for_a_while) AS open_now
    GROUP BY rule, finding_class ORDER BY rule, finding_class"""
NEWEST_OPEN = f"""SELECT id FROM (
    SELECT * FROM (SELECT id, at_ms {_OPEN_FOR_GOOD}) AS for_good
    UNION ALL SELECT * FROM (SELECT id, at_ms {_OPEN_FOR_A_WHILE}) AS for_a_while) AS open_now
    ORDER BY at_ms DESC, id LIMIT :shown"""
_OPEN = "ended_ms IS NULL AND (until_ms IS NULL OR until_ms > :now_ms) AND from_ms <= :now_ms"
WRONG_LOANS = f"""SELECT DISTINCT loan_id FROM injections
    WHERE sandbox_id = :sandbox_id AND loan_id > :after AND {_OPEN} ORDER BY loan_id LIMIT :most"""
WRONG_AMONG = f"""SELECT loan_id, COUNT(*) FROM injections
    WHERE sandbox_id = :sandbox_id AND {_OPEN} AND loan_id"""
ANY_OPEN = "SELECT 1 FROM injections WHERE sandbox_id = :sandbox_id AND ended_ms IS NULL LIMIT 1"
OPEN_OF_RULE = """SELECT injections.id, finding_class, finding_entity, until_ms, signal, endings.status FROM injections
                  LEFT JOIN endings ON endings.sandbox_id = injections.sandbox_id
                   AND endings.injection = injections.id
                  WHERE injections.sandbox_id = :sandbox_id AND rule = :rule AND ended_ms IS NULL"""
LAST_OCCURRENCES = """SELECT entity, MAX(occurrence) FROM injections
                      WHERE sandbox_id = :sandbox_id AND seam = :seam GROUP BY entity"""

"""The layer's tables as a part of the schema, with revisions of their own."""

from pathlib import Path

from mocklend.storage.parts import SchemaPart, register_part

PART = SchemaPart(
    "faults",
    Path(__file__).parent.parent / "migrations",
    revisions=("faults_0001", "faults_0002"),
    tables=frozenset(
        {
            *("rulesets", "experiments", "rule_counts", "request_numbers", "seam_counts", "injections", "endings"),
            *("hand_ins", "kept_scores"),
        }
    ),
)
register_part(PART)

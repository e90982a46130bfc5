"""The layer's tables as a part of the schema, with revisions of their own."""

from pathlib import Path

from mocklend.storage.parts import SchemaPart, register_part

PART = SchemaPart(
    "faults",
    Path(__file__).parent.parent / "migrations",
    revisions=("faults_0001",),
    tables=frozenset(
        {
            *("rulesets", "experiments", "rule_counts", "request_numbers", "seam_counts", "injections", "endings"),
            *("hand_ins", "kept_scores", "classes", "class_groups"),
        }
    ),
)
register_part(PART)

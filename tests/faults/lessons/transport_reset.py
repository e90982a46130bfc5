"""Ada looks at her loan, and the connection is reset, and not a byte has come: that is what she is answered."""

from support import paired_runs

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = paired_runs.looks_twice

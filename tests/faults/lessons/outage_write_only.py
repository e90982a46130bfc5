"""Ada can see what she owes, and cannot pay it."""

from support import paired_runs

MATCH = {"operation": "repay"}
SELECT = {"times": 1}

story = paired_runs.pays_again

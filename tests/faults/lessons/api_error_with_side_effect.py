"""Ada orders a repayment, it is ordered, and she is told 500."""

from support import paired_runs

MATCH = {"operation": "repay"}
SELECT = {"times": 1}

story = paired_runs.pays_again

"""Ada wants to pay through the wallet, and the wallet is down."""

from support import paired_runs

SETTINGS = {"channel": "wallet"}
MATCH = {"operation": "repay"}
SELECT = {"times": 1}

story = paired_runs.pays_again

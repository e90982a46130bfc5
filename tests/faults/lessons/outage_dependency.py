"""Ada wants to pay through the wallet, and the wallet is down."""

import twins

SETTINGS = {"channel": "wallet"}
MATCH = {"operation": "repay"}
SELECT = {"times": 1}

story = twins.pays_again

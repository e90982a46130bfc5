"""Ada's app asks once too often."""

import twins

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = twins.looks_twice

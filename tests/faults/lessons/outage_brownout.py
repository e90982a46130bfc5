"""Ada looks at her loan while everybody else does."""

import twins

SETTINGS = {"delay_ms": 1, "errors_percent": 100}
MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = twins.looks_twice

"""Ada looks at her loan while the platform is down."""

import twins

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = twins.looks_twice

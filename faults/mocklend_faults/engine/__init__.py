"""What arms faults, decides whom they hit and keeps the answer key."""

from mocklend_faults.engine.commands import Ruleset
from mocklend_faults.engine.experiments import Started
from mocklend_faults.engine.layer import FaultLayer

__all__ = ["TABLES", "FaultLayer"]

TABLES = (Ruleset, Started)
"""What the layer keeps in the platform's database. Each class declares its table, so all are named here."""

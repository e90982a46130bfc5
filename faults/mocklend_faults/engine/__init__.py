"""What arms faults, decides whom they hit and keeps the answer key."""

from mocklend_faults.engine import experiments  # noqa: F401  (its table is made with all others)
from mocklend_faults.engine.layer import FaultLayer

__all__ = ["FaultLayer"]

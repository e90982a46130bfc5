"""What arms faults, decides whom they hit and keeps the answer key."""

from mocklend_faults.engine.layer import FaultLayer

__all__ = ["FaultLayer"]

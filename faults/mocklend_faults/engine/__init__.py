"""The fault engine: arms rules, decides which events they change, and keeps the answer key."""

from mocklend_faults.engine.classes import ClassRow, GroupRow
from mocklend_faults.engine.commands import Ruleset
from mocklend_faults.engine.experiments import StartedExperiment
from mocklend_faults.engine.kept_scores import HandIns, KeptScore
from mocklend_faults.engine.layer import FaultLayer
from mocklend_faults.engine.part import PART

__all__ = ["PART", "TABLES", "FaultLayer"]

TABLES = (Ruleset, StartedExperiment, HandIns, KeptScore, ClassRow, GroupRow)
"""The layer's rows in the platform's database. Importing a class declares its table, so all are imported here."""

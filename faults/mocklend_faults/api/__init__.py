"""The fault layer's endpoints under /-/, one module per noun, built as the platform builds its own."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint

from mocklend.storage.snapshot import PlatformLayer
from mocklend_faults.api.answer_key import answer_key
from mocklend_faults.api.classes import classes_api
from mocklend_faults.api.experiments import experiments
from mocklend_faults.api.explain import explanations
from mocklend_faults.api.header import header
from mocklend_faults.api.kinds import kinds
from mocklend_faults.api.metrics import metrics
from mocklend_faults.api.profiles import profiles
from mocklend_faults.api.rules import rules
from mocklend_faults.api.scores import scores
from mocklend_faults.engine.layer import FaultLayer

BLUEPRINTS = (metrics, header, kinds, rules, answer_key, scores, profiles, experiments, explanations, classes_api)


def blueprints(layer: PlatformLayer) -> Sequence[Blueprint]:
    """The blueprints of an app with this layer; none for another layer. See `mocklend.blueprints`. Raises BadKind."""
    if not isinstance(layer, FaultLayer):
        return ()
    _ = layer.catalogue  # A kind that is not valid is reported now, not by the first rule.
    return BLUEPRINTS

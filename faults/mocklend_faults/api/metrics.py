"""Registers the fault layer's metrics with the app that serves it, for GET /-/metrics."""

from __future__ import annotations

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from mocklend.api import request_context
from mocklend.api.metrics import OF_TRUTH
from mocklend_faults.api.this_layer import layer_of
from mocklend_faults.engine.metrics import watch

metrics = Blueprint("fault_metrics", __name__)


@metrics.record_once
def add_to(state: BlueprintSetupState) -> None:
    """Register the metrics of this app's layer."""
    platform = state.app.extensions[request_context.EXTENSION].platform
    watch(state.app.extensions[OF_TRUTH], platform, layer_of(platform).counted_outcomes)

"""/-/experiments: plans of stages, each with rules or a profile."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.documents import document
from mocklend.api.json_body import asked_request
from mocklend.api.openapi import operation
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.nouns import says
from mocklend_faults.api.rules import RULE
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.experiments import (
    DeleteExperiment,
    Experiment,
    ExperimentBody,
    ExperimentDoc,
    PutExperiment,
    experiment_document,
    refuse_too_many,
    started_of,
    unknown,
)
from mocklend_faults.engine.loaded_rules import stored_of

experiments = APIBlueprint("experiments", __name__, tag="Faults")

PLAN = {"stages": [{"name": "storm", "duration_s": 600, "rules": {"pages": RULE}}]}
A_PLAN = {"experiment_id": "storm"}
"""Examples of the documentation."""


class NewExperiment(ExperimentBody):
    """A plan: stages that follow each other, each with a name, a duration, and rules or a profile."""


class ExperimentList(TypedDict):
    """The sandbox's experiments."""

    experiments: Annotated[list[ExperimentDoc], says("The experiments, by their ids.")]


@experiments.get("/-/experiments")
@experiments.output(document(ExperimentList))
@experiments.doc(**operation("listExperiments"))
def list_experiments() -> Response:
    """Every experiment, with its stages and the running one."""
    return rendered(ExperimentList(experiments=_experiments()))


@experiments.get("/-/experiments/<id:experiment_id>")
@experiments.output(document(ExperimentDoc))
@experiments.doc(**operation("getExperiment", "experiment_unknown", parameters=A_PLAN))
def get_experiment(experiment_id: str) -> Response:
    """An experiment, with its stages and the running one."""
    return rendered(_experiment(experiment_id))


@experiments.put("/-/experiments/<id:experiment_id>")
@experiments.input(NewExperiment, arg_name="new")
@experiments.output(document(ExperimentDoc), status_code=201)
@experiments.doc(
    **operation(
        "putExperiment", "fault_unknown", "profile_unknown", "too_many_rules", "too_many_experiments",
        may_be_200=True, example=PLAN, parameters=A_PLAN,
    )
)  # fmt: skip
def put_experiment(experiment_id: str, new: NewExperiment) -> Response:
    """Start an experiment now. Sending the same plan again changes nothing; a changed plan starts again."""
    plan = Experiment.from_json(experiment_id, asked_request().get_json(), fault_layer().catalogue)
    refuse_too_many(experiment["id"] for experiment in _experiments() if experiment["id"] != experiment_id)
    answer = run(PutExperiment(sandbox_id(), plan))
    return rendered(_experiment(experiment_id), answer.status)


@experiments.delete("/-/experiments/<id:experiment_id>")
@experiments.output({}, status_code=204)
@experiments.doc(**operation("deleteExperiment", "experiment_unknown", parameters=A_PLAN))
def delete_experiment(experiment_id: str) -> Response:
    """Delete an experiment and its rules."""
    _experiment(experiment_id)  # Raises a refusal that suggests an id.
    return answered(run(DeleteExperiment(sandbox_id(), experiment_id)))


def _experiments() -> list[ExperimentDoc]:
    with open_snapshot() as snapshot:
        stored = stored_of(snapshot)
        return [experiment_document(started, snapshot.now_ms, stored) for started in started_of(snapshot)]


def _experiment(id: str) -> ExperimentDoc:
    experiments = {experiment["id"]: experiment for experiment in _experiments()}
    if id not in experiments:
        raise unknown(id, experiments)
    return experiments[id]

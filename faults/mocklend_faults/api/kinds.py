"""GET /-/faults: the installed kinds of fault."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import Doc
from mocklend.api.openapi import operation
from mocklend.api.responses import rendered
from mocklend_faults.api.this_layer import fault_layer

kinds = APIBlueprint("faults", __name__)


class SettingDoc(Doc):
    """A setting of a kind."""

    name: str = Field(description="The setting's name in `with`.")
    type: str = Field(description="Its type and its bounds or options, in words.")
    default: int | str | None = Field(description="Its value if it is not given.")
    doc: str = Field(description="What it means, with its unit.")


class FaultDoc(Doc):
    """A kind of fault: its story, the seams where it acts, its settings, and the finding class that it causes."""

    id: str = Field(description="The kind's name, the `fault` of a rule.")
    story: str = Field(description="What goes wrong, and why.")
    seams: list[str] = Field(description="The seams where the kind acts.")
    settings: list[SettingDoc] = Field(description="The settings in a rule's `with`.")
    finding: str = Field(description="The finding class that a reconciler should report.")
    precondition: str = Field(description="What has to happen for this fault to act.")
    symptom: dict[str, str] = Field(description="What each wrong view shows, by view; the others are right.")
    heals: str = Field(description="What ends the difference: time, a later event, or a repair.")
    action: str = Field(description="What a correct reconciler does.")


class FaultList(Doc):
    """Every installed kind of fault."""

    faults: list[FaultDoc] = Field(description="The kinds, by name.")


@kinds.get("/-/faults")
@kinds.output(FaultList)
@kinds.doc(**operation("listFaults"))
def list_faults() -> Response:
    """The kinds of fault, with their settings."""
    return rendered({"faults": [kind.describe() for kind in fault_layer().catalogue.values()]})

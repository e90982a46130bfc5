"""/-/profile and /-/profiles: sets of rules that are armed together."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, WithJsonSchema

from mocklend.api.fields import Doc, Id
from mocklend.api.openapi import operation
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.nouns import JsonObject
from mocklend.validation import Body, schema_of
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.loaded_rules import stored_of
from mocklend_faults.engine.profiles import GROUP, PutProfile, profile_named, profile_of
from mocklend_faults.engine.profiles import profiles as shipped_profiles
from mocklend_faults.engine.rules import RuleBody

profiles = APIBlueprint("profiles", __name__, tag="Faults")


class NewProfile(Body):
    """The profile to switch to."""

    name: Id = Field(description="The profile's name, one of GET /-/profiles; `none` switches the profile off.")


class ProfileDoc(Doc):
    """The profile that is on, and the ids of its rules."""

    name: str = Field(description="The profile that is on; `none` if no profile is.")
    rules: list[str] = Field(description="The ids of the profile's rules, `<profile>.<id>`.")


class ShippedProfile(Doc):
    """A profile, and what it arms on this server."""

    name: str = Field(description="The profile's name, as PUT /-/profile takes it.")
    title: str = Field(description="The profile's title.")
    story: str = Field(description="What goes wrong with it, in a few sentences.")
    rules: list[Annotated[JsonObject, WithJsonSchema(schema_of(RuleBody))]] = Field(
        description="Its rules, as PUT /-/rules/{rule_id} takes them."
    )


class ProfileList(Doc):
    """Every profile, with the rules that it arms here."""

    profiles: list[ShippedProfile] = Field(description="The profiles, by their names.")


@profiles.get("/-/profiles")
@profiles.output(ProfileList)
@profiles.doc(**operation("listProfiles"))
def list_profiles() -> Response:
    """The profiles, with their rules."""
    return rendered({"profiles": [profile.to_json(fault_layer().catalogue) for profile in shipped_profiles().values()]})


@profiles.get("/-/profile")
@profiles.output(ProfileDoc)
@profiles.doc(**operation("getProfile"))
def get_profile() -> Response:
    """The profile that is on."""
    with open_snapshot() as snapshot:
        stored = stored_of(snapshot)
    name = profile_of(stored)
    ids = [rule["id"] for rule in stored if rule.get("group") == f"{GROUP}{name}"]
    return rendered({"name": name, "rules": ids})


@profiles.put("/-/profile")
@profiles.input(NewProfile, arg_name="new")
@profiles.output(ProfileDoc)
@profiles.doc(**operation("putProfile", "profile_unknown", "too_many_rules", example={"name": "realistic"}))
def put_profile(new: NewProfile) -> Response:
    """Switch to a profile. Rules that were armed by hand stay."""
    armed = profile_named(new.name).armed(fault_layer().catalogue, f"{new.name}.")
    return answered(run(PutProfile(sandbox_id(), new.name, tuple(armed))))

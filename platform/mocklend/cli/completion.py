"""Values for the shell's completion."""

from __future__ import annotations

import os

from mocklend.cli.root import DEFAULT_URL


def fault_names() -> list[str]:
    """Return the kinds that are installed here, without asking a server."""
    from importlib.metadata import entry_points

    return sorted(point.name for point in entry_points(group="mocklend.faults"))


def seam_names() -> list[str]:
    from mocklend.seams import SEAMS

    return list(SEAMS)


def scenario_names() -> list[str]:
    from mocklend.scenarios.text import scenarios

    return list(scenarios())


def profile_names() -> list[str]:
    """Return the server's profiles, or none if it does not answer."""
    from mocklend.client import Client

    try:
        with Client(os.environ.get("MOCKLEND_URL", DEFAULT_URL), timeout_s=1) as client:
            return [str(profile["name"]) for profile in client.profiles()["profiles"]]
    except Exception:
        return []


def statuses() -> list[str]:
    return ["active", "healed", "masked", "pending", "superseded"]


def reconciler_names() -> list[str]:
    return ["naive", "thorough"]

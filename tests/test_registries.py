"""What is registered is named in one place: nothing depends on which module is imported first."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

import mocklend
import mocklend_faults
from mocklend import cli, loaders
from mocklend.storage.snapshot import LOADERS
from mocklend.storage.stores import STORES
from mocklend.storage.tables import metadata
from mocklend.storage.work import Entity, Loaded
from mocklend_faults.engine import TABLES

LATE = {"mocklend.testing", "mocklend.__main__"}
"""A plug-in of pytest, and what runs the command."""


def everything() -> list[str]:
    """Every module of both packages."""
    packages = (mocklend, mocklend_faults)
    return [
        module_info.name
        for package in packages
        for module_info in walk_packages(package.__path__, f"{package.__name__}.")
        if module_info.name not in LATE
    ]


def test_every_loaded_entity_has_a_loader_in_the_list() -> None:
    loaders.register_loaders()
    named = {
        value.kind
        for module in everything()
        for value in vars(import_module(module)).values()
        if isinstance(value, Loaded)
    }

    assert named == LOADERS.keys()


def test_a_platform_with_a_layer_knows_every_table_before_it_opens_its_database() -> None:
    for module in everything():
        import_module(module)
    alone = (
        "import json, mocklend.runtime, mocklend_faults.engine\n"
        "from mocklend.storage.stores import STORES\n"
        "from mocklend.storage.tables import metadata\n"
        "print(json.dumps([sorted(STORES), sorted(metadata.tables)]))"
    )

    opened = subprocess.run([sys.executable, "-P", "-c", alone], capture_output=True, text=True, check=True).stdout

    assert json.loads(opened) == [sorted(STORES), sorted(metadata.tables)]


def test_the_layer_names_all_of_its_tables() -> None:
    entities = {
        store.entity_class for store in STORES.values() if store.entity_class.__module__.startswith("mocklend_faults.")
    }

    assert {row for row in TABLES if issubclass(row, Entity)} == entities


def test_a_module_with_commands_is_in_the_list_of_commands() -> None:
    with_commands = {
        module_info.name
        for module_info in walk_packages(cli.__path__)
        if "commands" in vars(import_module(f"mocklend.cli.{module_info.name}"))
    }

    assert with_commands == {module.__name__.rpartition(".")[2] for module in cli.COMMANDS}

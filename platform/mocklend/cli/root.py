"""The command itself, and the server that its subcommands call."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from mocklend.cli.output import refuse
from mocklend.language import Language, accepted

if TYPE_CHECKING:
    from mocklend.client import Client

app = typer.Typer(
    name="mocklend",
    help="A mock consumer-lending platform that misbehaves on purpose, and knows exactly how.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def group(name: str, meaning: str, within: typer.Typer) -> typer.Typer:
    """Add a command that has subcommands: `mocklend NAME …`."""
    group_app = typer.Typer(help=meaning, no_args_is_help=True, rich_markup_mode=None)
    within.add_typer(group_app, name=name)
    return group_app


def _version(requested: bool) -> None:
    if requested:
        from mocklend import __version__

        print(f"mocklend {__version__}")
        raise typer.Exit


InLanguage = Annotated[
    Language | None,
    typer.Option(
        "--language", help="The language that is spoken: en or zh; by default that of the environment (LANG)."
    ),
]


def language_of(chosen: Language | None) -> Language:
    """Return the language that was chosen, or else the environment's, as gettext reads it."""
    if chosen is not None:
        return chosen
    of_place = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return accepted(of_place.partition(".")[0].replace("_", "-"))


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(slots=True)
class Target:
    """The server that the commands call, with its credentials."""

    url: str
    api_key: str | None = None
    control_token: str | None = None
    operator_token: str | None = None
    channel_token: str | None = None
    bureau_token: str | None = None


DEFAULT_URL = "http://127.0.0.1:8300"


PATIENT_S = 3_600
"""The timeout of requests that do much work: a year of many loans, the answer key of a season."""


TARGET = Target(DEFAULT_URL)


@app.callback()
def target(
    url: Annotated[str, typer.Option(envvar="MOCKLEND_URL", help="The platform's URL.")] = DEFAULT_URL,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_API_KEY", help="The sandbox's API key; on loopback, `default` without one."),
    ] = None,
    control_token: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_CONTROL_TOKEN", help="For /-/, if the server is not on loopback."),
    ] = None,
    operator_token: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_OPERATOR_TOKEN", help="For /operator, if the server is not on loopback."),
    ] = None,
    channel_token: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_CHANNEL_TOKEN", help="For /channels, if the server is not on loopback."),
    ] = None,
    bureau_token: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_BUREAU_TOKEN", help="For /bureau, if the server is not on loopback."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Set the server that the commands call."""
    TARGET.url, TARGET.api_key = url, api_key
    TARGET.control_token, TARGET.operator_token = control_token, operator_token
    TARGET.channel_token, TARGET.bureau_token = channel_token, bureau_token


def connect(api_key: str | None = None) -> Client:
    """Return a client of the server, with the key of another sandbox if one is given."""
    from mocklend.client import Client

    try:
        return Client(
            TARGET.url,
            api_key or TARGET.api_key,
            control_token=TARGET.control_token,
            operator_token=TARGET.operator_token,
            channel_token=TARGET.channel_token,
            bureau_token=TARGET.bureau_token,
        )
    except ValueError as error:
        refuse(f"{error}.", "It comes from a flag, or from a MOCKLEND_ variable.")

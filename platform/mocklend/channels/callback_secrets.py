"""The secrets that channels sign their callbacks with: one per sandbox and channel."""

from __future__ import annotations

from mocklend.domain.channel import channels
from mocklend.signing import secret_under
from mocklend.storage.work import Sandbox


def callback_secret(api_key: str, channel_id: str) -> str:
    """The secret that signs a channel's callbacks to one sandbox, in the format of Standard Webhooks."""
    return secret_under(api_key, f"callback:{channel_id}")


def callback_secrets(api_key: str) -> dict[str, str]:
    """The secrets of all channels, which a sandbox stores instead of the API key that they are derived from."""
    return {id: callback_secret(api_key, id) for id in channels()}


def secret_at(sandbox: Sandbox, channel_id: str) -> str:
    """The secret that signs a channel's callbacks to a sandbox.

    A channel that is newer than the sandbox has a secret that no client can derive.
    """
    return sandbox.callback_secrets.get(channel_id) or callback_secret(sandbox.key_hash, channel_id)

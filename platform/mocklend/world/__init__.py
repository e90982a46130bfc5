"""The WORLD: what really happened at the channels, and what operators meant. Only the audit reads it."""

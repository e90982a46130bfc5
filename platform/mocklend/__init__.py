"""Mocklend: a mock consumer-lending platform that misbehaves on purpose, and knows exactly how."""

from importlib.metadata import version

__version__ = version("mocklend")
"""Of the installed distribution, and so as `pyproject.toml` has it: the number stands there and nowhere else."""

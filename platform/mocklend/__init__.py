"""Mocklend: a mock consumer-lending platform that misbehaves on purpose, and knows exactly how."""

__version__ = "0.1.0"

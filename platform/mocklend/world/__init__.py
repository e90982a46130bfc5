"""The WORLD: what really happened at the channels, and what operators intended. Only the audit reads it.

Its table is named only in this package and where it is declared; `pyproject.toml` lists who may import
`record`, which writes it, and who may import `reading`.
"""

WORLD = "world_facts"

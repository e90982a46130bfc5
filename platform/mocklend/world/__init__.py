"""The WORLD: what really happened at the channels, and what operators meant. Only the audit reads it.

Its table is named in this package and where it is declared, nowhere else; `pyproject.toml` lists who may import
`record`, which writes it, and who may import `reading`.
"""

WORLD = "world_facts"

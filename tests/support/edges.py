"""Values at the edge of a JSON Schema, to hold it against the code that reads."""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.domain.nouns import JsonObject


def edges(schema: JsonObject) -> Iterator[object]:
    """Values at the edge of a schema, some within and some without."""
    yield from (None, True, 1.5, "", "x" * 101, [], {}, {"colour": "red"})
    for bound in ("minimum", "maximum"):
        if bound in schema:
            yield from (schema[bound] - 1, schema[bound], schema[bound] + 1)
    yield from schema.get("enum", ())
    for inner in schema.get("anyOf", ()):
        yield from edges(inner)
    for name, inner in schema.get("properties", {}).items():
        needed = {item: schema["properties"][item]["minimum"] for item in schema.get("required", ()) if item != name}
        yield from ({**needed, name: value} for value in edges(inner))

"""Response documents for APIFlask, which takes a pydantic model and calls its `model_json_schema`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, create_model

from mocklend.documents import schema_of


class Answer(BaseModel):
    """A model that only describes a document in OpenAPI. Views return the document itself."""

    document: ClassVar[type[Any]]

    @classmethod
    def model_json_schema(cls, *, ref_template: str, **_: Any) -> dict[str, Any]:  # type: ignore[override]
        """The document's schema. APIFlask names a nested schema `<document>.<part>`, by this template."""
        return schema_of(cls.document, ref_template.replace("{model}", "{name}"))


@cache
def document(of: type[Mapping[str, object]]) -> type[Answer]:
    """The argument of `@blueprint.output` for an operation that answers with this document."""
    model = create_model(of.__name__, __base__=Answer)
    model.document = of
    return model

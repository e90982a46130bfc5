"""Storage: tables, engines, statements and the unit of work. Only this package imports a database driver."""

from mocklend.storage.schema import metadata
from mocklend.storage.statements import statement

__all__ = ["metadata", "statement"]

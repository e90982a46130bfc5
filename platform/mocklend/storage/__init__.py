"""Where the platform keeps things: tables, engines, statements, the unit of work. Nothing else imports a driver."""

from mocklend.storage.schema import metadata
from mocklend.storage.statements import statement

__all__ = ["metadata", "statement"]

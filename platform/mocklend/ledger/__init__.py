"""The BOOKS: an append-only double-entry journal, and the invariants that hold of it whatever goes wrong elsewhere."""

"""The BOOKS: an append-only double-entry journal, and its invariants, which hold under every fault."""

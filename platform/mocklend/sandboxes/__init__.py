"""Sandboxes: a world of its own each, with clock, seed, data, rules and endpoints. Making one is a row."""

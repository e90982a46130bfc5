"""The fault layer: the kinds of fault, the rules that arm them, and the answer key with every injection.

The platform finds the layer through the entry-point group `mocklend.layer`, and the layer finds the kinds through
`mocklend.faults`. The platform does not import this package: without it, the platform runs without faults.
"""

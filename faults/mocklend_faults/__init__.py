"""The fault layer: rules, the faults themselves, and the answer key that says which answers are lies.

The platform finds it through the entry-point group `mocklend.layer` and the kinds through `mocklend.faults`. It never
imports it: with this package away, the platform is honest.
"""

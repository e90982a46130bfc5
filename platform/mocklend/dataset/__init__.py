"""Labelled data: what a reconciler gets of many loans and, apart from it, the answer key, as CSV and Parquet.

        story (seed, loan) ──▶ branch: 1,000 loans on a platform of their own ──▶ reconciler/…  key/…  manifest.json

A branch is played, read, written and deleted before the next begins, so memory and disk stay bounded however many loans
there are. The same seed gives the same bytes.
"""

from mocklend.dataset.making import CannotMake, DatasetOptions, make

__all__ = ["CannotMake", "DatasetOptions", "make"]

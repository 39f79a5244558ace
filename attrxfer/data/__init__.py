"""Data: images in a cache, the sets of a task, and batches."""

from attrxfer.data.batches import batch_rows, uniform
from attrxfer.data.dataset import CachedDataset, labels_key, open_data
from attrxfer.data.layouts import data_table, recognise
from attrxfer.data.sets import Sets, check_task, make_sets, shortcomings

__all__ = [
    "CachedDataset",
    "Sets",
    "batch_rows",
    "check_task",
    "data_table",
    "labels_key",
    "make_sets",
    "open_data",
    "recognise",
    "shortcomings",
    "uniform",
]

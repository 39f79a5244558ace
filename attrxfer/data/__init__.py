"""Data: pictures decoded once into a cache, the sets of a task, and batches as a pure function of their number."""

from attrxfer.data.batches import batch_rows, uniform
from attrxfer.data.cache import cache_folder, temporary_cache
from attrxfer.data.opened import Data, open_data
from attrxfer.data.recognise import data_table, recognise
from attrxfer.data.sets import Sets, make_sets

__all__ = [
    "Data",
    "Sets",
    "batch_rows",
    "cache_folder",
    "data_table",
    "make_sets",
    "open_data",
    "recognise",
    "temporary_cache",
    "uniform",
]

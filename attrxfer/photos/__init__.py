"""Any photo in, the same photo out: subjects are found, cut as the training pictures were, transferred, and put back."""

from attrxfer.photos.locate import finder
from attrxfer.photos.photo import Changed, Photos

__all__ = ["Changed", "Photos", "finder"]

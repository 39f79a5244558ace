"""Any photo in, the same photo out: subjects are found, cut as the training images were, transferred, and put back."""

from attrxfer.media.detection import detector
from attrxfer.media.photos.photo import Changed, Photos

__all__ = ["Changed", "Photos", "detector"]

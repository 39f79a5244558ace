"""Photos: subjects are detected, cut out as the training images were, transferred, and put back."""

from attrxfer.media.detection import load_detector
from attrxfer.media.photos.photo import PhotoCrops, PhotoResult, Photos

__all__ = ["PhotoCrops", "PhotoResult", "Photos", "load_detector"]

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Records


class Without:
    """Leaves out every image that has an attribute; data that do not know it are kept whole.

    attribute: its name.
    """

    def __init__(self, *, attribute: str = "Blurry") -> None:
        self.attribute = attribute

    def keep(self, records: Records) -> NDArray[np.bool_]:
        has = records.attributes.get(self.attribute)
        return np.ones(len(records), bool) if has is None else ~has

"""A network that recognises people and attributes, trained on the run's own data, and the losses that read it.

Not in the paper. The paper's identity loss compares feature maps; these losses ask a recognition network whether T(x) shows
the same person, with the wanted attribute.
"""

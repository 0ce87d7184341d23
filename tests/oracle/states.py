"""State dicts of small models, as the published files have them."""

import torch

from tests.oracle import weights

HEADS = 4
FIRST, LAST = "analysis_transform.transforms.0.weight", "synthesis_transform.transforms.14."
"""The convolutions of a TEC-TT that know how many bands there are."""


def of_bands(shapes, bands):
    """The shapes of a model for 12 bands made those of another number."""
    found = dict(shapes)
    for name, shape in shapes.items():
        if bands != 12 and name.endswith((FIRST, LAST + "weight")):
            found[name] = (shape[0], bands, *shape[2:])
        elif bands != 12 and name.endswith(LAST + "bias"):
            found[name] = (bands,)
    return found


def published_state(family, bands=12):
    """Drawn weights, and the empty tables, masks and bounds that the files hold too."""
    shapes = of_bands(weights.small_shapes(family), bands)
    drawn = {k: torch.from_numpy(v) for k, v in weights.draw(shapes).items()}
    prefix = "model." if family in ("tec-fp", "tec-elic") else ""
    return {prefix + k: drawn.get(k, torch.empty(shape)) for k, shape in shapes.items()}

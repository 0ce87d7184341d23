"""State dicts of small models, as the published files have them."""

import torch
import weights

HEADS = 4


def published_state(family):
    """Drawn weights, and the empty tables, masks and bounds that the files hold too."""
    shapes = weights.small_shapes(family)
    drawn = {k: torch.from_numpy(v) for k, v in weights.draw(shapes).items()}
    prefix = "model." if family in ("tec-fp", "tec-elic") else ""
    return {prefix + k: drawn.get(k, torch.empty(shape)) for k, shape in shapes.items()}

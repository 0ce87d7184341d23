"""`tec-zarr verify`: decode every chunk of a store."""

from __future__ import annotations

import argparse
from typing import Any

from tec_zarr.command import arguments
from tec_zarr.command.output import Seconds, bar, show, size
from tec_zarr.command.places import store_of

EXAMPLES = """\
  tec-zarr verify cube.zarr
  tec-zarr verify cube.zip --json
"""

FAILED = 1


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands, "verify", "decode every chunk of a store, and name the damaged ones", EXAMPLES
    )
    parser.add_argument("store", metavar="STORE", help="a folder, a .zip, or a URL")
    arguments.add_output(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tec_zarr.stores.verify import arrays_of, verified_chunks

    seconds = Seconds()
    arrays = arrays_of(store_of(args.store))
    total = sum(array.nbytes for array in arrays.values())
    damaged = []
    count = 0
    with bar(args, "verify", total) as shown:
        for chunk in verified_chunks(arrays):
            count += 1
            shown.update(chunk.raw_bytes)
            if chunk.damage is not None:
                damaged.append(chunk)
    facts = {
        "chunks": count,
        "raw_bytes": total,
        "seconds": float(seconds),
        "damaged": [
            {"array": c.array, "place": c.place, "samples": c.samples, "damage": c.damage}
            for c in damaged
        ],
    }
    lines = [f"damaged: {c.array}, chunk {c.place}, {c.samples}: {c.damage}" for c in damaged]
    lines.append(
        f"{count - len(damaged)} of {count} chunks are whole, {size(total)} decoded in "
        f"{float(seconds):.1f} s"
    )
    show(args, facts, "\n".join(lines))
    return FAILED if damaged else 0

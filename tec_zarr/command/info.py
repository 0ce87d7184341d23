"""`tec-zarr info`: what a store has become."""

from __future__ import annotations

import argparse
import collections
from typing import Any

from tec_zarr.command import arguments
from tec_zarr.command.output import show, size, table
from tec_zarr.command.places import store_of

EXAMPLES = """\
  tec-zarr info cube.zarr
  tec-zarr info cube.zip --chunks
  tec-zarr info https://example.org/cube.zarr --json
"""

SHOWN = (
    "quality",
    "psnr",
    "rmse",
    "bppb",
    "ratio",
    "max_error",
    "context",
    "key_interval",
    "offset_dn",
    "scale",
    "nodata",
    "model",
    "weights",
)
"""Settings that are told, where they are set."""


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands, "info", "tell what is in a store: sizes, settings, chunks", EXAMPLES
    )
    parser.add_argument("store", metavar="STORE", help="a folder, a .zip, or a URL")
    parser.add_argument("--name", help="of the array; default B, or the only one of tec_zarr")
    parser.add_argument("--chunks", action="store_true", help="list every chunk")
    arguments.add_output(parser, has_progress=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    from tec_zarr.stores.describe import describe_store

    told = describe_store(store_of(args.store), args.name)
    show(args, told, _text(told, args.chunks))


def _text(told: dict[str, Any], has_chunks: bool) -> str:
    samples = told["bytes"] * 8 / told["bppb"] if told["bppb"] else 0
    rows = [
        ("array", f"{_by(told['shape'])} {told['dtype']}, in chunks of {_by(told['chunk_shape'])}"),
        ("bytes", f"{size(told['bytes'])}: {told['ratio']:.1f} times smaller than raw"),
        ("bits", f"{told['bppb']:.4g} a sample, {samples:,.0f} samples"),
        ("bands", " ".join(told.get("bands") or ())),
    ]
    settings = [(name, str(told[name])) for name in SHOWN if told.get(name) is not None]
    # The figures of the array and its settings have two names in common.
    rows += [row for row in settings if row[0] not in ("bppb", "ratio")]
    rows.append(("chunks", _chunks(told["chunks"])))
    rows.append(("beside", ", ".join(told["beside"])))
    total = told["total"]
    rows.append(("whole store", f"{size(total['bytes'])}: {total['ratio']:.1f} times smaller"))
    lines = [f"{name:12} {value}" for name, value in rows if value]
    if has_chunks:
        listed = [("place", "bytes", "quality", "target met")]
        for chunk in told["chunks"]:
            place = ".".join(map(str, chunk["place"]))
            quality = "none" if chunk["quality"] is None else f"{chunk['quality']:.2f}"
            met = {None: "no target", True: "yes", False: "no"}[chunk["target_met"]]
            listed.append((place, f"{chunk['bytes']:,}", quality, met))
        lines.append(table(listed))
    return "\n".join(lines)


def _chunks(chunks: list[dict[str, Any]]) -> str:
    if not chunks:
        return "in shards, or none"
    met = collections.Counter(chunk["target_met"] for chunk in chunks)
    qualities = [chunk["quality"] for chunk in chunks if chunk["quality"] is not None]
    said = f"{len(chunks)} stored"
    if qualities:
        said += f", quality {min(qualities):.4g} to {max(qualities):.4g}"
    if met[False]:
        said += f", {met[False]} missed the target"
    return said


def _by(lengths: Any) -> str:
    return " x ".join(map(str, lengths))

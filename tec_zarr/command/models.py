"""`tec-zarr models`: the weights that there are, and published ones."""

from __future__ import annotations

import argparse
import pathlib
from typing import Any

from tec_zarr import folders
from tec_zarr.command import arguments
from tec_zarr.command.output import show
from tec_zarr.models import registry
from tec_zarr.models.published.checkpoints.catalog import catalog

EXAMPLES = """\
  tec-zarr models list
  tec-zarr models fetch tec-tt-s2l2a@5
  tec-zarr models keep cube.zarr
"""


def add(commands: Any) -> None:
    models = arguments.add_command(
        commands, "models", "the weights: which there are, and how to get published ones", EXAMPLES
    )
    verbs = models.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add(verbs, "list", "all weights, and where they are", _list)
    info = _add(verbs, "info", "what is known of some weights", _info)
    info.add_argument("name", metavar="NAME", help="as `tec-zarr models list` shows it")
    fetch = _add(
        verbs, "fetch", "download and convert a published checkpoint into the cache folder", _fetch
    )
    fetch.add_argument("name", metavar="NAME", help="as `tec-zarr models list` shows it")
    fetch.add_argument(
        "--file", type=pathlib.Path, help="a local .pt to convert instead of downloading"
    )
    for verb, does, run in (
        ("keep", "write the weights of an array into its store", _keep),
        ("install", "copy weights that a store holds to this machine", _install),
    ):
        stored = _add(verbs, verb, does, run)
        stored.add_argument("store", metavar="STORE", help="a Zarr store")
        stored.add_argument("--name", default="B", help="of the array; default B")


def _add(verbs: Any, name: str, does: str, run: Any) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=does)
    arguments.add_debug(parser)
    arguments.add_output(parser, has_progress=False)
    parser.set_defaults(run=run)
    return parser


def _list(args: argparse.Namespace) -> None:
    places = {name: _where(registry.find(name)) for name in (*registry.entries(), *catalog())}
    lines = [f"{name:24} {where}" for name, where in places.items()]
    lines.append(f"cache folder: {folders.cache_folder()}")
    show(args, {"models": places, "cache_folder": folders.cache_folder()}, "\n".join(lines))


def _info(args: argparse.Namespace) -> None:
    _tell(args, registry.find(args.name))


def _fetch(args: argparse.Namespace) -> None:
    from tec_zarr.models.published.checkpoints.fetch import fetch

    _tell(args, fetch(args.name, args.file))


def _keep(args: argparse.Namespace) -> None:
    from tec_zarr.stores.weights import keep_weights

    key = keep_weights(args.store, args.name)
    show(args, {"key": key}, key)


def _install(args: argparse.Namespace) -> None:
    from tec_zarr.stores.weights import install_weights

    path = install_weights(args.store, args.name).path
    show(args, {"file": path}, str(path))


def _tell(args: argparse.Namespace, entry: registry.Entry) -> None:
    facts = _about(entry)
    show(args, facts, "\n".join(f"{name:8} {value}" for name, value in facts.items()))


def _where(entry: registry.Entry) -> str:
    if entry.path is None:
        return "not on this machine"
    how = "shipped" if entry.published is None else "fetched"
    return f"{how}, {entry.path.stat().st_size / 1e6:.1f} MB"


def _about(entry: registry.Entry) -> dict[str, Any]:
    """What is known of weights."""
    facts: dict[str, Any] = {"name": entry.name, "weights": _where(entry)}
    if entry.path is not None:
        facts |= {"file": str(entry.path), "SHA-256": entry.sha256}
    if source := entry.published:
        facts["source"] = f"{source.file} of {source.repository} on Hugging Face"
    facts["bands"] = "any" if entry.bands is None else " ".join(entry.bands)
    if entry.name == registry.INPAINTING:
        facts["role"] = "inpainting"
    else:
        facts["quality"] = "1 to 100" if source is None else "one"
    if entry.drops_tokens:
        facts["tokens"] = "1 to 16"
    return facts

"""Does a chunk decode to the same integers everywhere? Contract 1, measured.

    python tests/portability.py --data CORPUS_FOLDER [--model tec-tt-s2] [--quality 60]

Encodes every location of a folder in chunks of 128 x 128 pixels with this machine's own kernels, then decodes them in
processes that are held to other instruction sets, in batches of 1, 2 and 7. Shown for each: latents that differ (must be 0),
the greatest difference in DN (at most 1), and how many table rows would have differed had the prior run in float32 instead.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
from itertools import groupby

import numpy as np
import torch

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.bitstream.header import Header
from tec_zarr.codec import cube, network, runtime
from tec_zarr.codec.chunk import encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.entropy import grid
from tec_zarr.entropy.tables import shipped
from tec_zarr.models import registry
from tec_zarr.models.bands import L2A
from tec_zarr.models.coding.image import ImageCoder
from tec_zarr.models.coding.temporal import TemporalCoder, distributions
from tec_zarr.models.patching import pad_to_blocks
from tec_zarr.training.corpus import read_corpus_file

SIDE = 128

KERNELS = {
    "default": {},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "sse4": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
}
"""Environment variables that hold torch, oneDNN and MKL to an instruction set."""

BATCHES = (1, 2, 7)


@dataclasses.dataclass(frozen=True, eq=False)
class Decoded:
    """What one process made of all chunks: latents, DN, and the float32 prior's table rows."""

    latents: list[np.ndarray]
    dn: list[np.ndarray]
    rows32: list[np.ndarray]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A process beside the first: see the module."""

    kernels: str
    batch: int
    latents: int
    latents_differ: int
    dn_differ_at_most: int
    rows32_differ: int

    def __str__(self) -> str:
        return (
            f"{self.kernels:8} batch {self.batch}: {self.latents_differ} of {self.latents} latents differ, "
            f"DN by at most {self.dn_differ_at_most}; in float32 {self.rows32_differ} rows would have"
        )


def chunks_of(data: pathlib.Path, model: str, quality: float) -> list[bytes]:
    """Encoded chunks of every location of a corpus folder."""
    out = []
    for path in sorted(data.glob("*.zip")):
        values, meta = read_corpus_file(path)
        values = values[:, [meta["bands"].index(b) for b in L2A]]
        settings = Settings(model, quality=quality, offset_dn=meta["offset_dn"])
        for y, x in np.ndindex(*(-(-n // SIDE) for n in values.shape[2:])):
            part = values[..., y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE]
            out.append(encode_chunk(np.ascontiguousarray(part), settings))
    return out


def decode_all(chunks: list[bytes], batch: int) -> Decoded:
    """Decode chunks in batches of like-sized ones."""
    parsed = [_parse(data) for data in chunks]
    header = parsed[0][0]
    loaded = runtime.load_for(header.model, header.weights, "cpu")
    single = copy.deepcopy(loaded.exact).float()
    out = Decoded([], [], [])
    for _, alike in groupby(sorted(parsed, key=_likeness), key=_likeness):
        members = list(alike)
        for i in range(0, len(members), batch):
            _decode_batch(loaded, single, members[i : i + batch], out)
    return out


def _parse(data: bytes) -> tuple[Header, list[Frame]]:
    header, sections = container.parse(data)
    return header, [Frame.parse(section) for section in sections]


def _coded(frames: list[Frame]) -> list[int]:
    return [t for t, frame in enumerate(frames) if frame.latents is not None]


def _likeness(item: tuple[Header, list[Frame]]) -> tuple:
    header, frames = item
    return len(_coded(frames)), *header.shape


def _decode_batch(
    loaded: runtime.Loaded, single: ImageCoder | TemporalCoder, batch: list[tuple[Header, list[Frame]]], out: Decoded
) -> None:
    height, width = batch[0][0].shape[2:]
    conditions = [loaded.condition(header) for header, _ in batch]
    series = [[frames[t].latents for t in _coded(frames)] for _, frames in batch]
    decoder = loaded.exact.decoder(torch.stack(conditions), -(-height // loaded.stride), -(-width // loaded.stride))
    y_hat = torch.stack([decoder.decompress(list(frames))[0] for frames in zip(*series, strict=True)], 1)
    x_hat = network.decode(loaded, series, conditions, height, width)
    for n, (header, frames) in enumerate(batch):
        out.latents.append(y_hat[n].numpy().astype(np.int32))
        out.dn.append(cube.restore(x_hat[n], frames, header, loaded.statistics))
        out.rows32.append(_rows32(single, y_hat[n], conditions[n].float()))


class _Recorder:
    """A walk's coder that keeps the distributions of all steps."""

    def __init__(self):
        self.means, self.scales = [], []

    def step(self, means: torch.Tensor, scales: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        self.means.append(means.double().flatten().numpy())
        self.scales.append(scales.double().flatten().numpy())
        return values.round()


@torch.inference_mode()
def _rows32(single: ImageCoder | TemporalCoder, y_hat: torch.Tensor, condition: torch.Tensor) -> np.ndarray:
    """Table rows, with their centers, that a prior in float32 would have chosen for a series y_hat (T, latents, h, w)."""
    y_hat, condition = y_hat.float(), condition[None]
    if isinstance(single, TemporalCoder):
        parts = [d.astype(np.float64).ravel() for d in distributions(single, pad_to_blocks(y_hat)[None], condition)]
    else:
        recorder = _Recorder()
        for frame in y_hat[:, None]:
            single.prior.walk(recorder, single.unit(condition), condition, tuple(frame.shape[-2:]), frame)
        parts = [np.concatenate(recorder.means), np.concatenate(recorder.scales)]
    placement = grid.place(*parts, 0)
    return placement.centers.astype(np.int64) * shipped().rows + placement.rows


def _in_process(chunks: list[bytes], kernels: str, batch: int, folder: pathlib.Path) -> Decoded:
    """`decode_all` in a process of its own under other kernels, on one thread."""
    given, made = folder / "chunks.pickle", folder / "decoded.pickle"
    given.write_bytes(pickle.dumps((chunks, batch)))
    environment = {**os.environ, **KERNELS[kernels]}
    if kernels != "default":
        environment["OMP_NUM_THREADS"] = "1"
    subprocess.run([sys.executable, __file__, "--worker", given, made], env=environment, check=True)
    return Decoded(*pickle.loads(made.read_bytes()))


def compare(chunks: list[bytes], runs: list[tuple[str, int]]) -> list[Comparison]:
    """Each of `runs` (kernels, batch) beside this process decoding one chunk at a time."""
    here = decode_all(chunks, 1)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kernels, batch in runs:
            there = _in_process(chunks, kernels, batch, pathlib.Path(folder))
            found.append(Comparison(
                kernels, batch,
                latents=sum(a.size for a in here.latents),
                latents_differ=_differing(here.latents, there.latents),
                dn_differ_at_most=max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(here.dn, there.dn, strict=True)),
                rows32_differ=_differing(here.rows32, there.rows32),
            ))  # fmt: skip
    return found


def _differing(ours: list[np.ndarray], theirs: list[np.ndarray]) -> int:
    return sum(int((a != b).sum()) for a, b in zip(ours, theirs, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--model", default=registry.DEFAULT)
    parser.add_argument("--quality", type=float, default=60.0)
    parser.add_argument("--worker", nargs=2, type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        given, made = args.worker
        decoded = decode_all(*pickle.loads(given.read_bytes()))
        made.write_bytes(pickle.dumps((decoded.latents, decoded.dn, decoded.rows32)))
        return
    chunks = chunks_of(args.data, args.model, args.quality)
    print(f"{len(chunks)} chunks, {sum(map(len, chunks))} bytes")
    for comparison in compare(chunks, [(kernels, batch) for kernels in KERNELS for batch in BATCHES]):
        print(comparison)


if __name__ == "__main__":
    main()

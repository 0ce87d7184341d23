"""Curves of tec_zarr beside those of classical codecs, as ratios of bits at equal PSNR."""

from __future__ import annotations

import dataclasses

import cases
import curves

SIX = "six"
"""The places of `val` besides those of SSL4EO."""


@dataclasses.dataclass(frozen=True)
class Result:
    """A case with its curves.

    Attributes
    ----------
    case
        What was coded.
    samples
        Of the chunk.
    ours
        Bits a sample and PSNR of tec_zarr.
    peers
        The same by name of a classical codec.
    """

    case: cases.Case
    samples: int
    ours: curves.Curve
    peers: dict[str, curves.Curve]

    @property
    def best(self) -> list[curves.Curve]:
        """The curves whose best is compared with."""
        return [self.peers[name] for name in self.case.best_of]


def results(
    chosen: list[cases.Case],
    records: list[dict],
    peers: dict[str, dict[str, curves.Curve]],
) -> list[Result]:
    """The case and the curves of each case."""
    found = []
    for case in chosen:
        mine = [record for record in records if record["case"] == case.name]
        points = []
        for record in mine:
            if record["psnr"] is not None:
                points.append((record["bits"], record["psnr"]))
        found.append(Result(case, mine[0]["samples"], points, peers[case.peers_of]))
    return found


def groups(found: list[Result]) -> dict[str, list[Result]]:
    """Results by group; "six" as well where it has more than one group."""
    by_group: dict[str, list[Result]] = {}
    for result in found:
        by_group.setdefault(result.case.group, []).append(result)
    names = {case.name for case in cases.VAL} - set(cases.SSL4EO)
    six = [result for result in found if result.case.name in names]
    if len({result.case.group for result in six}) > 1:
        by_group[SIX] = six
    return by_group


def row(chosen: list[Result]) -> dict[int, float | None]:
    """Bits of some results over those of the best, by PSNR."""
    ratios = {}
    for decibels in curves.LEVELS_DB:
        pairs = [(result.ours, result.best, result.samples) for result in chosen]
        ratios[decibels] = curves.summed_ratio(pairs, decibels)
    return ratios


def best_ratios(found: list[Result]) -> dict[str, dict[int, float | None]]:
    """`row` of every group and of every case."""
    rows = {}
    for group, chosen in groups(found).items():
        rows[f"group {group}"] = row(chosen)
    for result in found:
        rows[result.case.name] = row([result])
    return rows


def each_ratios(found: list[Result]) -> dict[str, dict[str, dict[int, float | None]]]:
    """Bits over those of each classical codec, by case, codec and PSNR."""
    by_case = {}
    for result in found:
        by_codec = {}
        for name, peer in result.peers.items():
            ratios = {}
            for decibels in curves.LEVELS_DB:
                ratios[decibels] = curves.ratio(result.ours, [peer], decibels)
            by_codec[name] = ratios
        by_case[result.case.name] = by_codec
    return by_case


def line(name: str, ratios: dict[int, float | None]) -> str:
    """A row of a table."""
    cells = []
    for value in ratios.values():
        cells.append("—" if value is None else f"{value:.2f}")
    return f"| {name} | {' | '.join(cells)} |"


def markdown(found: list[Result]) -> str:
    """Tables of ratios: to the best by group and case, then to each classical codec."""
    levels = " | ".join(f"{decibels} dB" for decibels in curves.LEVELS_DB)
    rule = "|---" * (len(curves.LEVELS_DB) + 1) + "|"
    lines = ["Bits as a share of those of the best classical codec, at equal PSNR.", ""]
    lines += [f"| | {levels} |", rule]
    for name, ratios in best_ratios(found).items():
        lines.append(line(name, ratios))
    lines += ["", "Bits as a share of those of each.", "", f"| | {levels} |", rule]
    for case, by_codec in each_ratios(found).items():
        for codec, ratios in by_codec.items():
            lines.append(line(f"{case}, {codec}", ratios))
    lines += ["", "Highest PSNR, dB.", ""]
    highest = curves.highest({result.case.name: result.ours for result in found})
    lines += [f"- {name}: {decibels:.1f}" for name, decibels in highest.items()]
    return "\n".join(lines)

"""How the benchmarks read their command lines."""

from __future__ import annotations

import argparse


def parser(text: str) -> argparse.ArgumentParser:
    """One that shows `text`, as it is, for help."""
    shown_as_it_is = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(description=text, formatter_class=shown_as_it_is)

"""The script `tec-zarr`. It stands outside of the package, because importing that takes a moment:
Ctrl-C in this moment is no fault, and shows no traceback."""

import signal
import sys


def main() -> int:
    """Run the command line; gives the exit status."""
    _take_all_names()
    try:
        from tec_zarr.command.main import main as run

        status = run()
        # All is done and told: nothing is left to interrupt but the end of Python.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return status
    except KeyboardInterrupt:
        print("tec-zarr: interrupted", file=sys.stderr)
        return 130


def _take_all_names() -> None:
    """Let stdout take names of files and bands that it has no letters for: what they name is
    written by then."""
    if sys.stdout is None:
        return
    # Names that are no UTF-8 come out as the bytes that they are.
    has_all = sys.stdout.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
    sys.stdout.reconfigure(errors="surrogateescape" if has_all else "backslashreplace")


if __name__ == "__main__":
    sys.exit(main())

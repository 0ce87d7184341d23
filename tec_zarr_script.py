"""The script `tec-zarr`. It stands outside of the package, because importing that takes a moment:
Ctrl-C in this moment is no fault, and shows no traceback."""

import signal
import sys


def main() -> int:
    """Run the command line; gives the exit status."""
    try:
        from tec_zarr.command.main import main as run

        status = run()
        # All is done and told: nothing is left to interrupt but the end of Python.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return status
    except KeyboardInterrupt:
        print("tec-zarr: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

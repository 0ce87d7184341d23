"""The script `tec-zarr`. It stands outside of the package, because importing that takes a moment:
Ctrl-C in this moment is no fault, and shows no traceback."""

import signal
import sys

OF_SIGNALS = 128
"""Exit status after a signal, less its number, as shells have it."""

INTERRUPTED = OF_SIGNALS + signal.SIGINT


def main() -> int:
    """Run the command line; gives the exit status."""
    _take_all_names()
    if "--debug" not in sys.argv:
        # A file that could not be written cannot be closed either. Python would tell of that when
        # all has been said.
        sys.unraisablehook = lambda _: None
    stopped = _clean_up_when_stopped()
    try:
        from tec_zarr.command.main import main as run

        status = run()
        # All is done and told: nothing is left to interrupt but the end of Python.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        print("tec-zarr: interrupted", file=sys.stderr)
        status = INTERRUPTED
    if status == INTERRUPTED and stopped:
        return OF_SIGNALS + stopped[0]
    return status


def _clean_up_when_stopped() -> list[int]:
    """Let a scheduler that stops the process be Ctrl-C, after which nothing half written stays;
    gives the signals that came."""
    came: list[int] = []

    def stop(number: int, frame: object) -> None:
        came.append(number)
        signal.raise_signal(signal.SIGINT)

    # In the background Ctrl-C is ignored, and so would this be.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGTERM, stop)
    return came


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

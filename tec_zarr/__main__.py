"""`python -m tec_zarr` is the command `tec-zarr`."""

import sys

from tec_zarr.command.main import main

if __name__ == "__main__":
    sys.exit(main())

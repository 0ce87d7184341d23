"""`python -m tec_zarr` is the command `tec-zarr`."""

import sys

from tec_zarr_script import main

if __name__ == "__main__":
    sys.exit(main())

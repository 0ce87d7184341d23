"""Every exception that tec_zarr raises on purpose."""


class TecError(Exception):
    """Base of all errors of this package."""


class InvalidInputError(TecError, ValueError):
    """An argument or an array that cannot be encoded as asked; nothing was written."""


class StoreInUseError(TecError, RuntimeError):
    """A store that another process or thread writes; nothing was written."""


class UnknownKeywordError(TecError, TypeError):
    """A function or codec was given a keyword that it does not have; the message names the
    nearest one."""


class TargetError(TecError, ValueError):
    """A psnr, rmse, bppb or ratio that no quality gives for a chunk or a cube; nothing was
    written of it."""


class TargetWarning(UserWarning):
    """The same with best_effort=True: what comes nearest was written."""


class InpaintingWarning(UserWarning):
    """Pixels under a cloud were filled with what no measurement of their date supports."""


class DamagedChunkError(TecError, ValueError):
    """Bytes that are not a whole, undamaged chunk: bad magic, checksum, truncation, impossible
    sizes."""


class UnsupportedVersionError(TecError, ValueError):
    """A chunk of a format version that this release does not know."""


class DesyncError(TecError, RuntimeError):
    """Undamaged bytes that this machine decoded to other table rows than the encoder wrote them
    with."""


class WeightsError(TecError, LookupError):
    """Weights that are unknown, missing, or not the ones that a chunk names."""


class DeviceLostError(TecError, RuntimeError):
    """A GPU that failed, or has not got the memory for a single chunk."""

    def __init__(self, device: object, message: str):
        super().__init__(f"{device}: {message}; give device='cpu', smaller chunks, or another GPU")
        self.device = device

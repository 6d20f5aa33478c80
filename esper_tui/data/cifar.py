"""CIFAR-10 through torchvision, which checks every file's md5 before it opens it."""

import contextlib
import errno
import socket
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

import torch
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity, download_and_extract_archive

from esper_tui.data.catalogue import CIFAR10_FOLDER, has_files, missing_message
from esper_tui.data.images import Images
from esper_tui.leyline.errors import CannotWrite, DataMissing, EsperError

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}
TIMEOUT_S = 30.0


def load(train: bool, size: int) -> Images:
    """All images of the training or the test file, averaged down to ``size`` pixels.

    Raises:
        DataMissing: if no folder holds the files, or one of them is damaged.
    """
    folder = has_files("cifar10")
    if folder is None:
        raise DataMissing(missing_message("cifar10"))
    try:
        found = CIFAR10(str(folder), train=train, download=False)
    except RuntimeError:
        raise DataMissing(damaged_message(folder, check(folder))) from None
    except OSError as error:
        raise DataMissing(f"cannot read {error.filename or folder / CIFAR10_FOLDER}: {error.strerror}") from None
    pixels = torch.from_numpy(found.data).permute(0, 3, 1, 2)
    return Images(_shrink(pixels, size), torch.tensor(found.targets))


def _shrink(pixels: torch.Tensor, size: int) -> torch.Tensor:
    factor = pixels.shape[-1] // size
    if factor == 1:
        return pixels.contiguous()
    parts = [torch.nn.functional.avg_pool2d(p.float(), factor).round().to(torch.uint8) for p in pixels.split(5000)]
    return torch.cat(parts)


def fetch(folder: Path) -> None:
    """Downloads the files with a progress bar, checks and unpacks them.

    Raises:
        DataMissing: without network; the sentence names what was expected where.
        CannotWrite: if the folder cannot be made or is full.
    """
    made, archive = not folder.exists(), folder / CIFAR10.filename
    kept = archive.exists()  # put there by hand, to be unpacked without a network
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(sys.stderr):
            download_and_extract_archive(CIFAR10.url, str(folder), filename=archive.name, md5=CIFAR10.tgz_md5)
    except (OSError, RuntimeError, HTTPException) as error:
        raise _fetch_error(folder, error) from None
    finally:
        with contextlib.suppress(OSError):
            if not kept:
                archive.unlink(missing_ok=True)
            if made:
                folder.rmdir()  # succeeds only where nothing was unpacked


def _fetch_error(folder: Path, error: Exception) -> EsperError:
    if isinstance(error, OSError) and not isinstance(error, URLError) and error.errno in DISK_ERRORS:
        return CannotWrite(f"cannot write to {folder}: {error.strerror}; set ESPER_DATA_DIR to another folder")
    reason = getattr(error, "reason", None) or str(error) or type(error).__name__
    cure = f"repeat this with a network, put {CIFAR10.filename} into {folder} and repeat"
    return DataMissing(f"could not download CIFAR-10 ({reason}); {missing_message('cifar10', cure)}")


def check(folder: Path) -> list[str]:
    """Names of files that are damaged, by md5."""
    sums = dict(CIFAR10.train_list + CIFAR10.test_list)
    sums[CIFAR10.meta["filename"]] = CIFAR10.meta["md5"]
    return [name for name, md5 in sums.items() if not check_integrity(str(folder / CIFAR10_FOLDER / name), md5)]


def damaged_message(folder: Path, names: list[str]) -> str:
    what = ", ".join(names) or "a file"
    return f"damaged in {folder / CIFAR10_FOLDER}: {what}; delete that and run `esper data fetch cifar10`"

"""CIFAR-10 through torchvision, which checks every file's md5 before it opens it."""

import contextlib
import sys
from pathlib import Path

import torch
from torchvision.datasets import CIFAR10

from esper_tui.data.catalogue import CIFAR10_FOLDER, has_files, missing_message
from esper_tui.data.images import Images
from esper_tui.leyline.errors import CannotWrite, DataMissing


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
        raise DataMissing(
            f"a file in {folder / CIFAR10_FOLDER} is damaged; delete the folder and run `esper data fetch cifar10`"
        ) from None
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
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot create {folder}: {error.strerror}; set ESPER_DATA_DIR to another folder") from None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            CIFAR10(str(folder), train=True, download=True)
    except (OSError, RuntimeError) as error:
        raise DataMissing(f"could not download CIFAR-10 ({error}); {missing_message('cifar10')}") from None


def check(folder: Path) -> list[str]:
    """Names of files that are damaged, by md5."""
    from torchvision.datasets.utils import check_integrity

    sums = dict(CIFAR10.train_list + CIFAR10.test_list)
    sums[CIFAR10.meta["filename"]] = CIFAR10.meta["md5"]
    return [name for name, md5 in sums.items() if not check_integrity(str(folder / CIFAR10_FOLDER / name), md5)]

"""How like its original a decoded picture is: structural similarity of luma, by block. Pure."""

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
_BLOCK = 8
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def luma(picture: av.VideoFrame) -> Luma:
    """Return a picture's Y plane."""
    memory: Any = picture.planes[0]
    rows = np.frombuffer(memory, np.uint8).reshape(-1, picture.planes[0].line_size)
    return rows[: picture.height, : picture.width]


def ssim(one: Luma, other: Luma) -> NDArray[np.float32]:
    """Return the similarity of each block of 8 x 8 pixels, in rows; 1 is the same."""
    a, b = _blocks(one), _blocks(other)
    mean_a, mean_b = a.mean(1), b.mean(1)
    var_a = np.einsum("ij,ij->i", a, a) / _BLOCK**2 - mean_a**2
    var_b = np.einsum("ij,ij->i", b, b) / _BLOCK**2 - mean_b**2
    both = np.einsum("ij,ij->i", a, b) / _BLOCK**2 - mean_a * mean_b
    found: NDArray[np.float32] = ((2 * mean_a * mean_b + _C1) * (2 * both + _C2)) / (
        (mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2)
    )
    return found


def _blocks(plane: Luma) -> NDArray[np.float32]:
    height, width = (side // _BLOCK * _BLOCK for side in plane.shape)
    shape = (height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    cut = plane[:height, :width].reshape(shape).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(cut.reshape(-1, _BLOCK * _BLOCK), np.float32)

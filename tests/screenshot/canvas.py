"""A canvas as a viewer has it: patches are painted onto it."""

import io

import numpy as np
from PIL import Image

from fanlight_common.protocol import patch


class Canvas:
    """RGB pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.zeros((height, width, 3), np.uint8)

    def paint(self, data: bytes) -> None:
        """Paint a patch."""
        for operation in patch.decode(data):
            right, bottom = operation.x + operation.width, operation.y + operation.height
            if isinstance(operation, patch.Copy):
                x, y = operation.from_x, operation.from_y
                source = self.pixels[y : y + operation.height, x : x + operation.width].copy()
            else:
                with Image.open(io.BytesIO(operation.data)) as image:
                    rgb = image.convert("RGB")
                source = np.asarray(rgb.resize((operation.width, operation.height)))
            self.pixels[operation.y : bottom, operation.x : right] = source

    def shows(self, pixels: np.ndarray) -> bool:
        """Return whether the canvas has exactly these BGRX pixels."""
        return bool((self.pixels == pixels[..., 2::-1]).all())


class Drawing:
    """A desk on which something is drawn, and what a capture would say has changed."""

    def __init__(self, width: int, height: int, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self.pixels[...] = self.text(height, width)

    def text(self, height: int, width: int) -> np.ndarray:
        """Return flat runs of two colours, of which no two rows are alike."""
        on = np.repeat(self.random.random((height, -(-width // 8))) < 0.4, 8, axis=1)[:, :width]
        return np.where(on[..., None], 255, 0).astype(np.uint8)

    def noise(self, height: int, width: int) -> np.ndarray:
        """Return a picture that no palette fits."""
        return self.random.integers(0, 256, (height, width, 4), np.uint8)

"""Pixels that look like text and like pictures."""

import numpy as np

BLACK, WHITE = (0, 0, 0, 0), (255, 255, 255, 0)


def noise(height: int, width: int, colours: int = 1 << 24, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    palette = generator.integers(0, 1 << 32, colours if colours < 1 << 20 else 1 << 20, np.uint32)
    words = palette[generator.integers(0, len(palette), (height, width))]
    return words.view(np.uint8).reshape(height, width, 4)


def text(height: int, width: int, seed: int = 1) -> np.ndarray:
    """Return runs of two colours, of which no two rows are alike."""
    generator = np.random.default_rng(seed)
    on = np.repeat(generator.random((height, -(-width // 8))) < 0.4, 8, axis=1)[:, :width]
    return np.where(on[..., None], WHITE, BLACK).astype(np.uint8)

"""Views of pixels."""

from fanlight_common.patching.pixels import from_buffer


def test_from_buffer_minds_the_stride() -> None:
    data = bytes(range(256)) * 4
    view = from_buffer(memoryview(data), 3, 5, 20)
    assert view.shape == (5, 3, 4)
    assert view[2, 1].tolist() == [44, 45, 46, 47]

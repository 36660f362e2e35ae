"""What sets renditions apart."""

from fanlight_common.core.names import Rendition
from fanlight_encoder.core.renditions import SHAPES


def test_every_rendition_has_a_shape() -> None:
    assert set(SHAPES) == set(Rendition)
    assert [shape.divisor for shape in SHAPES.values()] == [1, 2, 3, 1]

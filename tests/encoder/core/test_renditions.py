"""How renditions differ."""

from fanlight_common.core.names import Rendition
from fanlight_encoder.core.renditions import PROFILES


def test_every_rendition_has_a_profile() -> None:
    assert set(PROFILES) == set(Rendition)
    assert [profile.divisor for profile in PROFILES.values()] == [1, 2, 3, 1]

"""Gaps in the numbers of input messages."""

from fanlight_capture.core.sequences import MAX_VIEWERS, SequenceTracker


def test_sequence_gaps() -> None:
    tracker = SequenceTracker()
    assert tracker.missing("one", 7) == 0
    assert tracker.missing("one", 8) == 0
    assert tracker.missing("one", 11) == 2
    assert tracker.missing("one", 1) == 0
    assert tracker.missing("one", 1) == 0
    assert tracker.missing("one", 3) == 1
    assert tracker.missing("one", 2) == 0
    for i in range(MAX_VIEWERS):
        tracker.missing(f"v{i}", 1)
    assert tracker.missing("one", 9) == 0

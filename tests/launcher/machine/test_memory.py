"""How much shared memory there is."""

from pathlib import Path

from fanlight_launcher.machine.memory import segment_limit_mib, shared_memory_mib


def test_memory(tmp_path: Path) -> None:
    assert shared_memory_mib(tmp_path) >= 0
    assert shared_memory_mib(tmp_path / "none") == -1
    (tmp_path / "shmmax").write_text("67108864\n")
    assert shared_memory_mib(tmp_path / "shmmax") == -1
    assert segment_limit_mib(tmp_path / "shmmax") == 64
    assert segment_limit_mib(tmp_path / "none") == -1

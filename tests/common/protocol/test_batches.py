"""Batches of messages: the vectors, round trips and hostile bytes."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import batches

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "batches.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["batches"], ids=lambda v: v["name"])
def test_vectors(vector: dict[str, object]) -> None:
    messages = [
        m["text"] if "text" in m else bytes.fromhex(m["binary"])
        for m in vector["messages"]  # type: ignore[attr-defined]  # a list of objects
    ]
    body = bytes.fromhex(str(vector["body"]))
    assert batches.encode(messages) == body
    assert batches.decode(body) == messages


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_refused(vector: dict[str, str]) -> None:
    with pytest.raises(ProtocolError):
        batches.decode(bytes.fromhex(vector["body"]))


@given(st.lists(st.binary(max_size=50) | st.text(max_size=50)))
def test_round_trip(messages: list[bytes | str]) -> None:
    assert batches.decode(batches.encode(messages)) == messages


@given(st.binary(max_size=100))
def test_any_bytes(body: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert batches.encode(batches.decode(body)) == body

"""The golden vectors, from Python's side; tests/web/protocol/messages.test.js is JavaScript's."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import binary, control, input, patch
from fanlight_common.protocol.keyboard import USAGE_BY_CODE

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "tests" / "vectors"
PUBLIC = json.loads((VECTORS / "binary.json").read_text())
CONTROL = json.loads((VECTORS / "control.json").read_text())
KEYS_JS = ROOT / "services" / "gateway" / "fanlight_gateway" / "web" / "protocol" / "keys.js"

WAYS = ("from_gateway", "from_viewer")
DECODE_BINARY = {
    "from_gateway": binary.decode_from_gateway,
    "from_viewer": binary.decode_from_viewer,
}
DECODE_CONTROL = {
    "from_gateway": control.decode_from_gateway,
    "from_viewer": control.decode_from_viewer,
}


def cases(book: dict[str, Any]) -> list[Any]:
    """Return the parameters of a test for each vector of a book: its direction and the vector."""
    return [
        pytest.param(way, vector, id=f"{way}: {vector['name']}")
        for way in WAYS
        for vector in book[way]
    ]


def plain(message: Any) -> dict[str, Any]:
    """Return a message's fields in the form of the vectors."""
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    for name, value in values.items():
        if isinstance(value, bytes | memoryview):
            values[name] = bytes(value).hex()
        elif name == "areas":
            values[name] = [area._asdict() for area in value]
        elif isinstance(value, tuple):
            values[name] = list(value)
    return values


def build(module: Any, vector: dict[str, Any]) -> Any:
    """Return the message that a vector describes."""
    values = dict(vector["fields"])
    for name, value in values.items():
        if name in ("payload", "png"):
            values[name] = bytes.fromhex(value)
        elif name == "areas":
            values[name] = tuple(Rect(**area) for area in value)
        elif isinstance(value, list):
            values[name] = tuple(value)
    return getattr(module, vector["type"])(**values)


@pytest.mark.parametrize(("way", "vector"), cases(PUBLIC) + cases(PUBLIC["read_only"]))
def test_binary_messages_decode(way: str, vector: dict[str, Any]) -> None:
    message = DECODE_BINARY[way](bytes.fromhex(vector["hex"]))
    assert type(message).__name__ == vector["type"]
    assert plain(message) == vector["fields"]


@pytest.mark.parametrize(("way", "vector"), cases(PUBLIC))
def test_binary_messages_encode(way: str, vector: dict[str, Any]) -> None:
    module = binary if hasattr(binary, vector["type"]) else input
    assert build(module, vector).encode().hex() == vector["hex"]


@pytest.mark.parametrize(("way", "vector"), cases(PUBLIC["errors"]))
def test_hostile_bytes_are_refused(way: str, vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        DECODE_BINARY[way](bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", PUBLIC["beyond_javascript"], ids=lambda vector: vector["name"])
def test_numbers_beyond_javascript_are_messages_here(vector: dict[str, Any]) -> None:
    assert binary.decode_from_gateway(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize(("way", "vector"), cases(CONTROL) + cases(CONTROL["read_only"]))
def test_control_messages_decode(way: str, vector: dict[str, Any]) -> None:
    message = DECODE_CONTROL[way](vector["text"])
    assert type(message).__name__ == vector["type"]
    assert plain(message) == vector["fields"]


@pytest.mark.parametrize(("way", "vector"), cases(CONTROL))
def test_control_messages_encode(way: str, vector: dict[str, Any]) -> None:
    assert json.loads(build(control, vector).encode()) == json.loads(vector["text"])


@pytest.mark.parametrize(("way", "vector"), cases(CONTROL["errors"]))
def test_hostile_texts_are_refused(way: str, vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        DECODE_CONTROL[way](vector["text"])


def test_every_message_has_a_vector() -> None:
    messages = {vector["type"] for way in WAYS for vector in PUBLIC[way]}
    assert messages == {
        kind.__name__ for kind in (*binary.FROM_GATEWAY.values(), *binary.FROM_VIEWER.values())
    }
    texts = {way: {vector["type"] for vector in CONTROL[way]} for way in WAYS}
    assert texts["from_gateway"] == {kind.__name__ for kind in control.GatewayControl.__args__}
    assert texts["from_viewer"] == {kind.__name__ for kind in control.ViewerControl.__args__}


def test_the_viewer_has_the_same_keys() -> None:
    table = dict(
        line.strip().rstrip(",").split(": ")
        for line in KEYS_JS.read_text().splitlines()
        if line.startswith("  ") and ": 0x" in line
    )
    assert {code: int(usage, 16) for code, usage in table.items()} == USAGE_BY_CODE


PATCHES = json.loads((VECTORS / "patch.json").read_text())


@pytest.mark.parametrize("vector", PATCHES["patches"], ids=lambda vector: vector["name"])
def test_patches(vector: dict[str, Any]) -> None:
    """Decode the bytes to operations, and encode them again."""
    data = bytes.fromhex(vector["hex"])
    operations = patch.decode(data)
    assert patch.encode(operations) == data
    assert [{"type": type(o).__name__, **plain(o)} for o in operations] == vector["operations"]


@pytest.mark.parametrize("vector", PATCHES["errors"], ids=lambda vector: vector["name"])
def test_no_patches(vector: dict[str, Any]) -> None:
    """Data that is no patch is refused."""
    with pytest.raises(ProtocolError):
        patch.decode(bytes.fromhex(vector["hex"]))


def test_a_patch_has_so_many_operations_at_most() -> None:
    """Nobody can keep a decoder busy with millions of operations."""
    one = patch.Copy(0, 0, 1, 1, 0, 0).encode()
    assert len(patch.decode(one * patch.MAX_OPERATIONS)) == patch.MAX_OPERATIONS
    with pytest.raises(ProtocolError, match="too many"):
        patch.decode(one * (patch.MAX_OPERATIONS + 1))

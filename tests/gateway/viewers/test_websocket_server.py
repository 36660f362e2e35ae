"""uvicorn and websockets still have the private names that `websocket_server` uses.

If this fails after an upgrade, read what the library changed, before you raise its bound in
pyproject.toml: uvicorn/protocols/websockets/websockets_sansio_impl.py and websockets/frames.py.
"""

import ast
import asyncio
import inspect
from pathlib import Path

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import apply_mask  # type: ignore[attr-defined]
from websockets.server import ServerProtocol

import fanlight_gateway
from fanlight_gateway.viewers import websocket_server
from fanlight_gateway.viewers.websocket_server import ViewerWebSocketProtocol

METHODS = {
    "connection_made": ["self", "transport"],
    "connection_lost": ["self", "exc"],
    "data_received": ["self", "data"],
    "pause_writing": ["self"],
    "resume_writing": ["self"],
    "send_receive_event_to_app": ["self"],
    "handle_parser_exception": ["self"],
}
"""Methods of uvicorn's class that are overridden or called, and their parameters."""
ATTRIBUTES = {
    "transport": None,
    "app_state": {"of": "ours"},
    "handshake_initiated": False,
    "handshake_complete": False,
    "close_sent": False,
    "frames": [],
    "curr_msg_data_type": "bytes",
}
"""Attributes of its instances, and their values in a new instance."""
OBJECTS = {"queue": asyncio.Queue, "conn": ServerProtocol}
"""Attributes of its instances, and their classes."""


@pytest.fixture
async def fresh() -> WebSocketsSansIOProtocol:
    config = uvicorn.Config(lambda: None, ws=ViewerWebSocketProtocol, log_config=None)
    config.load()
    return WebSocketsSansIOProtocol(config, ServerState(), {"of": "ours"})


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_what_it_took(name: str) -> None:
    method = getattr(WebSocketsSansIOProtocol, name)
    assert list(inspect.signature(method).parameters) == METHODS[name]


async def test_an_instance_has_what_is_read_of_it(fresh: WebSocketsSansIOProtocol) -> None:
    assert {name: getattr(fresh, name) for name in ATTRIBUTES} == ATTRIBUTES
    for name, kind in OBJECTS.items():
        assert isinstance(getattr(fresh, name), kind)
    assert next(iter(inspect.signature(fresh.conn.send_close).parameters)) == "code"


@pytest.mark.parametrize("kind", ["text", "bytes"])
async def test_a_complete_message_is_in_frames_when_it_is_told(
    fresh: WebSocketsSansIOProtocol, kind: str
) -> None:
    """The library calls `send_receive_event_to_app` once for a message, and on `self`."""
    source = {
        name: inspect.getsource(getattr(WebSocketsSansIOProtocol, name))
        for name in ("handle_text", "handle_bytes", "handle_cont")
    }
    for text in source.values():
        assert "if event.fin:\n            self.send_receive_event_to_app()" in text
    assert f'self.curr_msg_data_type = "{kind}"' in source[f"handle_{kind}"]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 125])
def test_apply_mask_is_exclusive_or_and_gives_bytes(size: int) -> None:
    data, mask = bytes(range(size)), b"\x01\x20\x03\xf0"
    unmasked = apply_mask(data, mask)
    assert type(unmasked) is bytes
    assert unmasked == bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def test_nothing_else_of_uvicorns_class_is_used() -> None:
    """Everything that is used is in the lists above."""
    tree = ast.parse(Path(websocket_server.__file__).read_text())
    (ours,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    defined = {node.name for node in ours.body if isinstance(node, ast.FunctionDef)}
    defined |= {
        node.target.id
        for node in ours.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    defined |= {
        target.id
        for node in ours.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    used = {
        node.attr
        for node in ast.walk(ours)
        if isinstance(node, ast.Attribute)
        and (
            (isinstance(node.value, ast.Name) and node.value.id == "self")
            or (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super")
        )
    }
    assert used - defined <= METHODS.keys() | ATTRIBUTES.keys() | OBJECTS.keys()
    for name in METHODS.keys() | ATTRIBUTES.keys() | OBJECTS.keys():
        assert name in used, f"{name} is tested and not used"


def test_no_other_file_of_the_gateway_knows_these_libraries() -> None:
    package = Path(fanlight_gateway.__file__).parent
    users = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if {name.partition(".")[0] for name in names} & {"uvicorn", "websockets"}:
                users.add(path.relative_to(package).as_posix())
    assert users == {"viewers/websocket_server.py"}

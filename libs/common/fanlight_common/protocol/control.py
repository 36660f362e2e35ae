"""JSON messages between viewer and gateway: one object with one key, the message's name.

Pure; owns and drops nothing. The version of these messages is PROTOCOL_VERSION, which `Welcome` and
`Hello` carry. A reader ignores members that it does not know, so that a later release may add some;
a missing member takes its default. A missing member without a default, a member of another type and
a message of an unknown name raise ProtocolError. The gateway answers such a message with `Error`;
the viewer ignores it.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.names import CodecName
from fanlight_common.protocol.binary import PROTOCOL_VERSION

MAX_CLIPBOARD_CHARS = 256 * 1024
MAX_CODECS = 16
_VIEWER_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True, slots=True)
class Hello:
    """Viewer, first message: who it is and what it wants. The gateway sends only Welcome before it.

    {"hello": {"protocol": 2, "viewer": "id of 8 to 64 letters, digits, - and _",
               "video_enabled": true, "keyframes_only": false, "codecs": ["h264"]}}
    `codecs`: what the viewer can decode, the best first, by the names in `core.names.CodecName`.
    A gateway ignores those that it does not know. Without this member it is H.264 alone.
    """

    viewer: str
    video_enabled: bool
    keyframes_only: bool
    protocol: int = PROTOCOL_VERSION
    codecs: tuple[str, ...] = (CodecName.H264,)

    def encode(self) -> str:
        """Return the message's text."""
        return _dump(
            "hello",
            {
                "protocol": self.protocol,
                "viewer": self.viewer,
                "video_enabled": self.video_enabled,
                "keyframes_only": self.keyframes_only,
                "codecs": self.codecs,
            },
        )


@dataclass(frozen=True, slots=True)
class SetVideoEnabled:
    """Viewer: whether it wants video, or not one byte of it. {"set_video_enabled": false}"""

    enabled: bool

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("set_video_enabled", self.enabled)


@dataclass(frozen=True, slots=True)
class SetKeyframesOnly:
    """Viewer: it wants one self-contained picture a second, or all. {"set_keyframes_only": true}"""

    enabled: bool

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("set_keyframes_only", self.enabled)


class FallbackReason(StrEnum):
    """Why a viewer left video by itself."""

    RTT = "rtt"
    """The round trip was too long for a while."""
    AGE = "age"
    """The picture was too old for a while."""
    SILENCE = "silence"
    """Nothing at all arrived, again and again."""
    DECODER = "decoder"
    """The decoder failed again and again."""
    INSECURE = "insecure"
    """The page has no decoder, because it came neither over TLS nor from localhost."""
    UNSUPPORTED = "unsupported"
    """The browser has no decoder."""


@dataclass(frozen=True, slots=True)
class FellBack:
    """Viewer: it shows screenshots from now on, for this reason. The gateway only counts it.

    {"fell_back": "rtt"}
    """

    reason: FallbackReason

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("fell_back", self.reason)


@dataclass(frozen=True, slots=True)
class RequestIdr:
    """Viewer: its decoder needs an IDR. {"request_idr": true}"""

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("request_idr", True)


@dataclass(frozen=True, slots=True)
class SetFocus:
    """Viewer: whether keys go to the desk. Without focus, held keys go up. {"set_focus": false}"""

    focused: bool

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("set_focus", self.focused)


@dataclass(frozen=True, slots=True)
class Clipboard:
    """Viewer or gateway: this text was copied. {"clipboard": {"text": "..."}}"""

    text: str

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("clipboard", {"text": self.text})


@dataclass(frozen=True, slots=True)
class Welcome:
    """Gateway, first message. `settings` are the viewer's constants, see docs/settings.md.

    {"welcome": {"protocol": 2, "desk": "main", "role": "control", "settings": {"...": 150}}}
    """

    desk: str
    role: str
    settings: dict[str, float]
    protocol: int = PROTOCOL_VERSION

    def encode(self) -> str:
        """Return the message's text."""
        return _dump(
            "welcome",
            {
                "protocol": self.protocol,
                "desk": self.desk,
                "role": self.role,
                "settings": self.settings,
            },
        )


@dataclass(frozen=True, slots=True)
class DeskState:
    """Gateway: the desk is `live`, `away` (its display is gone) or `gone` (its capture is).

    {"desk": {"state": "live", "width": 1920, "height": 1080}}
    """

    state: str
    width: int
    height: int

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("desk", {"state": self.state, "width": self.width, "height": self.height})


@dataclass(frozen=True, slots=True)
class VideoState:
    """Gateway: video for this viewer is `live`, `waiting` for an encoder, or `off`.

    {"video": {"state": "waiting", "rendition": "half"}}
    `rendition` is the one that the gateway has chosen for this viewer, or "" while video is off.
    """

    state: str
    rendition: str = ""

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("video", {"state": self.state, "rendition": self.rendition})


@dataclass(frozen=True, slots=True)
class Error:
    """Gateway: it did not take a message of this viewer, and why. Nothing else was harmed.

    {"error": {"code": "view_only", "message": "..."}}
    Codes: bad_message, view_only, desk_away, too_large.
    """

    code: str
    message: str

    def encode(self) -> str:
        """Return the message's text."""
        return _dump("error", {"code": self.code, "message": self.message})


ViewerControl = (
    Hello | SetVideoEnabled | SetKeyframesOnly | FellBack | RequestIdr | SetFocus | Clipboard
)
GatewayControl = Welcome | DeskState | VideoState | Clipboard | Error


def decode_from_viewer(text: str) -> ViewerControl:
    """Decode a control message of a viewer. Raises ProtocolError."""
    name, body = _load(text)
    match name:
        case "hello":
            viewer = _member(body, "viewer", str)
            if not _VIEWER_ID.fullmatch(viewer):
                raise ProtocolError("hello.viewer: wants 8 to 64 letters, digits, '-' and '_'")
            return Hello(
                viewer,
                _member(body, "video_enabled", bool),
                _member(body, "keyframes_only", bool),
                _member(body, "protocol", int),
                _codecs(body),
            )
        case "set_video_enabled":
            return SetVideoEnabled(_typed(body, bool, name))
        case "set_keyframes_only":
            return SetKeyframesOnly(_typed(body, bool, name))
        case "fell_back":
            if _typed(body, str, name) not in tuple(FallbackReason):
                raise ProtocolError("fell_back: unknown reason")
            return FellBack(FallbackReason(body))
        case "request_idr":
            if body is not True:
                raise ProtocolError("request_idr: wants true")
            return RequestIdr()
        case "set_focus":
            return SetFocus(_typed(body, bool, name))
        case "clipboard":
            return _clipboard(body)
    raise ProtocolError(f"unknown control message {name[:40]!r}")


def decode_from_gateway(text: str) -> GatewayControl:
    """Decode a control message of a gateway. Raises ProtocolError."""
    name, body = _load(text)
    match name:
        case "welcome":
            settings = _member(body, "settings", dict)
            if not all(type(value) in (int, float) for value in settings.values()):
                raise ProtocolError("welcome.settings: wants numbers")
            return Welcome(
                _member(body, "desk", str),
                _member(body, "role", str),
                settings,
                _member(body, "protocol", int),
            )
        case "desk":
            return DeskState(
                _member(body, "state", str),
                _member(body, "width", int),
                _member(body, "height", int),
            )
        case "video":
            return VideoState(_member(body, "state", str), _member(body, "rendition", str))
        case "clipboard":
            return _clipboard(body)
        case "error":
            return Error(_member(body, "code", str), _member(body, "message", str))
    raise ProtocolError(f"unknown control message {name[:40]!r}")


def _dump(name: str, body: Any) -> str:
    return json.dumps({name: body}, ensure_ascii=False, separators=(",", ":"))


def _load(text: str) -> tuple[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("control message: not JSON") from None
    if not isinstance(value, dict) or len(value) != 1:
        raise ProtocolError("control message: wants an object with one key")
    return next(iter(value.items()))


def _typed(value: Any, kind: type, where: str) -> Any:
    if type(value) is not kind:
        raise ProtocolError(f"{where}: wants {kind.__name__}")
    return value


def _member(body: Any, name: str, kind: type) -> Any:
    if not isinstance(body, dict) or name not in body:
        raise ProtocolError(f"{name}: missing")
    return _typed(body[name], kind, name)


def _codecs(hello: Any) -> tuple[str, ...]:
    if "codecs" not in hello:
        return (CodecName.H264,)
    codecs = _member(hello, "codecs", list)
    if len(codecs) > MAX_CODECS or not all(type(each) is str for each in codecs):
        raise ProtocolError(f"hello.codecs: wants at most {MAX_CODECS} names")
    return tuple(codecs)


def _clipboard(body: Any) -> Clipboard:
    text: str = _member(body, "text", str)
    if len(text) > MAX_CLIPBOARD_CHARS:
        raise ProtocolError(f"clipboard: more than {MAX_CLIPBOARD_CHARS} characters")
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON's \u escapes can spell half a character
        raise ProtocolError("clipboard: a lone surrogate is no text") from None
    return Clipboard(text)

"""msgpack for frozen dataclasses: strict in, strict out.

Pure (msgpack is a codec, without I/O). A message is the array [TYPE, field, field ...], fields in
the order of the class. What arrives is checked against the annotations; anything that does not fit
raises ProtocolError. Strings and arrays are bounded by the size of the message, which the sockets
bound.
"""

import types
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

import msgpack

from fanlight_common.core.errors import ProtocolError


class Message(Protocol):
    """A frozen dataclass with a type number of its own."""

    TYPE: ClassVar[int]
    __dataclass_fields__: ClassVar[dict[str, Any]]


M = TypeVar("M", bound=Message)


def pack(message: Message) -> bytes:
    """The bytes of `message`."""
    data: bytes = msgpack.packb([message.TYPE, *_to_fields(message)], use_bin_type=True)
    return data


def unpack(data: bytes, *kinds: type[M]) -> M:
    """The message in `data`, which has to be one of `kinds`."""
    try:
        value = msgpack.unpackb(data, use_list=False, raw=False, strict_map_key=True)
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise ProtocolError(f"not msgpack: {error}") from None
    if not isinstance(value, tuple) or not value or type(value[0]) is not int:
        raise ProtocolError("not a message: no array with a type in front")
    for kind in kinds:
        if value[0] == kind.TYPE:
            message: M = _from_fields(kind, value[1:])
            return message
    raise ProtocolError(f"unexpected message type {value[0]}")


def _to_fields(message: Any) -> list[Any]:
    return [_to_plain(getattr(message, f.name)) for f in fields(message)]


def _to_plain(value: Any) -> Any:
    if is_dataclass(value):
        return _to_fields(value)
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return value


@cache
def _shape(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((f.name, hints[f.name]) for f in fields(kind))


def _from_fields(kind: type, values: Any) -> Any:
    shape = _shape(kind)
    if not isinstance(values, tuple) or len(values) != len(shape):
        raise ProtocolError(f"{kind.__name__}: wants {len(shape)} fields")
    arguments = [
        _checked(hint, value, f"{kind.__name__}.{name}")
        for (name, hint), value in zip(shape, values, strict=True)
    ]
    return kind(*arguments)


def _checked(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        if value is None:
            return None
        (hint,) = (arm for arm in get_args(hint) if arm is not types.NoneType)
        return _checked(hint, value, where)
    if origin is tuple:
        if not isinstance(value, tuple):
            raise ProtocolError(f"{where}: wants an array")
        return tuple(_checked(get_args(hint)[0], item, where) for item in value)
    if is_dataclass(hint):
        return _from_fields(hint, value)  # type: ignore[arg-type]  # a class here, never an instance
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ProtocolError(f"{where}: wants {hint.__name__}, got {type(value).__name__}")
    return value

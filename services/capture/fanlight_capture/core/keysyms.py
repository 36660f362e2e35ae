"""The X11 keysyms of characters.

Pure; owns a table. Drops the control characters that no key makes.
"""

_CONTROL = {
    "\b": 0xFF08,  # BackSpace
    "\t": 0xFF09,  # Tab
    "\n": 0xFF0D,  # Return
    "\r": 0xFF0D,
    "\x1b": 0xFF1B,  # Escape
    "\x7f": 0xFFFF,  # Delete
}
_UNICODE = 0x0100_0000
NO_SYMBOL = 0


def keysym_of(char: str) -> int | None:
    """Return the keysym of one character, None for a control character that no key makes."""
    if char in _CONTROL:
        return _CONTROL[char]
    code = ord(char)
    if code < 0x20 or 0x80 <= code < 0xA0:
        return None
    # The keysym of a Latin-1 character is its code, that of any other character has a bit more.
    return code if code <= 0xFF else _UNICODE | code


def keysyms_of(text: str) -> list[int]:
    """Return the keysyms that type `text`. The two characters of a CR LF are one Return."""
    found = (keysym_of(char) for char in text.replace("\r\n", "\n"))
    return [keysym for keysym in found if keysym is not None]

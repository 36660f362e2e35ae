"""The texts that openbox reads: its menu, and its configuration with a rule for each known window.

Pure: functions without state. The configuration names all that the demonstration desk needs, so
that nothing depends on the configuration of the machine or of the person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_CONFIGURATION = """\
<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <placement><policy>Smart</policy><center>yes</center></placement>
  <theme>
    <name>Clearlooks-3.4</name><titleLayout>NLIMC</titleLayout>
    <keepBorder>yes</keepBorder><animateIconify>no</animateIconify>
    <font place="ActiveWindow"><name>DejaVu Sans</name><size>10</size></font>
    <font place="InactiveWindow"><name>DejaVu Sans</name><size>10</size></font>
    <font place="MenuItem"><name>DejaVu Sans</name><size>11</size></font>
  </theme>
  <desktops><number>1</number><popupTime>0</popupTime></desktops>
  <keyboard>
    <keybind key="A-F4"><action name="Close"/></keybind>
    <keybind key="A-Tab"><action name="NextWindow"/></keybind>
  </keyboard>
  <mouse>
    <context name="Frame">
      <mousebind button="A-Left" action="Drag"><action name="Move"/></mousebind>
      <mousebind button="A-Right" action="Drag"><action name="Resize"/></mousebind>
    </context>
    <context name="Titlebar">
      <mousebind button="Left" action="Press">
        <action name="Focus"/><action name="Raise"/>
      </mousebind>
      <mousebind button="Left" action="Drag"><action name="Move"/></mousebind>
      <mousebind button="Left" action="DoubleClick">
        <action name="ToggleMaximize"/>
      </mousebind>
    </context>
    <context name="Top"><mousebind button="Left" action="Drag">
      <action name="Resize"><edge>top</edge></action></mousebind></context>
    <context name="Left"><mousebind button="Left" action="Drag">
      <action name="Resize"><edge>left</edge></action></mousebind></context>
    <context name="Right"><mousebind button="Left" action="Drag">
      <action name="Resize"><edge>right</edge></action></mousebind></context>
    <context name="Bottom"><mousebind button="Left" action="Drag">
      <action name="Resize"><edge>bottom</edge></action></mousebind></context>
    <context name="TRCorner BRCorner TLCorner BLCorner">
      <mousebind button="Left" action="Drag"><action name="Resize"/></mousebind>
    </context>
    <context name="Client">
      <mousebind button="Left" action="Press">
        <action name="Focus"/><action name="Raise"/>
      </mousebind>
      <mousebind button="Right" action="Press"><action name="Focus"/></mousebind>
    </context>
    <context name="Close">
      <mousebind button="Left" action="Click"><action name="Close"/></mousebind>
    </context>
    <context name="Maximize">
      <mousebind button="Left" action="Click"><action name="ToggleMaximize"/></mousebind>
    </context>
    <context name="Iconify">
      <mousebind button="Left" action="Click"><action name="Lower"/></mousebind>
    </context>
    <context name="Root">
      <mousebind button="Right" action="Press">
        <action name="ShowMenu"><menu>root-menu</menu></action>
      </mousebind>
    </context>
  </mouse>
  <menu><file>{menu_file}</file></menu>
  <applications>
{rules}
  </applications>
</openbox_config>
"""

_RULE = """\
    <application {match}>
      <position force="yes"><x>{x}</x><y>{y}</y></position>
      <size><width>{width}</width><height>{height}</height></size>
      <focus>{focus}</focus>
    </application>"""

_MENU = """\
<?xml version="1.0" encoding="UTF-8"?>
<openbox_menu xmlns="http://openbox.org/3.4/menu">
  <menu id="root-menu" label={label}>
{items}
  </menu>
</openbox_menu>
"""

_MENU_ITEM = """\
    <item label={label}><action name="Execute"><command>{command}</command></action></item>"""


@dataclass(frozen=True, slots=True)
class WindowRule:
    """Where openbox puts a window, and whether the window gets the keyboard when it appears.

    A window matches by exactly one of `name` (the instance in its WM_CLASS) and `title`.
    """

    x: int
    """Left edge of the window with its frame, pixels."""
    y: int
    """Upper edge of the window with its frame, pixels."""
    width: int
    """Pixels, without the frame."""
    height: int
    """Pixels, without the frame."""
    name: str = ""
    title: str = ""
    focus: bool = False


def configuration(menu_file: str, rules: Iterable[WindowRule]) -> str:
    """Return the text of openbox's configuration file."""
    return _CONFIGURATION.format(
        menu_file=escape(menu_file), rules="\n".join(_rule(rule) for rule in rules)
    )


def menu(label: str, items: Iterable[tuple[str, str]]) -> str:
    """Return the text of openbox's menu file. Each item is a label and a command line."""
    return _MENU.format(
        label=quoteattr(label),
        items="\n".join(
            _MENU_ITEM.format(label=quoteattr(name), command=escape(command))
            for name, command in items
        ),
    )


def _rule(rule: WindowRule) -> str:
    match = f"name={quoteattr(rule.name)}" if rule.name else f"title={quoteattr(rule.title)}"
    return _RULE.format(
        match=match,
        x=rule.x,
        y=rule.y,
        width=rule.width,
        height=rule.height,
        focus="yes" if rule.focus else "no",
    )

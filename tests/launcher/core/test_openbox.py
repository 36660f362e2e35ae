"""What the launcher writes into openbox's files."""

from xml.etree import ElementTree

from fanlight_launcher.core.openbox import WindowRule, configuration, menu

OPENBOX = "{http://openbox.org/3.4/rc}"
AWKWARD = 'it\'s a <"place"> & so on'


def test_each_window_has_its_place_and_one_the_keyboard() -> None:
    rules = [
        WindowRule(1, 2, 30, 40, name="a", focus=True),
        WindowRule(5, 6, 70, 80, title=AWKWARD),
    ]
    root = ElementTree.fromstring(configuration(AWKWARD, rules))
    first, second = root.iter(f"{OPENBOX}application")
    assert first.attrib == {"name": "a"}
    assert second.attrib == {"title": AWKWARD}
    assert "".join(first.itertext()).split() == ["12", "3040", "yes"]
    assert "".join(second.itertext()).split() == ["56", "7080", "no"]
    (file,) = [element for element in root.iter() if element.tag.endswith("}file")]
    assert file.text == AWKWARD


def test_a_menu_has_its_items() -> None:
    root = ElementTree.fromstring(menu(AWKWARD, [("Clock", "xclock"), (AWKWARD, AWKWARD)]))
    labels = [element.attrib["label"] for element in root.iter() if "label" in element.attrib]
    assert labels == [AWKWARD, "Clock", AWKWARD]
    commands = [element.text for element in root.iter() if element.tag.endswith("}command")]
    assert commands == ["xclock", AWKWARD]

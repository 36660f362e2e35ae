#!/usr/bin/env python3
"""Print what one service needs from PyPI, one requirement a line, for its image.

    requirements.py encoder          what `pip install '.[encoder]'` would pull in
    requirements.py gateway launcher both

Read from pyproject.toml beside the working directory. Standard library only: it runs in the images'
build stage, before anything is installed, so that what is pulled in is a layer of its own.
"""

import re
import sys
import tomllib
from pathlib import Path

_SELF = re.compile(r"fanlight\[([a-z,]+)\]")


def requirements(project: dict, extras: list[str]) -> list[str]:
    """The project's own dependencies and those of `extras`, extras of extras resolved."""
    found = list(project["dependencies"])
    left = list(extras)
    while left:
        for requirement in project["optional-dependencies"].get(left.pop(0), []):
            # Never left to pip: on PyPI the name belongs to whoever takes it.
            if inner := _SELF.fullmatch(requirement):
                left += inner[1].split(",")
            else:
                found.append(requirement)
    return sorted(set(found))


if __name__ == "__main__":
    pyproject = tomllib.loads(Path("pyproject.toml").read_text())
    print("\n".join(requirements(pyproject["project"], sys.argv[1:])))

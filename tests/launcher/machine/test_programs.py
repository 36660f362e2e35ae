"""Programs that are missing."""

import pytest

from fanlight_common.core.errors import ConfigurationError
from fanlight_launcher.machine.programs import DEMO_PROGRAMS, Program, check_programs

ABSENT = Program("no-such-program", "no-such-package", "a test")


def test_missing_programs_are_named_with_the_command_that_gets_them() -> None:
    check_programs((Program("sh", "dash", "a test"),))
    with pytest.raises(ConfigurationError, match="sudo apt-get install no-such-package"):
        check_programs((ABSENT,))


def test_the_demo_s_programs_have_packages() -> None:
    assert all(program.package and program.purpose for program in DEMO_PROGRAMS)

"""The form of an answer to a request that cannot be done."""

import pytest

from fanlight_common.process.http import problem_of


@pytest.mark.parametrize(
    ("status", "more"),
    [(404, {}), (401, {"WWW-Authenticate": "Bearer"}), (503, {"Retry-After": "1"})],
)
def test_a_problem_says_what_it_is_and_what_to_do(status: int, more: dict[str, str]) -> None:
    body, headers = problem_of(status, "busy", "ask again")
    assert body == {"error": "busy", "message": "ask again"}
    assert headers == {"Cache-Control": "no-store", **more}

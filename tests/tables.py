"""Reads the tables in the docstrings of state machines."""


def table(docstring: str | None, columns: int) -> list[list[str]]:
    """Return the rows of the only table in `docstring`, without its head.

    A table is indented by four spaces, and two spaces or more separate its columns.
    """
    assert docstring
    lines = [line.strip() for line in docstring.splitlines() if line.startswith("    ")]
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]
    assert len(rows) > 2
    assert all(len(row) == columns for row in rows), rows
    return rows[1:]

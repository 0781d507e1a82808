"""Cells of tables that people open in a spreadsheet."""

# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: object) -> object:
    """A value of a CSV that no spreadsheet calculates. Source: OWASP ASVS 5.0, 1.2.10.

    No two texts become the same cell: of what begins with apostrophes and then so, one is ours.
    """
    if isinstance(value, str) and value.lstrip("'").startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value

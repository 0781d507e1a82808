"""Cells of tables that people open in a spreadsheet."""

# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: object) -> object:
    """A value of a CSV that no spreadsheet calculates. Source: OWASP ASVS 5.0, 1.2.10."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value

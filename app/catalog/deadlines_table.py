"""Writes the table of docs/deadlines.md from the catalogue's file: `make deadlines`."""

from app.catalog.belief import in_words
from app.catalog.deadlines import Deadline, read_book
from app.providers.profiles import profiles
from app.settings import ROOT

PAGE = ROOT / "docs" / "deadlines.md"
BEGIN, END = "<!-- made by `make deadlines` -->\n", "<!-- to here -->\n"
HEAD = "| Day | Where | What stops | Models | Who says so |\n|---|---|---|---|---|\n"


def table() -> str:
    """The catalogue's days as a table, the first day first."""
    return HEAD + "".join(_row(one) for one in read_book())


def with_table(page: str) -> str:
    """The page with the table as the file has it."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _row(one: Deadline) -> str:
    day = f"not before {in_words(one.day)}" if one.is_earliest else in_words(one.day)
    what = f"{one.title}. {one.text}"
    models = ", ".join(f"`{name}`" for name in one.models if name != "*") or "every one"
    if one.kind == "platform":
        models = "none: the platform itself"
    source = f"[{one.source}]({one.source_url}), read {in_words(one.read_on)}"
    return f"| {day} | {profiles()[one.profile].label} | {what} | {models} | {source} |\n"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))

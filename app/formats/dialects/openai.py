"""OpenAI's own words, and Azure's, who wants a byte order mark before them."""

from collections.abc import Callable, Mapping

from app.formats.base import JsonObject
from app.formats.dialects.base import written
from app.formats.preference import in_openais_words
from app.formats.reading import BOM, read_object

Change = Callable[[JsonObject], JsonObject]


class JsonLines:
    """One JSON object a line. A row that is said that way already stays as it is, byte for byte."""

    ending = "jsonl"
    media_type = "application/jsonl"

    def __init__(
        self, name: str, title: str, says: str, changes: Mapping[str, Change | None], bom: bytes
    ) -> None:
        self.name, self.title, self.says, self.formats = name, title, says, changes
        self._bom = bom

    def head(self, _format_name: str) -> bytes:
        """The byte order mark where one is wanted."""
        return self._bom

    def row(self, format_name: str, line: bytes) -> bytes:
        """The row in these words."""
        line = line.rstrip(b"\r")
        change = self.formats[format_name]
        if change is not None:
            value = read_object(line)
            changed = change(value)
            line = line if changed == value else written(changed)
        return b"%s\n" % line


_FORMATS: Mapping[str, Change | None] = {
    "chat": None,
    "preference": in_openais_words,
    "reinforcement": None,
    "completion": None,
    "evaluation": None,
}
OPENAI = JsonLines(
    "openai",
    "OpenAI",
    "JSON Lines in UTF-8 without a byte order mark; pairs under OpenAI's keys of today.",
    _FORMATS,
    b"",
)
AZURE = JsonLines(
    "azure",
    "Azure OpenAI",
    "The same rows with the byte order mark that Azure asks for.",
    _FORMATS,
    BOM,
)

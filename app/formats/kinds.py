"""Files that are no rows at all, told by their first bytes."""

from app.formats.base import Finding
from app.formats.reading import UTF16

HEAD_LENGTH = 64

_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed with gzip", "Unpack it and upload what is inside."),
    (b"PK\x03\x04", "a zip archive (an Excel or Word file is one too)", "Unpack or export it."),
    (b"PK\x05\x06", "an empty zip archive", "Upload the rows themselves, as JSON lines."),
    (b"PAR1", "a Parquet file", "Export it as JSON lines."),
    (b"%PDF", "a PDF document", "Upload the rows themselves, as JSON lines."),
    (b"\x7fELF", "a program", "Upload the rows themselves, as JSON lines."),
    (b"MZ\x90\x00", "a program", "Upload the rows themselves, as JSON lines."),
    (b"SQLite format 3\0", "an SQLite database", "Export the table as JSON lines."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it and upload what is inside."),
    (b"BZh", "compressed with bzip2", "Unpack it and upload what is inside."),
    (b"\xfd7zXZ\0", "compressed with xz", "Unpack it and upload what is inside."),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it and upload what is inside."),
    *(
        (b"\x80%c" % protocol, "a Python pickle", "Export the rows as JSON lines.")
        for protocol in range(2, 6)
    ),
    (b"ARROW1", "an Arrow file", "Export it as JSON lines."),
    (b"\x89PNG", "an image", "Upload the rows themselves, as JSON lines."),
    (b"\xff\xd8\xff", "an image", "Upload the rows themselves, as JSON lines."),
)


def finding_about(head: bytes) -> Finding | None:
    """What the first bytes of a file say against reading it as lines of JSON; None: nothing."""
    for magic, kind, cure in _KINDS:
        if head.startswith(magic):
            return Finding("read.kind", None, "error", f"The file is {kind}.", cure)
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"} or head[:4] == b"\0\0\xfe\xff":
        return UTF16
    if head and head.count(0) * 3 >= len(head):
        return UTF16
    return None

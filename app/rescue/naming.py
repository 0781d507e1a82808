"""Names of files made of what strangers wrote: readable, and nothing that any system takes for more
than a name.
"""

import re
import unicodedata

LONGEST = 80
# Letters and digits of any script, and a few signs; no separator, no space, no control.
STRANGE = re.compile(r"[^\w.\-]+")


def safe_name(text: str, longest: int = LONGEST) -> str:
    """A text as part of a file's name: at most `longest` bytes, never empty, never hidden, with
    none of the signs that lead elsewhere. Two texts may share a name.
    """
    plain = unicodedata.normalize("NFKC", text)
    name = STRANGE.sub("-", plain).strip(".-_")
    cut = name.encode(errors="ignore")[:longest].decode(errors="ignore").rstrip(".-_")
    return cut or "unnamed"

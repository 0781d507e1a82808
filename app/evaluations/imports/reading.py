"""Any of the formats, recognised by what is in it."""

from collections.abc import Sequence

from app.evaluations.imports import config, results, rows
from app.evaluations.imports.base import Imported, NotImportable, Telling, objects
from app.evaluations.imports.documents import read_document
from app.evaluations.imports.nunjucks import Names, Untranslatable
from app.evaluations.imports.prompts import Prompt, prompt_of
from app.formats.base import JsonObject

UNKNOWN = (
    "This is neither a configuration of promptfoo, nor its results, nor rows of OpenAI's Evals "
    '({"item": …, "sample": …}).'
)


def read(
    content: bytes,
    *,
    graders: Sequence[JsonObject] = (),
    prompt: str | None = None,
    judge: str | None = None,
) -> Imported:
    """The evaluation in these bytes. `graders` and `prompt` are for rows of OpenAI's, which name
    neither; `judge` is the model that judges where promptfoo's asserts name none. Raises
    NotImportable in words.
    """
    value = read_document(content)
    if isinstance(value, dict) and results.rows_in(value):
        return results.read(value, judge)
    if isinstance(value, dict) and ("tests" in value or "prompts" in value):
        return config.read(value, judge)
    if isinstance(value, dict) and rows.are_rows([value]):
        value = [value]
    if rows.are_rows(value):
        telling = Telling()
        left = len(value) - len(objects(value))
        if left:
            telling("rows", f"{left:,} of them are no objects.")
        return rows.read(objects(value), graders, asking(prompt), telling=telling)
    raise NotImportable(UNKNOWN)


def asking(prompt: str | None) -> Prompt | None:
    """A prompt that a person typed, with `{{ item.question }}` as its places. Raises
    NotImportable.
    """
    if prompt is None:
        return None
    try:
        return prompt_of(prompt, Names(is_wrapped=True))
    except Untranslatable as error:
        raise NotImportable(f"The prompt cannot be read: {error}.") from error

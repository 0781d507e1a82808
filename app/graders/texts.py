"""What graders of texts share: the text they look at, and what they hold it against."""

from app.graders.base import Answer, Case, Grader, Ungradable
from app.graders.settings import setting
from app.graders.template import Template, filled

LONGEST = 100_000
"""Characters of a text that is graded."""
ANSWER, REFERENCE = "{{ sample.output_text }}", "{{ item.answer }}"
GIVEN = "As it stands, with places such as {{ sample.output_text }} or {{ sample.output_json.a }}."
WANTED = "As it stands, with places such as {{ item.answer }}, a field of the row."


class Reads(Grader):
    """Graders of one text: the answer, unless another is named."""

    input: Template = setting("template", "Text to grade", GIVEN, default=ANSWER)

    def given(self, case: Case, answer: Answer) -> str:
        """The text to grade. Raises Ungradable."""
        return _fits(filled(self.input, case, answer))


class Compares(Reads):
    """Graders that hold that text against another."""

    reference: Template = setting("template", "Compared with", WANTED, example=REFERENCE)

    def wanted(self, case: Case, answer: Answer) -> str:
        """What the text should be. Raises Ungradable."""
        return _fits(filled(self.reference, case, answer))


def _fits(text: str) -> str:
    if len(text) > LONGEST:
        raise Ungradable("other_error", f"A text to grade has at most {LONGEST:,} characters.")
    return text

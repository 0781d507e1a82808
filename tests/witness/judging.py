"""A judge of two answers, played by the witness: one that knows what is right, or one that goes by
the place alone.
"""

import json
import re

FAIR, BY_PLACE = "fair", "by place"
_PARTS = re.compile(
    r"<question>\n(.*)\n</question>.*<answer_1>\n(.*)\n</answer_1>.*<answer_2>\n(.*)\n</answer_2>",
    re.DOTALL,
)


def reply(prompt: str, way: str, right: dict[str, str]) -> str | None:
    """What this judge says where it is asked to compare two; `right` are the answers to questions
    that a fair one goes by.
    """
    found = _PARTS.search(prompt)
    if found is None:
        return None
    question, *answers = found.groups()
    wanted = right.get(question)
    is_right = [answer == wanted for answer in answers]
    result = "1" if way == BY_PLACE or is_right == [True, False] else "tie"
    if way == FAIR and is_right == [False, True]:
        result = "2"
    return json.dumps({"reason": f"It is {wanted}.", "result": result})

"""What a rule is called where several rows break it: the reason of one speaks of that one."""

TITLES = {
    "answer.contradicts": "The same question with other short answers. Training pulls both ways.",
    "answer.cut": "Answers that look cut.",
    "answer.differs": "The same question with other answers.",
    "answer.length": "Answers far longer or shorter than the others.",
    "answer.refusal": "Answers that refuse. A model trained on them refuses more often.",
    "answer.repetition": "Answers that go round in circles.",
    "answer.same_opening": "Answers that begin with the same words.",
    "answer.set_phrase": "Answers with a set phrase of chat assistants.",
    "content.part_type": "Parts of a type that may not stand where they do.",
    "content.type": "Contents that are neither a text nor a list of parts.",
    "content.unsupported": "Parts that OpenAI does not tune on.",
    "duplicate.exact": "Rows that stand twice. Training weighs them double.",
    "duplicate.near": "Rows that are nearly the same as an earlier one.",
    "duplicate.normalised": "Rows that stand twice but for case and spaces.",
    "image.many": "More images in a row than OpenAI takes.",
    "image.size": "Images larger than OpenAI and Azure take.",
    "image.too_many": "More images in a row than OpenAI and Azure take.",
    "language.answer": "Answers in another language than their question.",
    "language.rare": "Languages that few answers are in.",
    "message.name": "Names that are not 1 to 64 letters, digits, _ or -.",
    "message.role": "Roles that nobody knows.",
    "message.unknown_key": "Keys of messages that OpenAI does not know.",
    "message.weight": "Weights that are neither 0 nor 1.",
    "read.duplicate_key": "Keys that stand twice in one object.",
    "read.json": "Lines that are not JSON.",
    "read.not_object": "Lines that are not objects.",
    "row.unknown_key": "Keys that a row of this format does not have.",
    "system.nearly_same": "System prompts that differ in a few characters.",
    "tokens.over_limit": "Rows longer than OpenAI trains on.",
    "tool.unmatched": "Answers of tools that no earlier call asked for.",
    "tools.name": "Names of tools that are not 1 to 64 letters, digits, _ or -.",
    "tools.twice": "Tools of one row with the same name.",
}


def title_of(rule: str, reason: str, count: int) -> str:
    """What to write over `count` findings of a rule, of which the first has this reason."""
    return reason if count == 1 else TITLES.get(rule, reason)

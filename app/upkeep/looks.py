"""How a look says that something is not as it should be."""


class Wrong(Exception):
    """Something does not work; `cure` is a sentence for whoever mends it."""

    def __init__(self, words: str, cure: str) -> None:
        super().__init__(words)
        self.words, self.cure = words, cure


class Worth(Wrong):
    """Something works, and is worth a look."""

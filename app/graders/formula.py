"""The formula of a `multi` grader: + - * / ^, parentheses, numbers, names and eight functions.

Read by recursive descent into nested functions; nothing of it is ever Python.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

LONGEST, DEEPEST = 2_000, 50
TOKEN = re.compile(r"\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[^\W\d]\w*|[-+*/^(),])", re.ASCII)
FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "floor": lambda number: float(math.floor(number)),
    "ceil": lambda number: float(math.ceil(number)),
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}
MANY = ("min", "max")
"""The functions that take any number of arguments; the others take one."""

Names = Mapping[str, float]
Node = Callable[[Names], float]
Operation = Callable[[float, float], float]


class FormulaError(ValueError):
    """A formula that cannot be read, or has no value; the message says where or why."""


class Formula:
    """A formula that was understood."""

    def __init__(self, node: Node, names: frozenset[str]) -> None:
        self._node = node
        self.names = names

    def value(self, names: Names) -> float:
        """Its value for these numbers. Raises FormulaError where it has none."""
        try:
            value = float(self._node(names))
        except ZeroDivisionError as error:
            raise FormulaError("The formula divides by zero.") from error
        except OverflowError as error:
            raise FormulaError("The formula's value is too large.") from error
        except ValueError as error:
            raise FormulaError("The formula has no real value for these scores.") from error
        if not math.isfinite(value):
            raise FormulaError("The formula's value is too large.")
        return value


@lru_cache(maxsize=256)
def formula(text: str) -> Formula:
    """Understand a formula. Raises FormulaError."""
    if len(text) > LONGEST:
        raise FormulaError(f"The formula is longer than {LONGEST:,} characters.")
    return _Reader(text).whole()


class _Reader:
    """One reading of one formula, from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._names: set[str] = set()

    def whole(self) -> Formula:
        node = self._sum()
        if self._next():
            raise FormulaError(f"'{self._next()}' was not expected {self._where()}.")
        return Formula(node, frozenset(self._names))

    def _sum(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise FormulaError(f"The formula is nested deeper than {DEEPEST}.")
        node = self._chain(self._product, {"+": operator.add, "-": operator.sub})
        self._depth -= 1
        return node

    def _product(self) -> Node:
        return self._chain(self._signed, {"*": operator.mul, "/": operator.truediv})

    def _chain(self, read: Callable[[], Node], signs: Mapping[str, Operation]) -> Node:
        """Terms from left to right, in a loop: a long formula is no deep one."""
        first = read()
        rest = []
        while operation := signs.get(self._next()):
            self._at += 1
            rest.append((operation, read()))

        def value(names: Names) -> float:
            result = first(names)
            for operation, term in rest:
                result = operation(result, term(names))
            return result

        return value if rest else first

    def _signed(self) -> Node:
        """Minus binds looser than a power: -2 ^ 2 is -4."""
        is_negative = False
        while (sign := self._next()) in ("+", "-"):
            is_negative ^= sign == "-"
            self._at += 1
        node = self._power()
        return (lambda names: -node(names)) if is_negative else node

    def _power(self) -> Node:
        """From the right: 2 ^ 3 ^ 2 is 2 ^ 9."""
        base = self._one()
        if self._next() != "^":
            return base
        self._at += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise FormulaError(f"The formula is nested deeper than {DEEPEST}.")
        exponent = self._signed()
        self._depth -= 1
        return lambda names: math.pow(base(names), exponent(names))

    def _one(self) -> Node:
        word = self._next()
        if not word or word in "+-*/^,)":
            raise FormulaError(f"A number, a name or '(' is missing {self._where()}.")
        self._at += 1
        if word == "(":
            node = self._sum()
            self._expect(")")
            return node
        if word[0].isdigit() or word[0] == ".":
            number = float(word)
            return lambda _: number
        if self._next() == "(":
            return self._call(word)
        self._names.add(word)
        return lambda names: names[word]

    def _call(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise FormulaError(f"There is no function '{name}'; there are {', '.join(FUNCTIONS)}.")
        self._at += 1
        inner = [self._sum()]
        while self._next() == ",":
            self._at += 1
            inner.append(self._sum())
        self._expect(")")
        if len(inner) > 1 and name not in MANY:
            raise FormulaError(f"'{name}' takes one argument, not {len(inner)}.")
        function = FUNCTIONS[name]
        if len(inner) == 1:
            only = inner[0]
            return only if name in MANY else lambda names: function(only(names))
        return lambda names: function(*[node(names) for node in inner])

    def _next(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _where(self) -> str:
        if self._at >= len(self._tokens):
            return "at the end"
        return f"at character {self._tokens[self._at][1] + 1}"

    def _expect(self, sign: str) -> None:
        if self._next() != sign:
            raise FormulaError(f"'{sign}' is missing {self._where()}.")
        self._at += 1


def _tokens(text: str) -> list[tuple[str, int]]:
    """Every token and where it begins."""
    text = text.rstrip()
    tokens = []
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            at = len(text) - len(text[at:].lstrip())
            raise FormulaError(f"'{text[at]}' at character {at + 1} has no meaning here.")
        at = found.end()
        tokens.append((found[1], found.start(1)))
    return tokens

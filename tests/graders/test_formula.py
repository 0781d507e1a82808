"""The formula of a multi grader means what mathematics means, and never runs anything."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.graders.formula import FUNCTIONS, FormulaError, formula

SCORES = {"a": 0.5, "b": 1.0, "min_length": 4.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("1 - 2 - 3", -4),
        ("8 / 2 / 2", 2),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("2 ^ -1", 0.5),
        ("- - 3", 3),
        ("(a + b) / 2", 0.75),
        ("0.5 * a + .5 * b", 0.75),
        ("1e1 + 2.", 12),
        ("min(a, b, 0.25)", 0.25),
        ("max(a, b)", 1),
        ("min(a)", 0.5),
        ("min_length", 4),
        ("abs(a - b)", 0.5),
        ("floor(1.5) + ceil(1.5)", 3),
        ("exp(1)", math.e),
        ("sqrt(16)", 4),
        ("log(exp(2))", 2),
        (" + ".join(["a"] * 400), 200),
        ("(" * 40 + "a" + ")" * 40, 0.5),
    ],
)
def test_a_formula_has_the_value_mathematics_gives_it(text, value):
    assert formula(text).value(SCORES) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "at the end"),
        ("a +", "at the end"),
        ("a b", "character 3"),
        ("(a", r"'\)' is missing"),
        ("a)", "character 2"),
        ("a $ b", r"'\$' at character 3"),
        ("min()", "character 5"),
        ("sqrt(a, b)", "one argument"),
        ("eval(a)", "no function 'eval'"),
        ("__import__('os')", "no meaning"),
        ("a.__class__", "no meaning"),
        ("a ** b", "character 4"),
        ("a; b", "no meaning"),
        ("(" * 51 + "a" + ")" * 51, "deeper than 50"),
        ("^".join(["2"] * 60), "deeper than 50"),
        ("a" * 2001, "longer than 2,000"),
    ],
)
def test_what_is_no_formula_is_told_with_its_place(text, told):
    with pytest.raises(FormulaError, match=told):
        formula(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a / (b - b)", "divides by zero"),
        ("exp(1000)", "too large"),
        ("9 ^ 9 ^ 9", "too large"),
        ("1e999 - 1e999", "too large"),
        ("floor(9) ^ floor(9) ^ floor(9)", "too large"),
        ("log(0)", "no real value"),
        ("sqrt(0 - 1)", "no real value"),
        ("abs((0 - 8) ^ (1 / 3))", "no real value"),
    ],
)
def test_a_formula_without_a_value_is_told(text, told):
    with pytest.raises(FormulaError, match=told):
        formula(text).value(SCORES)


@settings(deadline=None)
@given(st.text(alphabet="ab1.e+-*/^(), minsqrt", max_size=60))
def test_any_text_is_a_formula_with_a_number_or_a_told_error(text):
    try:
        understood = formula(text)
        value = understood.value(dict.fromkeys(understood.names, 0.5))
    except FormulaError:
        return
    assert math.isfinite(value)


LEAVES = st.sampled_from(["a", "b", "c", "0.5", "2.", ".25", "3e0", "10.0"])
PYTHON = {"__builtins__": {}, "a": 0.5, "b": 3.0, "c": -1.5, **FUNCTIONS, "abs": math.fabs}


def grown(inner):
    """Formulas of formulas, with as few parentheses as may be: Python's rules are ours."""
    signs = st.sampled_from(["+", "-", " * ", "/", "^", " ^ "])
    return (
        st.builds("{}{}{}".format, inner, signs, inner)
        | st.builds("({})".format, inner)
        | st.builds("-{}".format, inner)
        | st.builds("{}({})".format, st.sampled_from(["abs", "floor", "ceil", "sqrt"]), inner)
        | st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner)
    )


@settings(deadline=None)
@given(st.recursive(LEAVES, grown, max_leaves=12))
def test_a_formula_has_the_value_python_gives_it(text):
    try:
        wanted = eval(text.replace("^", "**"), PYTHON)  # noqa: S307 - of texts made above
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        wanted = None  # TypeError: a root of a negative number, which Python makes complex
    if isinstance(wanted, complex) or wanted is None or not math.isfinite(wanted):
        with pytest.raises(FormulaError):
            formula(text).value(PYTHON)
    else:
        assert formula(text).value(PYTHON) == pytest.approx(wanted)

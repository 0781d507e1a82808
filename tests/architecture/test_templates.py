"""Rules of the templates: nothing unescaped, no script inside, fragments that stand alone."""

import ast
import re

import pytest
from jinja2 import nodes
from jinja2.meta import find_referenced_templates, find_undeclared_variables

from app.core.pages import templates
from app.settings import ROOT
from tests.architecture.test_modules import trees

FOLDER = ROOT / "templates"
NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))
PAGES = [name for name in NAMES if not name.startswith("ui/")]
CONTEXT = {"view", "shell", "csrf", "request", "toast"}
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|\son[a-z]+=|\sstyle=|javascript:|hx-on|<style")


def source(name: str) -> str:
    return (FOLDER / name).read_text()


def parsed(name: str) -> nodes.Template:
    return templates().parse(source(name))


def undeclared(tree: nodes.Template) -> set[str]:
    """Names that come from outside; those set in one branch and used in it are not among them."""
    names = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    return find_undeclared_variables(tree) - templates().globals.keys() - names - macros


def test_a_page_uses_its_view_and_the_shell_alone():
    found = {name: undeclared(parsed(name)) - CONTEXT for name in PAGES}
    assert {name: more for name, more in found.items() if more} == {}


def test_text_is_never_marked_safe():
    for name in NAMES:
        tree = parsed(name)
        filters = {one.name for one in tree.find_all(nodes.Filter)}
        assert not filters & {"safe", "forceescape"}, name
        assert not list(tree.find_all((nodes.ScopedEvalContextModifier, nodes.MarkSafe))), name


def test_no_script_and_no_style_stands_inside():
    found = {name: INLINE.findall(source(name)) for name in NAMES}
    assert {name: inline for name, inline in found.items() if inline} == {}


def test_every_template_compiles_and_what_it_includes_exists():
    for name in NAMES:
        templates().get_template(name)
        assert set(find_referenced_templates(parsed(name))) <= {*NAMES}, name


def fragments() -> set[tuple[str, str]]:
    """Every (template, block) that code renders alone."""
    found = {("datasets/show.html", "progress"), ("jobs/index.html", "rows")}
    for _, tree in trees():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "page":
                template = call.args[1]
                for word in call.keywords:
                    if word.arg == "fragment" and isinstance(template, ast.Constant):
                        blocks = [
                            node.value
                            for node in ast.walk(word.value)
                            if isinstance(node, ast.Constant)
                            if isinstance(node.value, str) and not node.value.startswith("hx-")
                        ]
                        found |= {(template.value, block) for block in blocks}
    return found


FRAGMENTS = sorted(fragments())


def test_all_fragments_are_seen():
    assert {("jobs/show.html", "progress"), ("jobs/show.html", "events")} <= set(FRAGMENTS)
    assert {("jobs/new.html", "form"), ("jobs/new.html", "receipt")} <= set(FRAGMENTS)


@pytest.mark.parametrize(("name", "block"), FRAGMENTS)
def test_a_fragment_imports_what_it_needs_inside_itself(name, block):
    """Rendered alone, a block does not see what its page imported or set outside of it."""
    found = [one for one in parsed(name).find_all(nodes.Block) if one.name == block]
    assert len(found) == 1, f"{name} has no block {block}"
    alone = nodes.Template(found[0].body, lineno=1)
    alone.set_environment(templates())
    assert undeclared(alone) <= CONTEXT

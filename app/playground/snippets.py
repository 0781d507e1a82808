"""A conversation's last question as a script that runs as it is, given a token."""

import json
import shlex
from pprint import pformat
from typing import Any

from app.catalog.views import Snippet

TOKEN = "LUTHIER_TOKEN"  # noqa: S105 - the name of a variable


def snippets(url: str, body: dict[str, Any]) -> tuple[Snippet, ...]:
    """The same question to the same models in Python, TypeScript and curl. None needs a package;
    each reads the token from the environment.
    """
    asked = json.dumps(body, indent=2, ensure_ascii=True)
    return (
        Snippet("Python", _python(url, body)),
        Snippet("TypeScript", _typescript(url, asked)),
        Snippet("curl", _curl(url, asked)),
    )


def _python(url: str, body: dict[str, Any]) -> str:
    return f"""import json
import os
from urllib.request import Request, urlopen

question = {pformat(body, width=92, sort_dicts=False)}
request = Request(
    {url!r},
    json.dumps(question).encode(),
    {{"Authorization": "Bearer " + os.environ["{TOKEN}"], "Content-Type": "application/json"}},
)
with urlopen(request) as answer:
    conversation = json.load(answer)
for one in conversation["questions"][-1]["answers"]:
    print(question["columns"][one["place"]]["model"], one["state"], one["text"] or one["error"])"""


def _typescript(url: str, asked: str) -> str:
    return f"""const question = {asked};

const response = await fetch({json.dumps(url)}, {{
  method: "POST",
  headers: {{
    Authorization: `Bearer ${{process.env.{TOKEN}}}`,
    "Content-Type": "application/json",
  }},
  body: JSON.stringify(question),
}});
if (!response.ok) throw new Error(await response.text());
const conversation = await response.json();
for (const one of conversation.questions.at(-1).answers) {{
  console.log(question.columns[one.place].model, one.state, one.text || one.error);
}}"""


def _curl(url: str, asked: str) -> str:
    return f"""curl --fail-with-body {shlex.quote(url)} \\
  -H "Authorization: Bearer ${TOKEN}" \\
  -H "Content-Type: application/json" \\
  -d {shlex.quote(asked)}"""

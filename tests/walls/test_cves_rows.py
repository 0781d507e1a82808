"""What broke programs like this one, on the running server: rows and files (X2, X3, O3, J21).

Names begin with the number of the input in the list of peers' CVEs. The rows are checked as a
worker does it; that hostile words stay words in a browser is `tests/browser/test_hostile_text.py`.
"""

import json
from urllib.parse import quote

import pytest

from app.datasets import tasks

CANARY = "luthier-canary"
MARKUP = (
    f'<img src="/{CANARY}" onerror="alert(1)">',
    f"<script>fetch('/{CANARY}')</script>",
    f"<svg onload=alert('{CANARY}')>",
    f'<div hx-get="/{CANARY}" hx-trigger="load">',
    f'<a data-hx-post="/{CANARY}">',
    f"<b hx-on::load=alert('{CANARY}')>",
    '<meta name="htmx-config" content=\'{"selfRequestsOnly":false}\'>',
    f"<form action=//{CANARY}>",
    f"<base href=//{CANARY}>",
    f"</textarea></template></title><script>{CANARY}</script>",
    f"<iframe srcdoc='<script>{CANARY}</script>'>",
    "javascript:alert(1)",
)
CODE = (
    f"__import__('os').system('touch {{place}}/{CANARY}')",
    f"{{{{7*7}}}}{{{{cycler.__init__.__globals__.os.popen('touch {{place}}/{CANARY}')}}}}",
    f"{{% for x in ().__class__.__base__.__subclasses__() %}}{CANARY}{{% endfor %}}",
    f"${{{{7*7}}}}$(touch {{place}}/{CANARY})`touch {{place}}/{CANARY}`",
    f"!!python/object/apply:os.system ['touch {{place}}/{CANARY}']",
    f"cos\nsystem\n(S'touch {{place}}/{CANARY}'\ntR.",
    "%s%n{0.__class__}{0.__init__.__globals__}",
    '=HYPERLINK("http://evil.example","x")',
)
ODD_KEYS = ("__proto__", "constructor", "prototype", "__class__", "{0.__class__}", "")


def row(question, answer="delivery", **more):
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **more}


def checked(live, rows, name="rows.jsonl"):
    """The id of a new version of these rows (values, or text as it is), read by a worker."""
    lines = (one if isinstance(one, str) else json.dumps(one) for one in rows)
    path = live.fill("/projects/{project_id}/datasets/upload?name=") + quote(name, safe="")
    body = "".join(f"{line}\n" for line in lines).encode()
    answer = live.send("PUT", path, headers=live.cookies_of("owner"), body=body)
    assert answer.status == 202, answer.text
    version_id = int(answer.json["location"].rpartition("/")[2])
    status = f"/api/v1/dataset-versions/{version_id}"
    while live.get(status).json["status"] not in {"ready", "rejected"}:
        with live.inside():
            tasks.check(version_id)  # a slice of it
    return version_id


def pages_of(live, version_id):
    """Every page that shows something of a version, and every answer of the API."""
    page, api = f"/dataset-versions/{version_id}", f"/api/v1/dataset-versions/{version_id}"
    found = live.get(f"{api}/findings").json["data"]
    rules = sorted({one["rule"] for one in found})
    paths = [
        page,
        f"{page}/rows",
        f"{page}/rows?row=1",
        *(f"{page}/findings?rule={r}" for r in rules),
    ]
    asked = [live.get(path) for path in paths]
    assert {one.status for one in asked} == {200}
    return asked, [live.get(path) for path in (api, f"{api}/findings", f"{api}/examples")]


def test_x2_markup_in_a_row_is_text_on_every_page_and_data_in_the_api(live):
    # In every place a row has: words, names, tools, keys, and fields nobody knows.
    rows = [row(text, text) for text in MARKUP]
    rows += [row("q", text, parallel_tool_calls=text) for text in MARKUP]
    rows += [row("q", **{text: text, "html": text}) for text in MARKUP]
    rows += [{"messages": [{"role": text, "name": text, "content": text}]} for text in MARKUP]
    tools = [{"type": "function", "function": {"name": t, "parameters": {t: t}}} for t in MARKUP]
    rows += [row("q", tools=[one]) for one in tools]
    version_id = checked(live, [*rows, *MARKUP], name=f"{MARKUP[0]}.jsonl")
    pages, data = pages_of(live, version_id)
    for answer in pages:
        for text in MARKUP[:-1]:
            assert text not in answer.text
        assert "href=javascript" not in answer.text.replace('"', "")
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for answer in data:
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert MARKUP[0] in data[2].json["data"][0]["example"]["messages"][0]["content"]
    assert "&lt;img src=" in pages[1].text


@pytest.mark.parametrize(
    "name",
    [
        "evil.html",
        "evil.svg",
        "evil.jsonl.html",
        'a".html',
        "a\r\nX-Evil: 1.html",
        "<script>.js",
        "..html",
    ],
)
def test_x3_an_uploaded_file_comes_back_as_a_file_and_never_as_a_page(live, name):
    version_id = checked(live, ["<html><script>alert(1)</script></html>"], name=name)
    for path in ("/dataset-versions/{}/content", "/api/v1/dataset-versions/{}/content"):
        answer = live.get(path.format(version_id), Accept="text/html")
        assert answer.status == 200
        assert answer.body.startswith(b"<html>")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"].startswith("attachment; filename")
        assert answer.headers["Content-Disposition"].rstrip('"').endswith(".jsonl")
        assert "X-Evil" not in answer.headers
    table = live.get(live.fill("/jobs/{job_id}/metrics.csv"))
    assert table.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in table.headers["Content-Security-Policy"]


def test_o3_code_in_a_row_is_text_and_is_never_run(live, tmp_path):
    texts = [text.replace("{place}", str(tmp_path)) for text in CODE]
    version_id = checked(live, [row(text, text, **{text: text}) for text in texts])
    pages, data = pages_of(live, version_id)
    found = [one["example"] for one in data[2].json["data"]]
    assert [one["messages"][0]["content"] for one in found] == texts
    assert [one["messages"][1]["content"] for one in found] == texts
    assert not any("49" in answer.text.partition("cycler")[0][-40:] for answer in pages)
    assert not list(tmp_path.rglob(CANARY))
    # The same words where a person chats: a chat is passed on as it is and never filled in.
    for text in texts:
        form = {"messages": [{"role": "user", "content": text}]}
        live.call(live.fill("/api/v1/models/{model_id}/chat"), form, "viewer")
    assert not list(tmp_path.rglob(CANARY))


@pytest.mark.parametrize("either", ["sqlite", "postgresql"], indirect=True)
def test_j21_a_key_that_means_something_elsewhere_is_a_key(either):
    deep = {"__proto__": {"isAdmin": True, "role": "owner", "project_id": 1}}
    rows = [row("q", **{key: {"isAdmin": True}}) for key in ODD_KEYS]
    rows += [row("q", metadata={key: "x"}) for key in ODD_KEYS]
    rows += [row("q", **deep), row("q", metadata=deep)]
    rows += [{"messages": [{"role": "user", "content": "q", key: "x"}]} for key in ODD_KEYS]
    rows += [row("q", **{"k" * 1_000_000: 1}), row("q", **{f"k{n}": n for n in range(100_000)})]
    version_id = checked(either, rows)
    api = f"/api/v1/dataset-versions/{version_id}"
    shown = either.get(f"{api}/examples?limit=30").json["data"]
    assert [one["example"][key] for one, key in zip(shown, ODD_KEYS, strict=False)] == [
        {"isAdmin": True}
    ] * len(ODD_KEYS)
    found = either.get(f"{api}/findings?limit=200").json["data"]
    named = {one["field"] for one in found if one["row"] in range(1, len(ODD_KEYS) + 1)}
    assert {"__proto__", "constructor", "__class__"} <= {str(name) for name in named}
    assert all(len(str(one["field"])) <= 1000 for one in found)
    for path in ("", "/rows", "/rows?row=1", f"/rows?row={len(rows)}"):
        page = either.get(f"/dataset-versions/{version_id}{path}")
        assert page.status == 200
        assert len(page.body) < 3_000_000
    # Nobody became anybody.
    assert either.get("/people", "editor").status == 403
    assert either.get(either.fill("/projects/{their.project_id}"), "editor").status == 404

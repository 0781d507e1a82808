"""What broke programs like this one, tried on the running server: paths and names (P).

Names begin with the number of the input in the list of peers' CVEs; `test_checklist.py` holds the
list and says what is tried elsewhere. The matrix (A3, C1 and C2 for every route) is
`test_matrix.py`; addresses that lead inside (R) are tried one by one in `test_corpus.py`.
"""

from pathlib import Path
from urllib.parse import quote

import pytest

CLIMBING = (
    "../../etc/passwd",
    "..\\..\\etc\\passwd",
    "/etc/passwd",
    "C:\\windows\\win.ini",
    "file:///etc/passwd",
    "/proc/self/environ",
    "%2e%2e%2fx",
    "..",
    "dbfs:/x",
    "a?/a",
)


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CLIMBING)
def test_p1_the_name_of_an_upload_is_a_label_and_never_a_path(live, name):
    before = files_below(live.home.parent)
    path = live.fill("/projects/{project_id}/datasets/upload?name=") + quote(name, safe="")
    answer = live.send("PUT", path, headers=live.cookies_of("owner"), body=b'{"messages": []}\n')
    assert answer.status == 202
    made = [one for one in files_below(live.home.parent) - before if "sqlite" not in one.name]
    assert all((live.home / "blobs") in one.parents for one in made), made
    version = answer.json["location"]
    disposition = live.get(f"{version}/content").headers["Content-Disposition"]
    label = disposition.partition("filename")[2]
    assert not set("/\\:") & set(label)
    assert "%2f" not in label.lower()


@pytest.mark.parametrize("name", CLIMBING)
def test_p1_the_name_of_a_file_in_a_form_is_a_label_too(live, name):
    quoted = name.replace("\\", "\\\\")
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n\r\n'
        "{}\n\r\n--b--\r\n"
    ).encode()
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        **live.people["owner"].by_token,
    }
    path = live.fill("/api/v1/projects/{project_id}/datasets")
    answer = live.send("POST", path, headers=headers, body=body)
    assert answer.status == 202
    label = answer.json["name"]
    assert not set("/\\") & set(label)
    assert label


@pytest.mark.parametrize(
    "path",
    [
        "/static/%252e%252e/app/main.py",
        "/static/%2e%2e/app/main.py",
        "/static/..%2f..%2fMakefile",
        "/static/..%252f..%252fMakefile",
        "/static/../Makefile",
        "/static/css/../../Makefile",
        "/static/%2e%2e%5cMakefile",
        "/static/css/%00kit.css",
    ],
)
def test_p2_a_path_is_decoded_once_and_leads_nowhere(live, path):
    assert live.get(path).status == 404


@pytest.mark.parametrize("tail", ["/v1#/../../etc", "/v1?../x", "/v1;../x#", "/v1/..;/x?y"])
def test_p3_an_address_hides_nothing_behind_a_mark(live, tail):
    form = {"name": "Marked", "base_url": f"https://api.example.com{tail}", "api_key": "sk-1"}
    answer = live.call(live.fill("/api/v1/projects/{project_id}/connections"), form)
    assert answer.status == 422
    assert answer.json["errors"][0]["field"] == "base_url"
    assert "from ? or # on" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("url", ["dbfs:/x", "C:/x", "file:///etc/passwd", "s3://bucket", "a?/a"])
def test_p4_an_address_begins_with_https(live, url):
    form = {"name": "Schemed", "base_url": url, "api_key": "sk-1"}
    answer = live.call(live.fill("/api/v1/projects/{project_id}/connections"), form)
    assert answer.status == 422
    assert "must begin with https://" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("number", ["..%2f1", "%2e%2e", "1%2f..%2f1", "1%00", "0x1", "1.jsonl"])
def test_p5_an_id_is_a_number_before_anything_is_made_of_it(live, number):
    for path in ("/dataset-versions/{}/content", "/dataset-versions/{}/rows", "/jobs/{}/metrics"):
        assert live.get(path.format(number)).status == 404
        assert live.get("/api/v1" + path.format(number).replace("rows", "examples")).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/file=/etc/passwd",
        "/file=../../etc/passwd",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/C:%5cwindows%5cwin.ini",
        "/static/%5cwindows%5cwin.ini",
        "//etc/passwd",
    ],
)
def test_p6_an_absolute_path_opens_no_file(live, path):
    answer = live.get(path)
    assert answer.status == 404
    assert "root:" not in answer.text

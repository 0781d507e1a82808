"""The proxies' examples for a trainer, run by the real programs where this machine has them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import openai
import pytest

from tests.processes import free_port
from tests.trainer.conftest import BASE, KEY, ROOT, Trainer, intent_rows, jsonl, upload
from tests.waiting import eventually

EXAMPLES = ROOT / "docs" / "proxy"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx(folder: Path, address: str, port: int) -> list[str]:
    """Only ports, certificate and folders of the example are exchanged."""
    words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost")
    made = ("-keyout", folder / "luthier.key", "-out", folder / "luthier.pem")
    subprocess.run(["openssl", *words, *made], check=True, capture_output=True)
    settings = (EXAMPLES / "trainer.nginx.conf").read_text()
    for there, here in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl": str(folder),
        "127.0.0.1:8001": address,
    }.items():
        assert there in settings
        settings = settings.replace(there, here)
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in TEMPORARY)
    around = f"pid {folder}/pid; daemon off; events {{}} http {{ {places} access_log off;"
    (folder / "nginx.conf").write_text(f"{around}\n{settings}\n}}\n")
    return ["nginx", "-e", f"{folder}/errors", "-c", f"{folder}/nginx.conf", "-p", str(folder)]


def caddy(folder: Path, address: str, port: int) -> list[str]:
    """Its own certificate authority stands for the public one."""
    options = "{\n admin off\n auto_https disable_redirects\n skip_install_trust\n}\n"
    settings = (EXAMPLES / "trainer.Caddyfile").read_text().replace("127.0.0.1:8001", address)
    site = f"https://localhost:{port} {{\n\ttls internal"
    settings = settings.replace("trainer.example.org {", site, 1)
    (folder / "Caddyfile").write_text(options + settings)
    return ["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxied(request, trainer: Trainer, tmp_path: Path) -> Iterator[openai.OpenAI]:
    """The SDK at the proxy that stands before the trainer and speaks TLS."""
    if shutil.which(request.param.__name__) is None:
        pytest.skip(f"no {request.param.__name__} on this machine")
    port = free_port()
    process = subprocess.Popen(
        request.param(tmp_path, f"127.0.0.1:{trainer.port}", port),
        env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    )
    web = httpx2.Client(verify=False, trust_env=False)
    address = f"https://localhost:{port}/v1"
    with openai.OpenAI(base_url=address, api_key=KEY, max_retries=0, http_client=web) as client:
        try:
            eventually(lambda: is_there(client), within=20)
            yield client
        finally:
            process.terminate()
            process.wait(10)


def is_there(client: openai.OpenAI) -> bool:
    with suppress(openai.APIConnectionError):
        return bool(client.models.list().data)
    return False


def test_the_sdk_works_behind_the_example(proxied: openai.OpenAI):
    rows = jsonl(intent_rows(1)) * 20_000

    assert len(rows) > 2_000_000, "more than nginx takes unasked"
    assert proxied.files.content(upload(proxied, rows)).read() == rows
    answer = proxied.chat.completions.create(
        model=BASE, messages=[{"role": "user", "content": "hello"}], max_tokens=5, stream=True
    )
    assert {piece.object for piece in answer} == {"chat.completion.chunk"}
    with pytest.raises(openai.NotFoundError) as refused:
        proxied.files.retrieve("file-x")
    assert refused.value.request_id.startswith("req_")

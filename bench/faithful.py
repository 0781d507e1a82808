"""Every call through Prism, which holds requests and answers against OpenAI's own specification.

`OPENAI_SPEC=openapi.yaml make faithful`, with github.com/openai/openai-openapi at hand and Prism's
program (npm: @stoplight/prism-cli) on the path or named by PRISM.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai

from tests.processes import free_port
from tests.trainer.calls import ANSWERED, BESIDES, REFUSED, Caller, calling, finished_run, serving
from tests.trainer.receiver import Receiver
from tests.waiting import eventually

# A long list of violations comes cut off: each is read by itself.
SAID = re.compile(r'"message":("(?:[^"\\]|\\.)*")')
CALLS = ANSWERED | BESIDES
# What Prism says of what is meant so.
KNOWN = {
    " 40[045]: Unable to match the returned status code": "the specification has no refusals",
    "POST /chat/completions 200: Response body must be object": "an answer as a stream of events",
    "/content 200: The received media type": "a file's bytes, which the specification calls JSON",
    "property status must be equal to one of the allowed": "`paused`, of OpenAI's guide alone",
    "/webhook_e.* 200: Selected route not found": "in the SDK, and not in the specification",
}


def main() -> int:
    """Print what differs; the exit status is 1 where that is news."""
    receiver = Receiver()
    told: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="luthier-") as place:
        home = Path(place) / "home"
        with (
            serving(home, receiver) as trainer,
            prism(trainer.port) as base_url,
            calling(base_url, finished_run(trainer), receiver) as caller,
        ):
            for name in sorted([*CALLS, *REFUSED]):
                told.update(differences(caller, name))
    receiver.close()
    for line, count in sorted(told.items()):
        print(f"{count:4}  {line}\n      {reason(line) or 'NEW'}")
    print(f"{len(CALLS) + len(REFUSED)} calls")
    return int(any(reason(line) is None for line in told))


def differences(caller: Caller, name: str) -> Iterator[str]:
    """What Prism says of one call of the SDK and of those that led to it."""
    caller.answers.clear()
    call = CALLS[name] if name in CALLS else REFUSED[name][0]
    try:
        call(caller)
    except openai.APIStatusError as error:
        if name in CALLS:
            yield f"{name}: {error.status_code} {error.message[:200]}"
    for answer in caller.answers:
        for said in SAID.findall(answer.headers.get("sl-violations", "")):
            yield re.sub(r"\.\d+", "[]", f"{template(answer)}: {json.loads(said)}")


def template(answer: httpx2.Response) -> str:
    """Method and path, ids left out."""
    parts = answer.request.url.path.split("/")
    plain = [
        "{id}" if any(c in part for c in "-:") or part.startswith(("upload_", "we_")) else part
        for part in parts
    ]
    return f"{answer.request.method} {'/'.join(plain)} {answer.status_code}"


def reason(line: str) -> str | None:
    """Why this difference is meant."""
    return next((why for pattern, why in KNOWN.items() if re.search(pattern, line)), None)


@contextmanager
def prism(port: int) -> Iterator[str]:
    """Prism in front of the trainer."""
    own = free_port()
    program = [os.environ.get("PRISM", "prism"), "proxy", os.environ["OPENAI_SPEC"]]
    process = subprocess.Popen(
        [*program, f"http://127.0.0.1:{port}/v1", "--port", str(own)],
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{own}"

    def listens() -> Any:
        try:
            return httpx2.get(f"{url}/models").status_code
        except httpx2.TransportError:
            return None

    try:
        eventually(listens, within=600)
        yield url
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    sys.exit(main())

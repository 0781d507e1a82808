"""Those who use an instance while things break: one who clicks, and a crowd that never stops."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from app.auth import service as auth
from app.auth.models import Activity, User, UserSession
from app.core import secrets
from app.core.database import read_only, unit_of_work
from app.projects.models import Project
from tests.faults.stage import Stage

PATIENCE = 60


class Person:
    """Somebody at a stage's web process: a browser with its cookie, and a script with a token."""

    def __init__(self, stage: Stage, role: str = "owner", *, address: str | None = None) -> None:
        self.address = address or stage.programs["web"].address
        with unit_of_work() as session:
            user = session.get_one(User, stage.team.users[role])
            cookie = auth.sign_in(session, user.id)
            self.csrf = session.get_one(UserSession, secrets.fingerprint(cookie)).csrf
            token = auth.create_token(session, user, name="tests")
        self.cookie = f"luthier-{urlsplit(self.address).port}={cookie}"
        self.bearer = f"Bearer {token}"
        self._http = httpx2.Client(base_url=self.address, timeout=PATIENCE, trust_env=False)

    def page(self, path: str) -> httpx2.Response:
        """A page, as the browser asks for it."""
        return self._http.get(path, headers={"Cookie": self.cookie, "Accept": "text/html"})

    def send(self, path: str, **fields: Any) -> httpx2.Response:
        """A form, as the browser sends it."""
        return self._http.post(
            path, data={"csrf": self.csrf, **fields}, headers={"Cookie": self.cookie}
        )

    def call(self, method: str, path: str, **words: Any) -> httpx2.Response:
        """What a script asks for."""
        headers = {"Authorization": self.bearer, **words.pop("headers", {})}
        return self._http.request(method, f"/api/v1{path}", headers=headers, **words)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


@dataclass
class Answered:
    """One answer: what was asked, when in seconds since the crowd came, and what was said."""

    what: str
    at: float
    status: int
    retry_after: str | None
    kind: str


@dataclass
class Crowd:
    """Three who read pages, read the API, and make projects, as fast as they are answered."""

    stage: Stage
    answers: list[Answered] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _begun_at: float = field(default_factory=time.monotonic)

    def __enter__(self) -> Self:
        place = f"/projects/{self.stage.team.project_id}"
        acts = {
            "page": lambda person, _: person.page(place),
            "script": lambda person, _: person.call("GET", place),
            "change": lambda person, n: person.call("POST", "/projects", json={"name": f"No. {n}"}),
        }
        self._threads = [
            threading.Thread(target=self._go_on, args=(what, Person(self.stage), act))
            for what, act in acts.items()
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _go_on(self, what: str, person: Person, act: Any) -> None:
        number = 0
        with person:
            while not self._stop.wait(0.1):
                number += 1
                self._keep(what, act(person, number))

    def _keep(self, what: str, answer: httpx2.Response) -> None:
        if answer.status_code == 201:
            self.made.append(answer.json()["name"])
        told = answer.headers
        at = time.monotonic() - self._begun_at
        kind = told.get("content-type", "")
        answered = Answered(what, at, answer.status_code, told.get("retry-after"), kind)
        self.answers.append(answered)

    def is_served(self, since: int = 0) -> bool:
        """Whether the last answer of each was a good one, but for the first `since` answers."""
        last = {one.what: one.status for one in self.answers[since:]}
        return len(last) == len(self._threads) and all(status < 300 for status in last.values())

    def assert_told(self) -> None:
        """Whoever was not served was told so, in their own form, and when to come back; and what
        was kept is whole.
        """
        for one in self.answers:
            assert one.status in {200, 201, 503}, one
            if one.status == 503:
                form = "text/html" if one.what == "page" else "application/problem+json"
                assert (one.retry_after, one.kind.partition(";")[0]) == ("5", form), one
        with read_only() as session:
            kept = [one.name for one in session.query(Project) if one.name.startswith("No. ")]
            written = session.query(Activity).filter_by(verb="project.created")
            names = {str(one.detail.get("name")) for one in written}
        assert set(self.made) <= set(kept), "what was answered with 201 is there"
        assert len(kept) == len(set(kept))
        assert set(kept) <= names, "nothing is kept without its line in the books"

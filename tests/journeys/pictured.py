"""Pictures for the documentation of what a journey has led to (LUTHIER_SHOTS=1)."""

import os

from playwright.sync_api import sync_playwright

from tests.browser.conftest import WORDS, chromium_path
from tests.browser.visitor import visiting
from tests.journeys.api import OWNER
from tests.journeys.evaluating import EPOCHS, Stand


def photograph(stand: Stand, run_id: int, pairs: int, recording_id: int) -> None:
    """An evaluation's run, its parts, and what judges, checkpoints and successors came to."""
    run = f"/evaluation-runs/{run_id}"
    least, best = 3, 2 + len(EPOCHS)
    words = [*WORDS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=words)
        with visiting(chromium, stand.luthier.address) as mara:
            mara.enter("/", *OWNER.values())
            mara.go(f"{run}?confusion={least}")
            mara.picture("evaluation-run")
            mara.picture("evaluation-confusion", of="section[aria-labelledby=confusion]")
            mara.go(f"{run}?wrong={best}&right={best - 1}&column=reference,c1,c4,c5")
            mara.picture("evaluation-cases", of="section[aria-labelledby=cases]")
            mara.go(f"{run}/contestants/{best}/worst")
            mara.picture("evaluation-worst")
            mara.go(f"/jobs/{stand.jobs[EPOCHS[-1]]}")
            mara.page.locator("#evaluations-after").wait_for()
            mara.picture("evaluation-checkpoint", of="#evaluations-after")
            mara.go(f"/evaluation-runs/{pairs}/judges")
            mara.picture("evaluation-judges")
            mara.go(f"/golden/{recording_id}")
            mara.picture("evaluation-golden")
        chromium.close()

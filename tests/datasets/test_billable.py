"""What a provider bills for a pass over a version, by the model's tokenizer and up to its cap."""

import json

from app.core.tokens import O200K, counter, row_tokens
from app.datasets import checks
from app.datasets.billable import Billable, billable_of
from app.datasets.checks import recount
from app.datasets.index import open_index
from app.settings import ROOT
from tests import make
from tests.datasets.making import LIMITS, check

CL100K = "cl100k_base"
TOY = ROOT / "examples" / "cookbook-toy" / "train.jsonl"


def test_the_cookbooks_toy_file_has_the_tokens_the_cookbook_bills(tmp_path):
    toy = check(tmp_path, TOY.read_bytes())
    with toy.index() as index:
        assert billable_of(index, encoding=CL100K, cap=4096) == Billable(4306, 1, CL100K)
        assert billable_of(index, encoding=CL100K, cap=None).tokens == 8242


def test_a_check_with_the_cookbooks_encoding_comes_to_the_same(tmp_path):
    index, progress = tmp_path / "1.sqlite", checks.Progress()
    while not progress.is_done:
        progress = checks.check_slice(
            TOY, index, progress, seconds=0, limits=LIMITS, encoding=CL100K
        )
    assert (checks.verdict(index).encoding, checks.verdict(index).tokens) == (CL100K, 8242)
    with open_index(index) as opened:
        assert billable_of(opened, encoding=CL100K, cap=4096) == Billable(4306, 1, CL100K)


def test_rows_beyond_the_cap_are_cut_there_whatever_else_they_are(tmp_path):
    long, short = make.chat_row("word " * 300, "yes"), make.chat_row("Where?", "no")
    rough = long.replace(b'"messages"', b'"other": 1, "messages"')  # has a finding of its own
    version = check(tmp_path, long + short + rough)
    with version.index() as index:
        lengths = [row.tokens for row in index.each_row()]
        assert lengths[0] > 100 > lengths[1]
        assert billable_of(index, encoding=O200K, cap=100) == Billable(200 + lengths[1], 2, O200K)
        assert billable_of(index, encoding=None, cap=10_000) == Billable(sum(lengths), 0, O200K)


def test_of_a_large_file_a_part_is_counted_again(tmp_path, monkeypatch):
    monkeypatch.setattr(recount, "SAMPLE_BYTES", 20_000)
    rows = [make.chat_row(f"Where is parcel {n}, été comme hiver?", "délivré") for n in range(1000)]
    with check(tmp_path, b"".join(rows)).index() as index:
        found = billable_of(index, encoding=CL100K, cap=None)
        again = index.facts["recounts"][CL100K]
    assert found.is_sampled
    assert 50 <= again["rows"] < 200
    assert sum(rows for _, rows in again["counts"]) == again["rows"]
    exactly = sum(_by_the_rule(row) for row in rows)
    assert abs(found.tokens - exactly) / exactly < 0.005


def _by_the_rule(row):
    return row_tokens(json.loads(row)["messages"], counter(CL100K))


def test_what_no_tokenizer_here_counts_is_told_with_the_files_own(tmp_path):
    with check(tmp_path, make.chat_file()).index() as index:
        found = billable_of(index, encoding="tekken", cap=None)
        assert found == Billable(index.facts["verdict"]["tokens"], 0, O200K)

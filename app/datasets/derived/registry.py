"""The one list of further files that are made of every version that is ready, what people wait for
first.
"""

from app.datasets.checks.deep.passing import Checks
from app.datasets.derived.base import Deriver
from app.datasets.search.making import SearchFile

DERIVERS: dict[str, Deriver] = {deriver.kind: deriver for deriver in (SearchFile(), Checks())}

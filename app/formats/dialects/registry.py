"""The one list of dialects, in the order in which they are offered."""

from app.formats.dialects.base import Dialect
from app.formats.dialects.openai import AZURE, OPENAI
from app.formats.dialects.table import Csv
from app.formats.dialects.trl import TRL

DIALECTS: dict[str, Dialect] = {one.name: one for one in (OPENAI, AZURE, TRL, Csv())}

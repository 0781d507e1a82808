"""A project's dates as iCalendar (RFC 5545), for calendar programs that ask by themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from icalendar import Alarm, Calendar, Event, vDuration, vText

# A program asks about so often; dates move rarely, and each answer is checked by its ETag.
ASK_EVERY = timedelta(hours=6)
# Reminders come at nine in the morning of the day they are about, not at midnight.
MORNING = timedelta(hours=9)


@dataclass(frozen=True, slots=True)
class Entry:
    """An all-day event. `uid` stays when the day moves; `sequence` counts the moves, `changed_at`
    is the last of them.
    """

    uid: str
    day: date
    title: str
    description: str
    url: str
    sequence: int
    changed_at: datetime


@lru_cache(maxsize=64)
def calendar_text(name: str, entries: tuple[Entry, ...], alarms_days: tuple[int, ...]) -> bytes:
    """The calendar: folded, escaped, with CRLF, one reminder so many days ahead of each entry.

    Kept, since an entry takes half a millisecond, and programs ask for the same again and again.
    """
    made = Calendar()
    made.add("prodid", "-//Luthier//What stops//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("name", _text(name, " "))
    made.add("x-wr-calname", _text(name, " "))  # what programs read that are older than RFC 7986
    made.add("refresh-interval", ASK_EVERY, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", vDuration(ASK_EVERY))
    for entry in entries:
        made.add_component(_event(entry, alarms_days))
    text: bytes = made.to_ical()
    return text


def _event(entry: Entry, alarms_days: Iterable[int]) -> Event:
    made = Event()
    made.add("uid", entry.uid)
    made.add("dtstamp", entry.changed_at)
    made.add("last-modified", entry.changed_at)
    made.add("sequence", entry.sequence)
    made.add("dtstart", entry.day)
    made.add("dtend", entry.day + timedelta(days=1))
    made.add("summary", _text(entry.title, " "))
    made.add("description", _text(entry.description))
    made.add("url", entry.url)
    made.add("transp", "TRANSPARENT")  # nobody is busy on that day
    for ahead in alarms_days:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", MORNING - timedelta(days=ahead))
        alarm.add("description", _text(entry.title, " "))
        made.add_component(alarm)
    return made


def _text(words: str, between: str = "\n") -> vText:
    """Text as the format takes it: lines end in one way, and other control characters are none."""
    return vText(between.join("".join(map(_visible, line)) for line in words.splitlines()))


def _visible(one: str) -> str:
    return one if one.isprintable() else " "

# {{ managed }}
"""Sees to it that no timeline is made twice.

PostgreSQL gives a new timeline the number after the last one that it has heard of. A primary that
is gone before others heard of its timeline would come back beside another one of the same number:
nobody could tell the two apart, and a replica would have other data than its leader. So a member
that is about to lead notes its number in etcd, and leaves out those that others have noted.
"""
import base64
import logging
import os
import re

logger = logging.getLogger(__name__)

KEY = "timeline"
# What Patroni's history calls a number that was left out.
SKIPPED = "{{ skipped }}"
HISTORY = re.compile(r"([0-9A-F]{8})\.history")
# PostgreSQL takes a number for taken when there is such a file, and this one is nobody's ancestor.
TAKEN = "# Another member has made this timeline, or was about to.\n"

NEEDED_OF_CLIENT = ("range", "put")


class Conflict(RuntimeError):
    """Two members note a timeline at the same time, or an answer of etcd was lost."""


def claimed(dcs):
    """The last number that a member has noted; 0 before the first."""
    return noted(dcs)[0]


def noted(dcs):
    """The same, and what etcd is to find unchanged when another one is noted."""
    found = dcs._client.range(dcs.client_path(KEY), serializable=False).get("kvs")
    if not found:
        return 0, {"create_revision": "0"}
    return int(base64.b64decode(found[0]["value"])), {"mod_revision": found[0]["mod_revision"]}


def claim(dcs, wal_directory, own):
    """Notes the number that a promotion of the server here, now on timeline `own`, will take.
    Raises `Conflict` where another member has noted one meanwhile: it is about to lead."""
    last_noted, unchanged = noted(dcs)
    files = filter(None, map(HISTORY.fullmatch, os.listdir(wal_directory)))
    last = max([own, last_noted, *(int(file[1], 16) for file in files)])
    # Also earlier ones: a copy of the data brings the history of its own timeline alone, and who is on
    # an earlier one asks for all of them.
    for number in range(2, last + 1):
        path = os.path.join(wal_directory, f"{number:08X}.history")
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with open(file, "w", encoding="ascii") as taken:
            taken.write(TAKEN)
    if not dcs._client.put(dcs.client_path(KEY), str(last + 1), **unchanged):
        raise Conflict("another member claims a timeline at the same time")


def without_gaps(history, timeline, promoted):
    """The lines of a history up to `timeline`, with one for the last of numbers that were left out.
    Patroni takes the last line for the timeline before, and by that knows who is behind; `promoted`,
    when and who, belongs to it."""
    filled = []
    ends = [line[0] for line in history[1:]] + [timeline]
    for line, end in zip(history, ends):
        filled.append(line)
        if line[0] + 1 < end:
            filled.append((end - 1, line[1], SKIPPED))
    if filled[-1][2] == SKIPPED:
        filled[-1] += promoted
    return filled


def forget_unused(wal_directory):
    """Removes what is only taken, and later than every timeline of which the history is known: a
    standby would take the last number for the one to follow, and not start. Earlier ones stay, which
    those that follow the server here ask it for."""
    files = filter(None, map(HISTORY.fullmatch, os.listdir(wal_directory)))
    paths = {int(file[1], 16): os.path.join(wal_directory, file[0]) for file in files}
    taken = {number for number, path in paths.items() if is_only_taken(path)}
    known = max(paths.keys() - taken, default=0)
    for number in taken:
        if number > known:
            try:
                os.unlink(paths[number])
            except OSError as error:
                logger.warning("%s stays: %s", paths[number], error)


def is_only_taken(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read(len(TAKEN) + 1) == TAKEN

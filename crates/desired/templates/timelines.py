# {{ managed }}
"""Sees to it that no timeline is made twice.

PostgreSQL gives a new timeline the number after the last one that it has heard of. A primary that
is gone before others heard of its timeline would come back beside another one of the same number:
nobody could tell the two apart, and a replica would have other data than its leader. So a member
that is about to lead notes its number in etcd, and leaves out those that others have noted.
"""
import base64
import os
import re

KEY = "timeline"
HISTORY = re.compile(r"([0-9A-F]{8})\.history")
# PostgreSQL takes a number for taken when there is such a file, and this one is nobody's ancestor.
TAKEN = "# Another member has made this timeline, or was about to.\n"

NEEDED_OF_CLIENT = ("range", "put")


def claimed(dcs):
    """The last number that a member has noted; 0 before the first."""
    found = dcs._client.range(dcs.client_path(KEY), serializable=False).get("kvs")
    return int(base64.b64decode(found[0]["value"])) if found else 0


def claim(dcs, wal_directory, own):
    """Notes the number that a promotion of the server here, now on timeline `own`, will take."""
    noted = claimed(dcs)
    files = filter(None, map(HISTORY.fullmatch, os.listdir(wal_directory)))
    last = max([own, noted, *(int(file[1], 16) for file in files)])
    for number in range(own + 1, last + 1):
        path = os.path.join(wal_directory, f"{number:08X}.history")
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with open(file, "w", encoding="ascii") as taken:
            taken.write(TAKEN)
    dcs._client.put(dcs.client_path(KEY), str(last + 1))

# {{ managed }}
"""Has a replica copied anew that can never follow again: files without which no server runs are gone
from its data directory, the log that it needs is gone from the member that it follows, or its server
dies again and again while it replays log over what is there. Patroni does so where histories part;
of these it only says that somebody should.

What such a replica has is of no use to anybody. Whoever leads is left alone, and so is everybody
while nobody leads, while the cluster is paused, and where log may come from elsewhere
(`restore_command`).
"""
import logging
import os
import struct

logger = logging.getLogger(__name__)

# Loops of Patroni in a row that must find it so.
SEEN = 2
# Ends of the server while it replays: one may have been for want of memory.
DEATHS = 3
# Of `pg_control`: replays its own log after a crash, or that of another.
REPLAYS = (4, 5)
# A server without room for a file of log dies, and lives once there is some.
ROOM_BYTES = 16 << 20
ESSENTIAL = (
{% for name in essential %}
    "{{ name }}",
{% endfor %}
)

# Where the log here ends, on a replica that has used up what it has, and finds no more.
WAL_END = """
{{ wal_end }}"""
# The size of a file of log, and where the oldest begins.
WAL_KEPT = """
{{ wal_kept }}"""
DROP_LOST = """
    SELECT slot_name, pg_drop_replication_slot(slot_name) FROM pg_replication_slots
    WHERE slot_type = 'physical' AND NOT active AND wal_status = 'lost' AND slot_name = ANY(%s)"""

NEEDED_OF_HA = ("reinitialize", "_get_node_to_follow")
NEEDED_OF_POSTGRESQL = ("query", "data_directory_empty")


class FreshCopy:
    """Of the member that `ha` looks after."""

    def __init__(self, ha):
        self.ha = ha
        self.seen = 0
        self.told = None
        self.deaths = 0
        self.last_death = None
        self.copied_for_deaths = False

    def look(self):
        """Before each loop of Patroni: what the last one began has mostly ended by now."""
        if self.ha._async_executor.busy:  # It starts a server, rewinds or copies.
            return
        try:
            self.count_deaths()
            why = self.reason()
            if not why:
                self.drop_lost_slots()
        except Exception as error:  # A server that just ends. The next loop looks again.
            if str(error) != self.told:
                logger.warning("whether a fresh copy is needed is not known: %s", error)
            self.told = str(error)
            return
        self.told = None
        self.seen = self.seen + 1 if why else 0
        if self.seen < SEEN:
            return
        logger.warning("copying the data here anew: %s", why)
        refused = self.ha.reinitialize()
        if refused:
            logger.warning("not yet: %s", refused)
        else:
            self.seen = 0
            self.copied_for_deaths |= self.deaths >= DEATHS

    def count_deaths(self):
        """A server that began to replay has written so, and when; the next one does it anew."""
        server = self.ha.state_handler
        if server.is_running():
            if server.state == "running":
                self.deaths, self.last_death, self.copied_for_deaths = 0, None, False
            return
        death = replayed(server.data_dir)
        if death and death != self.last_death:
            self.deaths, self.last_death = self.deaths + 1, death

    def dies_of_its_data(self):
        """Where a fresh copy has not helped, neither does another."""
        return (
            self.deaths >= DEATHS and not self.copied_for_deaths
            and room(self.ha.state_handler.data_dir) >= ROOM_BYTES)

    def reason(self):
        """Why only a fresh copy of the data brings the member here back."""
        ha, server = self.ha, self.ha.state_handler
        leader = ha.cluster and ha.cluster.leader
        if ha.is_paused() or ha.is_leader():
            return None
        if not leader or leader.name in (None, "", server.name):
            return None
        if not server.data_directory_empty() and is_broken(server.data_dir):
            # A server may run on, and take no connections.
            return "its data directory is broken"
        if not server.is_running():
            return self.dies_of_its_data() and "the server dies while it replays log over it"
        if server.state != "running":
            return None
        ended = server.query(WAL_END, retry=False)
        if not ended:
            return None
        size, kept = self.kept_upstream()
        if ended[0][0] // size * size >= kept:
            return None
        return "the log that it needs is gone from the member that it follows"

    def kept_upstream(self):
        from patroni.postgresql.connection import get_connection_cursor

        upstream = self.ha._get_node_to_follow(self.ha.cluster)
        account = self.ha.state_handler.config.rewind_credentials
        with get_connection_cursor(
                connect_timeout=3, options="-c statement_timeout=2000",
                **upstream.conn_kwargs(account)) as cursor:
            cursor.execute(WAL_KEPT)
            return cursor.fetchone()

    def drop_lost_slots(self):
        """A slot that has lost its log never keeps any again, for whoever it is."""
        from patroni.dcs import slot_name_from_member_name

        server = self.ha.state_handler
        if not self.ha.cluster or server.state != "running":
            return
        slots = [slot_name_from_member_name(member.name) for member in self.ha.cluster.members]
        dropped = server.query(DROP_LOST, slots, retry=False)
        if dropped:
            logger.warning("dropped slots that had lost their log: %s", [row[0] for row in dropped])
            # Patroni makes them again.
            server.slots_handler.schedule()


def replayed(directory):
    """When a server that has ended began to replay; `None` where it ended otherwise."""
    try:
        with open(os.path.join(directory, "global/pg_control"), "rb") as file:
            control = file.read(32)
    except OSError:
        return None
    if len(control) < 32 or struct.unpack_from("=I", control, 16)[0] not in REPLAYS:
        return None
    return os.stat(os.path.join(directory, "global/pg_control")).st_mtime_ns


def room(directory):
    places = (directory, os.path.join(directory, "pg_wal"))
    stats = [os.statvfs(place) for place in places if os.path.exists(place)]
    return min((stat.f_bavail * stat.f_frsize for stat in stats), default=0)


def is_broken(directory):
    return any(
        not os.path.exists(path) or os.path.isfile(path) and not os.path.getsize(path)
        for path in (os.path.join(directory, name) for name in ESSENTIAL))

# {{ managed }}
"""Has a replica copied anew that can never follow again: files without which no server runs are gone
from its data directory, the log that it needs is gone from the member that it follows, or its server
dies again and again while it replays log over what is there. Patroni does so where histories part;
of these it only says that somebody should.

What such a replica has is of no use to anybody but while the primary has the only other data: those
that lack log are copied one after the other. Whoever leads is left alone, and so is everybody while
no leader runs, while the cluster is paused, and where log may come from elsewhere
(`restore_command`). Where the server dies and no other replica shows that it is for its data, the data
stay, and somebody decides.
"""
import concurrent.futures
import logging
import os
import re
import struct
import threading
import time
import types

logger = logging.getLogger(__name__)

# Loops of Patroni in a row that must find it so.
SEEN = 2
# A copy of another member that is not done after so long is waited for no longer: it may never be.
COPY_SECONDS = 3600
# Copies in a row of what is broken: the leader's data may lack the same.
COPIES = 3
# A question that is not answered after so long is asked anew.
ANSWER_SECONDS = 15
BROKEN = "its data directory is broken"
GONE = "the log that it needs is gone from the member that it follows"
# A question has no answer yet: what was seen so far counts.
UNKNOWN = "not known yet"
# Ends of the server while it replays: one may have been for want of memory.
DEATHS = 3
# Of `pg_control`: replays its own log after a crash, or that of another.
REPLAYS = (4, 5)
# A server without room for a file of log dies, and lives once there is some.
ROOM_BYTES = 16 << 20
# Directories with a map of catalogues: those of all databases, of `template1` and of `postgres`.
MAPPED = ("global", "base/1", "base/5")
MAP_MAGIC = 0x592717
# The polynomial of PostgreSQL's sums (CRC-32C), its bits turned round.
CASTAGNOLI = 0x82F63B78
READS = 3
DIRECTORY = re.compile(r"base/\d+")
# In the data directory, for `sty status`: its server dies of it; or it dies, and nobody shows why.
DIES = "{{ dies }}"
REPLAY_FAILS = "{{ replay_fails }}"
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
# Fails where a base backup would, for want of `pg_control`.
READ_CONTROL = "SELECT pg_control_checkpoint()"
DROP_LOST = """
    SELECT slot_name, pg_drop_replication_slot(slot_name) FROM pg_replication_slots
    WHERE slot_type = 'physical' AND NOT active AND wal_status = 'lost' AND slot_name = ANY(%s)"""

NEEDED_OF_HA = ("reinitialize", "_get_node_to_follow")
NEEDED_OF_POSTGRESQL = ("query", "data_directory_empty", "pg_isready")


class FreshCopy:
    """Of the member that `ha` looks after."""

    def __init__(self, ha):
        self.ha = ha
        self.seen = 0
        self.told = None
        self.question = None  # What the member that is followed keeps; since when it is asked.
        self.copied_since = {}  # Other members.
        self.copies_as_broken = 0  # Since somebody last logged in.
        self.deaths = 0
        self.last_death = None
        self.copied_for_deaths = False

    def look(self):
        """Before each loop of Patroni: what the last one began has mostly ended by now."""
        if self.ha._async_executor.busy:  # It starts a server, rewinds or copies.
            return
        try:
            self.count_deaths()
            self.tell_deaths()
            why, loops = self.reason() or (None, SEEN)
            self.told = None
            if why == UNKNOWN:
                return
            if not why:
                self.drop_lost_slots()
            self.seen = self.seen + 1 if why else 0
            if self.seen >= loops:
                self.copy(why)
        except Exception as error:  # A server that just ends, an etcd without a leader.
            # Patroni ends by what escapes from here. The next loop looks again.
            if str(error) != self.told:
                logger.warning("whether a fresh copy is needed is not known: %s", error)
            self.told = str(error)
            self.seen = 0

    def copy(self, why):
        if why == GONE:
            # Another one may have begun in this very loop.
            self.ha.load_cluster_from_dcs()
            if self.another_is_copied():
                return
        logger.warning("copying the data here anew: %s", why)
        refused = self.ha.reinitialize()
        if refused:
            logger.warning("not yet: %s", refused)
        else:
            self.seen = 0
            self.copied_for_deaths |= self.deaths >= DEATHS
            self.copies_as_broken += why == BROKEN

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

    def tell_deaths(self):
        dies = self.dies_of_its_data()
        self.tell(DIES, dies)
        self.tell(REPLAY_FAILS, not dies and self.keeps_dying())

    def tell(self, name, is_so):
        path = os.path.join(self.ha.state_handler.data_dir, name)
        if is_so and not os.path.exists(path):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        elif not is_so and os.path.exists(path):
            os.unlink(path)

    def keeps_dying(self):
        """Where a fresh copy has not helped, neither does another."""
        cluster = self.ha.cluster
        return bool(
            self.deaths >= DEATHS and not self.copied_for_deaths and cluster and cluster.leader
            and room(self.ha.state_handler.data_dir) >= ROOM_BYTES)

    def dies_of_its_data(self):
        """Where all replicas die alike, it is no more the data here than the data there, and all of
        it is one copy less."""
        return self.keeps_dying() and self.another_streams()

    def others(self):
        """The other replicas."""
        cluster = self.ha.cluster
        return [
            member for member in cluster.members
            if member.name not in (self.ha.state_handler.name, cluster.leader.name)]

    def another_streams(self):
        """One that is late on purpose has not replayed yet what ends the server here."""
        return any(streams(other) and "delay" not in other.tags for other in self.others())

    def reason(self):
        """Why only a fresh copy of the data brings the member here back, and how many loops in a row
        must find it so; `None` where nothing does, or nothing has to."""
        ha, server = self.ha, self.ha.state_handler
        leader = ha.cluster and ha.cluster.leader
        asked, self.question = self.question, None
        if ha.is_paused() or ha.is_leader():
            return None
        if not leader or leader.name in (None, "", server.name):
            return None
        if leader.data.get("state") != "running":
            return None
        if not server.data_directory_empty() and self.is_broken():
            if a_copy_goes_on() or self.copies_as_broken >= COPIES:
                # Somebody makes one by hand: it is broken until its end.
                return None
            # A server may run on, and take no connections.
            return BROKEN, SEEN
        if not server.is_running():
            return self.dies_of_its_data() and (
                "the server dies while it replays log over it", SEEN)
        if server.state != "running":
            return None
        ended = server.query(WAL_END, retry=False)
        self.copies_as_broken = 0
        if not ended:
            return None
        question, since = asked or (None, 0)
        if question and not question.done() and time.monotonic() - since < ANSWER_SECONDS:
            self.question = asked
            return UNKNOWN, SEEN
        self.question = aside(self.kept_upstream()), time.monotonic()
        if not question or not question.done():
            return UNKNOWN, SEEN
        size, kept = question.result()
        if ended[0][0] // size * size >= kept or self.another_is_copied():
            return None
        return GONE, SEEN * (1 + self.turn())

    def is_broken(self):
        """While a copy replays what belongs to it, its maps may be newer than its files."""
        server = self.ha.state_handler
        if is_broken(server.data_dir):
            return True
        return (
            bool(server.is_running()) and server.pg_isready() == "running"
            and (lacks_a_catalogue(server.data_dir) or self.lacks_its_database()))

    def lacks_its_database(self):
        """Whether the server here says that it misses the directory of the database that Patroni asks
        in. In which words depends on its language."""
        from patroni.postgresql.connection import get_connection_cursor

        server = self.ha.state_handler
        try:
            server.query("SELECT 1", retry=False)
            return False
        except Exception:  # It does not say why.
            pass
        try:
            with get_connection_cursor(**server.connection_pool.conn_kwargs):
                return False
        except Exception as error:
            missed = DIRECTORY.search(str(error))
            return bool(missed) and not is_there(
                os.path.join(server.data_dir, missed[0], "PG_VERSION"))

    def another_is_copied(self):
        copied = [other.name for other in self.others() if is_copied(other)]
        now = time.monotonic()
        self.copied_since = {name: self.copied_since.get(name, now) for name in copied}
        return any(now - since < COPY_SECONDS for since in self.copied_since.values())

    def turn(self):
        """How many may come before, of those that may have lost their log at the same moment."""
        own = self.ha.state_handler.name
        return sum(not streams(other) and other.name < own for other in self.others())

    def kept_upstream(self):
        """The question what the member keeps that is followed. A host without power takes its time
        to say nothing: Patroni's loop does not wait for the answer. One that could not be copied gives
        none."""
        from patroni.postgresql.connection import get_connection_cursor

        upstream = self.ha._get_node_to_follow(self.ha.cluster)
        account = upstream.conn_kwargs(self.ha.state_handler.config.rewind_credentials)

        def ask():
            with get_connection_cursor(
                    connect_timeout=3, options="-c statement_timeout=2000", **account) as cursor:
                cursor.execute(READ_CONTROL)
                cursor.execute(WAL_KEPT)
                return cursor.fetchone()

        return ask

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


def streams(member):
    data = member.data
    # Patroni before 3.2 tells no state of replication, and later ones none where there is none.
    version = [int(part) for part in data.get("version", "").split(".")[:2] if part.isdigit()]
    default = "streaming" if version < [3, 2] else None
    return data.get("state") == "running" and data.get("replication_state", default) == "streaming"


def is_copied(member):
    return member.data.get("state") == "creating replica"


def aside(ask):
    """The answer to come of `ask`, which a thread of its own waits for."""
    answer = concurrent.futures.Future()

    def work():
        try:
            answer.set_result(ask())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return answer


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
    spaces = os.path.join(directory, "pg_tblspc")
    others = os.listdir(spaces) if os.path.isdir(spaces) else []
    places = (
        directory, os.path.join(directory, "pg_wal"),
        *(os.path.join(spaces, other) for other in others))
    stats = [os.statvfs(place) for place in places if os.path.exists(place)]
    return min((stat.f_bavail * stat.f_frsize for stat in stats), default=0)


def a_copy_goes_on():
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/comm", encoding="ascii", errors="replace") as name:
                if name.read() == "pg_basebackup\n":
                    return True
        except OSError:  # It has ended.
            pass
    return False


def clone_member(choose):
    """Patroni's `choose` of whom to copy, among those that receive the leader's log: a copy of another
    one would lack what that lacks."""

    def choose_one(cluster, exclude_name):
        leader = cluster.leader and cluster.leader.name
        fit = [one for one in cluster.members if one.name == leader or streams(one)]
        view = types.SimpleNamespace(leader=cluster.leader, members=fit)
        return choose(view, exclude_name)

    return choose_one


def is_broken(directory):
    def whole(name):
        path = os.path.join(directory, name)
        return is_there(path) and not (os.path.isfile(path) and not os.path.getsize(path))

    return not (
        all(map(whole, ESSENTIAL)) and has_its_sum(os.path.join(directory, "global/pg_control")))


def lacks_a_catalogue(directory):
    return not all(is_there(os.path.join(directory, name)) for name in mapped(directory))


def is_there(path):
    """Raises where a file cannot be looked at: it may be there."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def mapped(directory):
    """Catalogues without which nobody logs in, as the maps beside them name them, and maps that a
    replay did not make anew with their directories."""
    for place in MAPPED:
        name = f"{place}/pg_filenode.map"
        try:
            with open(os.path.join(directory, name), "rb") as file:
                names = file.read()
        except FileNotFoundError:
            if is_there(os.path.join(directory, place)):
                yield name
            continue
        magic, count = struct.unpack_from("=II", names) if len(names) >= 8 else (0, 0)
        if magic == MAP_MAGIC and 8 + 8 * count <= len(names):
            for at in range(count):
                yield f"{place}/{struct.unpack_from('=I', names, 12 + 8 * at)[0]}"


def has_its_sum(path):
    """Whether the sum is somewhere behind what it is the sum of: how much that is depends on the
    version. One that is being written is read again."""
    for _ in range(READS):
        with open(path, "rb") as file:
            control = file.read(512)
        rest = 0xFFFFFFFF
        for at, byte in enumerate(control):
            if at >= 128 and at % 4 == 0 and at + 4 <= len(control):
                if struct.unpack_from("=I", control, at)[0] == rest ^ 0xFFFFFFFF:
                    return True
            rest ^= byte
            for _ in range(8):
                rest = rest >> 1 ^ (CASTAGNOLI if rest & 1 else 0)
    return False

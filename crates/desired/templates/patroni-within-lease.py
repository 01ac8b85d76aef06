# {{ managed }}
"""Starts Patroni so that a leader which has not been heard for a whole lease does not lead on, that
no timeline is made twice, and that nobody waits for nothing while writes stand still.

Patroni makes the leader key again where it has gone. After a node stood still that would be wrong:
others may have led since, and lost the key for another reason. The lease tells without asking
anybody: it began before the last answer was asked for, and nobody else can lead before its end.

Other members know by its timeline whether they lack what a primary has written (`check_timeline`).
Patroni notes it some time after a promotion; a primary that is stopped before does so first.

Patroni looks once a second whether the server that it stops has stopped; when it sees it just
before its end, replicas get one more second to catch up, though the end itself says that they have.
And before one of them leads, it gives the former leader two seconds to answer, which has not been
heard for a lease. It would notice that its server has ended when it looks next, a whole loop later.
Members that are not to lead give the one that is two seconds before they follow it, and until they
do, no write that waits for them is confirmed. They look whether it leads.

What a leader's server answers leaves the node only while the lead lasts: see `lease_gate.py`. A
replica that can never follow again is copied anew: see `fresh_copy.py`.

Patroni ends by an exception that is thrown into its main thread wherever that stands. Where it just
takes a lock, it would keep it for good, and Patroni could stop its server and never end itself.
"""
import datetime
import logging
import os
import select
import signal
import sys
import threading
import time

import etcd_elsewhere
import fresh_copy
import lease_gate
import timelines
from lease_gate import now

logger = logging.getLogger(__name__)

STOP_POLLING_SECONDS = 0.1
# Between the note "shut down" in the server's files and its end.
STOP_END_SECONDS = 1.0
# Whoever has ended is asked for at once.
REAPED_SECONDS = 0.01
# A promotion that is under way when Patroni has to stop.
PROMOTION_SECONDS = 10
# Whoever is alive answers in a few hundredths.
FORMER_LEADER_SECONDS = 0.5

# Between two looks whether somebody leads.
LEAD_SECONDS = 0.1

LEASE_ENDED = "the lead was not confirmed for a whole lease: others may have led since"

# Functions of Patroni's that hold the lock which its handler takes.
HOLD_THE_STOP = ("received_sigterm", "api_sigterm")

# Until the main thread has done with a lock.
STOP_AGAIN_SECONDS = 0.02

NEEDED_OF_HA = (
    "is_leader",
    "is_paused",
    "set_is_leader",
    "run_cycle",
    "check_failsafe_topology",
    "update_lock",
    "acquire_lock",
    "load_cluster_from_dcs",
    "release_leader_key_voluntarily",
    "process_unhealthy_cluster",
    "fetch_nodes_statuses",
    "is_lagging",
    "sync_mode_is_active",
    "update_cluster_history",
    "shutdown",
    "wakeup",
)
NEEDED_OF_POSTGRESQL = (
    "start",
    "stop",
    "is_running",
    "is_primary",
    "promote",
    "pg_control_timeline",
    "reset_cluster_info_state",
    "get_primary_timeline",
    "get_history",
)


class Clock:
    """The module `time`, with a `sleep` that can be another one."""

    sleep = staticmethod(time.sleep)

    def __getattr__(self, name):
        return getattr(time, name)


def within_lease(ha, clock, dcs_error):
    """The class `ha`, whose lead ends with its lease. It sleeps by `clock`, and knows by `dcs_error`
    that etcd did not answer."""

    class WithinLease(ha):
        lead_ends = float("inf")  # Nothing is known yet: neither is the view of the cluster old.
        leads = False
        asking = False  # For the lock.
        giving_way = False  # To a member that is to lead.
        failsafe_began = None

        def __init__(self, patroni):
            self.gate = lease_gate.Gate()
            super().__init__(patroni)
            self.fresh_copy = fresh_copy.FreshCopy(self)
            self.state_handler.dcs = self.dcs
            self.state_handler.wake = self.wakeup
            self.state_handler.lead_has_ended = self.lead_has_ended
            clock.sleep = self.sleep
            threading.Thread(
                target=etcd_elsewhere.keep_elsewhere, args=(self.is_leader, patroni.config),
                daemon=True).start()

        def lead_has_ended(self):
            return not self.leads or now() >= self.lead_ends

        def run_cycle(self):
            self.fresh_copy.look()
            done = super().run_cycle()
            try:
                if self.is_paused() or not (self.is_leader() or self.may_serve_late()):
                    self.gate.lift()
            except Exception:
                logger.exception("whether the gate may be lifted is looked at again")
            return done

        def may_serve_late(self):
            """The lead has ended, and the server here may still take itself for the primary, or
            is about to."""
            return self.gate.may_be_there and (
                self._async_executor.scheduled_action == "promote"
                or self.state_handler.is_primary())

        def process_unhealthy_cluster(self):
            self.giving_way = True
            try:
                return super().process_unhealthy_cluster()
            finally:
                self.giving_way = False

        def sleep(self, seconds):
            """Of Patroni's `ha`. Where it gives way, that ends as soon as somebody leads."""
            end = now() + seconds
            mine = threading.current_thread() is threading.main_thread()
            try:
                while mine and self.giving_way and not self.is_leader() and now() < end:
                    if self.dcs.get_cluster().leader:
                        return
                    time.sleep(LEAD_SECONDS)
            except Exception:
                logger.exception("whether somebody leads is not known")
            time.sleep(max(0, end - now()))

        def set_is_leader(self, value):
            super().set_is_leader(value)
            self.leads = value
            if not value:
                self.lead_ends = float("inf")
                if not self.state_handler.is_running():
                    self.gate.lift()
            elif not self.asking:
                self.lead_until((self.failsafe_began or now()) + self.dcs.ttl)

        def lead_until(self, end):
            self.lead_ends = end
            if not self.is_paused():
                self.gate.open_until(end)

        def check_failsafe_topology(self):
            began = now()
            if began >= self.lead_ends:
                logger.error(LEASE_ENDED)
                return False
            self.failsafe_began = began
            return super().check_failsafe_topology()

        def update_lock(self, *args, **options):
            return self.before(self.lead_ends, super().update_lock, *args, **options)

        def acquire_lock(self):
            try:
                if self.has_a_successor():
                    logger.error("another member was promoted since, or about to be")
                    return False
            except Exception as error:
                # As where the lock itself cannot be asked for: failsafe mode is for that.
                raise dcs_error("whether another member was promoted since is not known") from error
            self.dcs._last_lease_refresh = 0  # One that began earlier would end earlier.
            return self.before(float("inf"), super().acquire_lock)

        def has_a_successor(self):
            """Whether the server here takes itself for the primary, and a later timeline was
            claimed. The history that Patroni goes by is written some time after a promotion."""
            if self.is_paused() or not self.state_handler.is_primary():
                return False
            own = self.state_handler.get_primary_timeline()
            return own > 0 and own < timelines.claimed(self.dcs)

        def before(self, end, ask, *args, **options):
            """Asks for the lock, which must be confirmed before `end` and within one lease."""
            began = now()
            if began < end:
                self.asking = True
                try:
                    held = ask(*args, **options)
                finally:
                    self.asking = False
                if not held:
                    return held
                end = min(end, began + self.dcs.ttl)
                if now() < end:
                    self.lead_until(began + self.dcs.ttl)
                if now() < end:
                    return held
                # Taken on what was known a lease ago.
                self.load_cluster_from_dcs()
                self.release_leader_key_voluntarily()
            logger.error(LEASE_ENDED)
            self.set_is_leader(False)
            return False

        def shutdown(self):
            try:
                self.note_timeline()
            except Exception:
                logger.exception("the timeline of the server here may be unknown to others")
            super().shutdown()
            if not self.state_handler.is_running():
                self.gate.lift()

        def note_timeline(self):
            """What `check_timeline` goes by, as the next loop would. The cluster is not read anew: a
            view that is late would have this leader forget its key, and leave it behind."""
            end = now() + PROMOTION_SECONDS
            while self._async_executor.scheduled_action == "promote" and now() < end:
                time.sleep(STOP_POLLING_SECONDS)
            if self.cluster and self.is_leader() and self.state_handler.is_running():
                self.state_handler.reset_cluster_info_state(None)
                if self.state_handler.get_primary_timeline():
                    self.update_cluster_history()

        def is_lagging(self, wal_position):
            """Who may lead while writes wait for replicas has every row that was acknowledged. What
            it lacks beside them, such as a load that was not committed, nobody was promised. By hand
            others may be chosen."""
            if self.sync_mode_is_active() and not self.cluster.failover:
                return False
            return super().is_lagging(wal_position)

        def fetch_nodes_statuses(self, members):
            former = self.old_cluster.leader
            return super().fetch_nodes_statuses([
                member for member in members
                if not former or member.name != former.name or self.answers(member)
            ])

        def answers(self, member):
            try:
                self.patroni.request(member, timeout=FORMER_LEADER_SECONDS, retries=0)
            except Exception as error:
                logger.warning("the former leader %s does not answer: %s", member.name, error)
                return False
            return True

    return WithinLease


def of_our_own(postgresql):
    """The class `postgresql`, which claims its timelines, tells when its server has ended, and calls
    `on_shutdown` only where the server does not just end."""

    class OfOurOwn(postgresql):
        watched = None

        def wake(self):
            """Of `Ha`, once there is one."""

        def lead_has_ended(self):
            """Of `Ha`, once there is one."""
            return False

        def start(self, *args, **options):
            if os.path.isdir(self.wal_dir):
                timelines.forget_unused(self.wal_dir)
            return super().start(*args, **options)

        def is_running(self):
            server = super().is_running()
            if server and server != self.watched:
                self.watched = server
                threading.Thread(target=self.wake_at_end, args=(server.pid,), daemon=True).start()
            return server

        def wake_at_end(self, pid):
            try:
                server = os.pidfd_open(pid)
            except ProcessLookupError:
                pass
            else:
                end = select.poll()
                end.register(server, select.POLLIN)
                end.poll()
                os.close(server)
            # Until its parent has asked for it, it counts as running.
            reaped = now() + STOP_END_SECONDS
            while os.path.exists(f"/proc/{pid}") and now() < reaped:
                time.sleep(REAPED_SECONDS)
            self.wake()

        def promote(self, wait_seconds, task, before_promote=None):
            def claim():
                try:
                    timelines.claim(self.dcs, self.wal_dir, self.pg_control_timeline())
                except timelines.Conflict:
                    self.wake()  # Whoever leads next is not to wait for the next loop.
                    raise
                if self.lead_has_ended():
                    raise RuntimeError(LEASE_ENDED)
                if before_promote:
                    before_promote()

            return super().promote(wait_seconds, task, claim)

        def get_history(self, timeline):
            history = super().get_history(timeline)
            if not history:
                return history
            written = os.path.join(self.wal_dir, f"{timeline:08X}.history")
            at = datetime.datetime.fromtimestamp(os.path.getmtime(written)).astimezone()
            return timelines.without_gaps(history, timeline, (at.isoformat(), self.name))

        def stop(self, *args, on_shutdown=None, **options):
            def call(*locations):
                end = now() + STOP_END_SECONDS
                while now() < end:
                    if not self.is_running():
                        return
                    time.sleep(STOP_POLLING_SECONDS)
                on_shutdown(*locations)

            return super().stop(*args, on_shutdown=call if on_shutdown else None, **options)

    return OfOurOwn


WRONG_PASSWORD = "etcdserver: authentication failed, invalid user ID or password"


def unwrapped(read):
    """The function `read`, which knows an error of etcd also where a stream tells it, as lease
    renewals are, and where the reply calls it `message`, as those of etcd 3.5 in Debian do. Patroni
    takes one that it does not know for a lost lease and gives up the lead, though etcd has only lost
    its majority, which failsafe mode is for; and a primary whose token was lost, by two threads that
    asked for one at the same time, stays without for good. A wrong password has Patroni wait at its
    start, as ever, for one that is right."""

    def read_unwrapped(data, status=None):
        error = data.get("error") if isinstance(data, dict) else None
        if isinstance(error, dict) and "code" in error:
            data = {"error": error.get("message"), "code": error["code"]}
        elif isinstance(data, dict) and not error and data.get("message") != WRONG_PASSWORD:
            data = {**data, "error": data.get("message")}
        return read(data, status)

    return read_unwrapped


def can_be_stopped(frame):
    """Whether an exception may be thrown into the thread that stands at `frame`."""
    at = frame.f_code.co_name
    if frame.f_globals.get("__name__") == "threading" and at not in ("wait", "join"):
        return False
    if at in HOLD_THE_STOP:
        return False
    while frame:
        if frame.f_globals.get("__name__") in ("logging", "queue", "patroni.log"):
            return False
        frame = frame.f_back
    return True


def stop_safely(daemon):
    """Has the class `daemon`, told to end, wait until it can be stopped."""
    setup, stop = daemon.setup_signal_handlers, daemon.sigterm_handler

    def setup_signal_handlers(self):
        setup(self)
        signal.signal(signal.SIGALRM, self.sigterm_handler)

    def sigterm_handler(self, number, frame):
        if can_be_stopped(frame):
            stop(self, number, frame)
        else:
            signal.setitimer(signal.ITIMER_REAL, STOP_AGAIN_SECONDS)

    daemon.setup_signal_handlers, daemon.sigterm_handler = setup_signal_handlers, sigterm_handler


def require(owner, names):
    """Another Patroni, of which the methods here are no part, would lead on after its lease."""
    for name in names:
        if not callable(getattr(owner, name, None)):
            sys.exit(f"{__file__}: this Patroni has no {owner.__name__}.{name}")


def main():
    """What `patroni` does. Processes that it spawns read this file, too, and need none of it."""
    import patroni.postgresql  # Before `ha`: each imports the other.
    import patroni.dcs.etcd3
    import patroni.ha
    from patroni.__main__ import Patroni, main as run
    from patroni.exceptions import DCSError

    require(patroni.ha.Ha, NEEDED_OF_HA + fresh_copy.NEEDED_OF_HA)
    require(
        patroni.postgresql.Postgresql, NEEDED_OF_POSTGRESQL + fresh_copy.NEEDED_OF_POSTGRESQL)
    require(patroni.dcs.etcd3.Etcd3Client, timelines.NEEDED_OF_CLIENT)
    require(patroni.dcs.etcd3, ("_raise_for_data",))
    require(Patroni, ("setup_signal_handlers", "sigterm_handler"))
    patroni.dcs.etcd3._raise_for_data = unwrapped(patroni.dcs.etcd3._raise_for_data)
    require(patroni.ha.time, ("sleep",))
    require(patroni.dcs.Cluster, ("get_clone_member",))
    patroni.dcs.Cluster.get_clone_member = fresh_copy.clone_member(
        patroni.dcs.Cluster.get_clone_member)
    patroni.ha.time = Clock()
    patroni.ha.Ha = within_lease(patroni.ha.Ha, patroni.ha.time, DCSError)
    patroni.postgresql.Postgresql = of_our_own(patroni.postgresql.Postgresql)
    patroni.postgresql.STOP_POLLING_INTERVAL = STOP_POLLING_SECONDS
    stop_safely(Patroni)
    lease_gate.keep_the_right()
    run()


if __name__ == "__main__":
    main()

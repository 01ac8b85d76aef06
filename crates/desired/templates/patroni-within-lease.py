# {{ managed }}
"""Starts Patroni so that a leader which has not been heard for a whole lease does not lead on.

Patroni makes the leader key again where it has gone. After a node stood still that would be wrong:
others may have led since, and lost the key for another reason. The lease tells without asking
anybody: it began before the last answer was asked for, and nobody else can lead before its end.
"""
import logging
import sys
import time

logger = logging.getLogger(__name__)

NEEDED = (
    "set_is_leader",
    "update_lock",
    "acquire_lock",
    "load_cluster_from_dcs",
    "release_leader_key_voluntarily",
)


def now():
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def within_lease(ha):
    """The class `ha`, whose lead ends with its lease."""

    class WithinLease(ha):
        lead_ends = float("inf")  # Nothing is known yet: neither is the view of the cluster old.

        def set_is_leader(self, value):
            self.lead_ends = now() + self.dcs.ttl if value else float("inf")
            super().set_is_leader(value)

        def update_lock(self, *args, **options):
            return self.before(self.lead_ends, super().update_lock, *args, **options)

        def acquire_lock(self):
            return self.before(float("inf"), super().acquire_lock)

        def before(self, end, ask, *args, **options):
            """Asks for the lock, which must be confirmed before `end` and within one lease."""
            began = now()
            if began < end:
                held = ask(*args, **options)
                if not held:
                    return held
                if now() < min(end, began + self.dcs.ttl):
                    self.lead_ends = began + self.dcs.ttl
                    return held
                # Taken on what was known a lease ago.
                self.load_cluster_from_dcs()
                self.release_leader_key_voluntarily()
            logger.error("the lead was not confirmed for a whole lease: others may have led since")
            self.set_is_leader(False)
            return False

    return WithinLease


def main():
    """What `patroni` does. Processes that it spawns read this file, too, and need none of it."""
    import patroni.postgresql  # Before `ha`: each imports the other.
    import patroni.ha
    from patroni.__main__ import main as run

    for name in NEEDED:
        if not callable(getattr(patroni.ha.Ha, name, None)):
            sys.exit(f"{__file__}: this Patroni has no Ha.{name}: it would lead on after its lease")
    patroni.ha.Ha = within_lease(patroni.ha.Ha)
    run()


if __name__ == "__main__":
    main()

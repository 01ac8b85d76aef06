# {{ managed }}
"""Lets answers of PostgreSQL and of its pooler leave this node only while the lead lasts.

A primary whose processes stood still goes on where it stood, and nothing that runs on the node can
be sure to run before it: whoever is served meanwhile is told of rows that the next primary does not
have. The kernel goes on: a set in its packet filter has the ports for as long as the lease may be
trusted, and not a moment longer. An answer that is late is turned back, and its connection cut.

What opens may itself stand still, and come to the kernel when the lease is over: so a rule has the
end as a time of day as well. A clock that is set forward closes until the next look, one that is set
back leaves it to the set.

Only the processes that change the filter have the right to: neither PostgreSQL nor what else
Patroni starts inherits it.
"""
import ctypes
import logging
import math
import os
import subprocess
import threading
import time

logger = logging.getLogger(__name__)

NFT = "/usr/sbin/nft"
PORTS_FILE = "{{ ports }}"
TABLE = "inet sty_lease"
# Of the lease, what is not trusted: clocks differ in their pace.
MARGIN_SECONDS = 1.0
# It takes a hundredth.
LIMIT_SECONDS = 2

PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAP_NET_ADMIN = 12

prctl = ctypes.CDLL(None).prctl

# One transaction: whatever of it was there before is made anew.
CLOSED = """
add table TABLE
add set TABLE led { type inet_service; flags timeout; }
add chain TABLE answers { type filter hook output priority 0; policy accept; }
flush chain TABLE answers
flush set TABLE led
add rule TABLE answers tcp flags & rst == rst accept
add rule TABLE answers tcp sport { PORTS } tcp sport != @led reject with tcp reset
"""
OPENED = """
add element TABLE led { LED }
add rule TABLE answers tcp sport { PORTS } meta time >= "END" reject with tcp reset
"""
LIFTED = """
add table TABLE
delete table TABLE
"""


def now():
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def gated():
    """Ports of PostgreSQL and of its pooler."""
    with open(PORTS_FILE, encoding="ascii") as file:
        return [line.strip() for line in file if line[0].isdigit()]


def keep_the_right():
    """What is started from now on does not inherit the right to change the packet filter."""
    if prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0):
        logger.error("PostgreSQL may inherit the right to change the packet filter")


def with_the_right():
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0)


class Gate:
    """The gate of this node. One that an earlier Patroni has left is taken over."""

    def __init__(self):
        self.lock = threading.Lock()
        self.may_be_there = True
        self.told = None
        self.slow = False

    def open_until(self, end):
        """Answers leave until shortly before `end`, and none later unless it is opened again."""
        with self.lock:
            # In this order: a pause in between ends the opening sooner.
            day = time.time()
            left = end - MARGIN_SECONDS - now()
            if left <= 0:
                return
            self.may_be_there, self.slow = True, False
            try:
                ports = gated()
            except OSError as error:
                self.tell(error)
                ports = []
            led = ", ".join(f"{port} timeout {int(left * 1000)}ms" for port in ports)
            # Whole seconds, which take from the margin.
            last = time.gmtime(math.ceil(day + left))
            last = time.strftime("%Y-%m-%d %H:%M:%S", last)
            closed = CLOSED.replace("PORTS", ", ".join(ports))
            opened = OPENED.replace("PORTS", ", ".join(ports))
            opened = opened.replace("LED", led).replace("END", last)
            opened = bool(ports) and self.apply(closed + opened)
            if now() > end - MARGIN_SECONDS:
                # Everything stood still just now, the program that opens it perhaps in the middle.
                self.apply(closed)
            elif not opened and not self.slow:
                # What is there would close while all is well. Where it only took too long, it stays
                # until its end: there may be more than one try before.
                self.apply(LIFTED)

    def lift(self):
        """Answers leave: there is no lead that could have ended."""
        with self.lock:
            if self.may_be_there and self.apply(LIFTED):
                self.may_be_there = False

    def apply(self, rules):
        try:
            subprocess.run(
                [NFT, "-f", "-"], input=rules.replace("TABLE", TABLE), text=True, check=True,
                capture_output=True, timeout=LIMIT_SECONDS, preexec_fn=with_the_right,
                env={**os.environ, "TZ": "UTC"})
        except (OSError, subprocess.SubprocessError) as error:
            self.slow = isinstance(error, subprocess.TimeoutExpired)
            self.tell(getattr(error, "stderr", None) or error)
            return False
        self.told = None
        return True

    def tell(self, trouble):
        """Once, for as long as it lasts."""
        text = str(trouble).strip()
        if text != self.told:
            self.told = text
            logger.warning("the packet filter does not end answers with the lease: %s", text)

# {{ managed }}
"""Gives the leadership of etcd away where this node has it and leads a PostgreSQL cluster as well.

A node that leads both takes both along when it dies: the next leader of etcd gives every lease its
whole time again, and writes stand still for seconds longer. It goes to a node that leads no cluster;
where there is none, it stays. etcd asks no password for this.
"""
import json
import logging
import ssl
import time
import urllib.request

logger = logging.getLogger(__name__)

# Between two looks: etcd elects for reasons of its own, and who could have it may be booting.
PAUSE_SECONDS = 10
ANSWER_SECONDS = 2


def keep_elsewhere(leads, config):
    """Looks for as long as the process lives, while `leads()`; `config` is Patroni's."""
    told = None
    while True:
        time.sleep(PAUSE_SECONDS)
        if not leads():
            continue
        try:
            give_away(Web(config), config)
            told = None
        except Exception as error:  # Patroni goes on, whatever becomes of this.
            if str(error) != told:
                logger.warning("etcd keeps its leader, maybe beside the leader here: %s", error)
            told = str(error)


class Web:
    def __init__(self, config):
        context = ssl.create_default_context(cafile=config["etcd3"]["cacert"])
        self.patroni = "https" if config["restapi"].get("certfile") else "http"
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def etcd(self, host, what, body):
        url = f"https://{host}/v3/maintenance/{what}"
        request = urllib.request.Request(url, json.dumps(body).encode())
        with self.opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)

    def leads(self, patroni):
        """Also a standby cluster."""
        url = f"{self.patroni}://{patroni}/leader"
        try:
            with self.opener.open(url, timeout=ANSWER_SECONDS):
                return True
        except OSError:  # Somebody else does, no Patroni, or no answer.
            return False


def give_away(web, config):
    """Gives the leadership to a member on a node that leads no cluster, where there is one."""
    hosts = config["etcd3"]["hosts"]
    here, patroni_port = config["restapi"]["connect_address"].rsplit(":", 1)
    own = next((host for host in hosts if address(host) == here), None)
    if own is None:
        return
    status = web.etcd(own, "status", {})
    if status["leader"] != status["header"]["member_id"]:
        return
    for host in hosts:
        if host == own or web.leads(f"{address(host)}:{patroni_port}"):
            continue
        try:
            other = web.etcd(host, "status", {})
        except OSError:
            continue
        if other.get("isLearner"):
            continue
        web.etcd(own, "transfer-leadership", {"targetID": other["header"]["member_id"]})
        logger.info("etcd is led by the member at %s from now on: a cluster's leader is here", host)
        return


def address(host):
    return host.rsplit(":", 1)[0]

# {{ managed }}
{% if has_postgres %}
export PATH="$PATH:{{ postgres.bin_dir }}"
export PGDATA={{ postgres.data }}
export PGPORT={{ postgres.port }}
export PGHOST={{ postgres.socket_dir }}
# Patroni's configuration holds passwords: only its own account reads it.
if [ "$(id -un)" = {{ postgres.dbsu }} ]; then
    alias pg='patronictl -c /etc/patroni/patroni.yml'
else
    alias pg='sudo -u {{ postgres.dbsu }} patronictl -c /etc/patroni/patroni.yml'
fi
# root may be the superuser over the socket.
if [ "$(id -u)" = 0 ]; then
    export PGUSER={{ postgres.dbsu }}
fi
{% endif %}
{% if etcd_endpoints %}
export ETCDCTL_ENDPOINTS={{ etcd_endpoints }}
export ETCDCTL_CACERT=/etc/pki/ca.crt
{% endif %}
{% for name, command in aliases %}
alias {{ name }}={{ command }}
{% endfor %}

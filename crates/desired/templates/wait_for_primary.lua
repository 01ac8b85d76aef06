-- {{ managed }}
-- Holds a connection until a server of the backend `checker` is up. Who waits longer than the
-- inspect-delay of its section is let go and meets the rule after this one.
core.register_action("wait_for_primary", { "tcp-req" }, function(txn, checker)
    while core.backends[checker]:get_srv_act() == 0 do
        core.msleep(20)
    end
end, 1)

-- {{ managed }}
-- Holds a connection until a server of the backend `checker` is up. A server counts as up before
-- its first check, after every start and reload: all must have been checked once. Who waits longer
-- than the inspect-delay of its section is let go and meets the rule after this one.
local function known(backend)
    for _, server in pairs(backend.servers) do
        local status = server:get_stats()["check_status"]
        if status == nil or status == "" or status == "INI" or status == "UNK" then
            return false
        end
    end
    return true
end

core.register_action("wait_for_primary", { "tcp-req" }, function(txn, checker)
    local backend = core.backends[checker]
    while not known(backend) or backend:get_srv_act() == 0 do
        core.msleep(20)
    end
end, 1)

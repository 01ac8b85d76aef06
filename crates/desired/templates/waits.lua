-- {{ managed }}
-- A server counts as up before its first check, after every start and reload of HAProxy. Whoever
-- came in then could be led to the wrong member: connections are held until all have been asked.
-- Whoever waits longer than the inspect-delay of its section is let go and meets the next rule.

local asked = {}

-- Whether every server of the backend `checker` has been checked once.
local function all_asked(checker)
    if not asked[checker] then
        for _, server in pairs(core.backends[checker].servers) do
            local status = server:get_stats()["check_status"]
            if status == nil or status == "" or status == "INI" or status == "UNK" then
                return false
            end
        end
        asked[checker] = true
    end
    return true
end

-- Holds a connection until every server of `checker` has been checked once.
core.register_action("wait_for_checks", { "tcp-req" }, function(txn, checker)
    while not all_asked(checker) do
        core.msleep(20)
    end
end, 1)

-- Holds a connection until a server of `checker` is up.
core.register_action("wait_for_primary", { "tcp-req" }, function(txn, checker)
    while not all_asked(checker) or core.backends[checker]:get_srv_act() == 0 do
        core.msleep(20)
    end
end, 1)

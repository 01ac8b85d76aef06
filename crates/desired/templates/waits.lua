-- {{ managed }}
-- A server counts as up before its first check, after every start and reload of HAProxy. Whoever
-- came in then could be led to the wrong member: connections are held until all have been asked.
-- Whoever waits longer than the inspect-delay of its section is let go and meets the next rule.

local asked = {}

-- Whether every server of the backend `checker` has been checked once.
local function all_asked(checker)
    if not asked[checker] then
        for _, server in pairs(core.backends[checker].servers) do
            -- An asterisk: it is being checked.
            local status = string.gsub(server:get_stats()["check_status"] or "", "^%* ", "")
            if status == "" or status == "INI" or status == "UNK" then
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

-- A server that runs says at once whether it takes GSSAPI encryption, and logs nothing when that was
-- all.
local QUESTION, ANSWER_SECONDS = "\0\0\0\8\4\210\22\48", 1

local function answers(server)
    local host, port = server:get_addr():match("^%[?(.-)%]?:(%d+)$")
    local socket = core.tcp()
    socket:settimeout(ANSWER_SECONDS)
    local answered = socket:connect(host, tonumber(port)) and socket:send(QUESTION)
        and socket:receive(1)
    socket:close()
    return answered
end

-- Whether the primary answers now. That it was up in its last check may be three seconds old.
local function primary_answers(checker)
    for _, server in pairs(core.backends[checker].servers) do
        if server:get_stats()["status"]:match("^UP") and answers(server) then
            return true
        end
    end
    return false
end

-- Holds a connection until a server of `checker` is up and answers. A pooler whose connection ends
-- while it logs in turns away all its clients until another one has succeeded. After a reload the
-- process that holds it checks nobody any more, and would hold it in vain: `txn.moves` says that it
-- shall go on to the next process, which holds it in its turn.
core.register_action("wait_for_primary", { "tcp-req" }, function(txn, checker)
    while true do
        if tonumber(core.get_info()["Stopping"]) == 1 then
            txn:set_var("txn.moves", true)
            return
        end
        if all_asked(checker) and primary_answers(checker) then
            return
        end
        core.msleep(20)
    end
end, 1)

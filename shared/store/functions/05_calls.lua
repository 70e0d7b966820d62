-- How the functions call Redis and read stored values. A key of the wrong type, or a counter that
-- is not a number, must not end a call: a script of another program may have written it, and the
-- error would repeat with every call. A function that writes moves such a key to
-- P"damaged:"<name>, counts it (stats: damaged) and continues as if it were absent; one that only
-- reads treats it as absent. Nothing else of a key is checked here.

-- writing: whether this call may write. unreadable: keys of a wrong type that a reading call met.
local damage = {writing = false, unreadable = {}}

-- In the place of Redis' own `redis`, so that no call goes past it.
local redis = (function(server)
    local absent = {
        GET = false, HGET = false, ZSCORE = false, LINDEX = false, HLEN = 0, ZCARD = 0, LLEN = 0,
        XLEN = 0, STRLEN = 0, HSTRLEN = 0, HEXISTS = 0, SISMEMBER = 0, ZLEXCOUNT = 0,
    }

    local function nothing(command, names)
        if absent[command] ~= nil then return absent[command] end
        if command == 'HSCAN' then return {'0', {}} end
        local reply = {}
        if command == 'HMGET' then for i = 1, names do reply[i] = false end end
        return reply
    end

    -- True if the call may be tried again.
    local function mend(why, command, name, field)
        if string.find(why, 'WRONGTYPE', 1, true) then
            server().call('COPY', name, P .. 'damaged:' .. string.sub(name, #P + 1), 'REPLACE')
            server().call('UNLINK', name)
        elseif not string.find(why, 'not an integer', 1, true) then
            return false
        elseif command == 'HINCRBY' then
            server().call('HDEL', name, field)
        else
            server().call('UNLINK', name)
        end
        damage.note()
        return true
    end

    local function call(command, ...)
        local reply = server().pcall(command, ...)
        local why = type(reply) == 'table' and reply.err
        if not why then return reply end
        local name, field = ...
        if damage.writing then
            if mend(why, command, name, field) then return server().call(command, ...) end
        elseif string.find(why, 'WRONGTYPE', 1, true) then
            damage.unreadable[#damage.unreadable + 1] = name
            return nothing(command, select('#', ...) - 1)
        end
        error(reply)
    end

    return {
        call = call,
        pcall = function(...) return server().pcall(...) end,
        -- What `write` writes is neither kept in the append-only file nor replicated.
        unkept = function(write)
            server().set_repl(server().REPL_NONE)
            write()
            server().set_repl(server().REPL_ALL)
        end,
        register_function = function(what) server().register_function(what) end,
    }
end)(function() return redis end)

-- One entry that was not as it should be was taken out, or read as something that it can be.
function damage.note()
    if damage.writing then redis.call('HINCRBY', P .. 'stats', 'damaged', 1) end
end

-- A member of an index that belongs to nothing.
function damage.drop(index, member)
    if redis.call('ZREM', index, member) == 1 then damage.note() end
end

-- Redis answers false for a field that is absent; nil is what Lua code expects.
local function present(value) if value then return value end end

-- A stored number: digits, exact in a double. Anything else is `otherwise` (nil if not given).
local function stored(text, otherwise)
    local digits = text and #text <= 16 and string.find(text, '^%d+$')
    local value = digits and tonumber(text)
    return value and value <= 2^53 and value or otherwise
end

local function hash_fields(key, names)
    local values, out = redis.call('HMGET', key, unpack(names)), {}
    for i, name in ipairs(names) do out[name] = present(values[i]) end
    return out
end

-- The same fields, each there or '', at the end of a reply.
local function append_fields(reply, key, names)
    local found = hash_fields(key, names)
    for _, name in ipairs(names) do reply[#reply + 1] = found[name] or '' end
end

-- The sums may be below 0 for a while after damage, which reads as 0.
local function integer_at(key) return stored(redis.call('GET', key), 0) end

-- One entry of a stream, under the time of this call; where the stream is ahead of it, behind its
-- last entry.
local function append_entry(stream, most, ...)
    local id = redis.pcall('XADD', stream, 'MAXLEN', '~', most, int(now) .. '-*', ...)
    if type(id) == 'table' and id.err then
        redis.call('XADD', stream, 'MAXLEN', '~', most, '*', ...)
    end
end

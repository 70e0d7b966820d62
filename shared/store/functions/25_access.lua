-- Keys, what their owners have in hand, and their quotas. Who holds a key is decided in the api;
-- this file keeps what was granted and counts what is used.

local access = {}
local minute_ms = 60 * 1000

local function key_fields(a, from)
    return {scopes = a[from], collections = a[from + 1],
            requests = int(number(a[from + 2], 'requests')),
            image_bytes = int(number(a[from + 3], 'image_bytes')),
            jobs = int(number(a[from + 4], 'jobs')),
            expires_ms = int(number(a[from + 5], 'expires_ms')), note = a[from + 6]}
end

local function check_key(id, hash)
    if not string.find(id, '^%x+$') or #id ~= 12 then refuse('id must be 12 hexadecimal digits') end
    if not string.find(hash, '^%x+$') or #hash ~= 64 then
        refuse('hash must be 64 hexadecimal digits')
    end
end

local function no_room_for(id)
    if redis.call('EXISTS', key.access(id)) == 1 then return {'exists'} end
    if redis.call('ZCARD', key.of('keys')) >= limits.access_keys then return {'full'} end
end

local function store_key(id, hash, k)
    redis.call('HSET', key.access(id), 'hash', hash, 'scopes', k.scopes, 'collections',
        k.collections, 'requests', k.requests, 'image_bytes', k.image_bytes, 'jobs', k.jobs,
        'expires_ms', k.expires_ms, 'note', k.note, 'created_ms', now)
    redis.call('ZADD', key.of('keys'), now, id)
    access.note_change()
end

function access.create(a)
    local id, hash = a[1], a[2]
    check_key(id, hash)
    local k = key_fields(a, 3)
    local why = no_room_for(id)
    if why then return why end
    store_key(id, hash, k)
    audit(a[10] or '', '', 'key_create', k.collections, '', id)
    return {'ok'}
end

function access.revoke(a)
    local id = a[1]
    if redis.call('ZREM', key.of('keys'), id) == 0 then return {'not_found'} end
    redis.call('UNLINK', key.access(id), key.quota(id))
    access.note_change()
    audit(a[2] or '', '', 'key_revoke', '', '', id)
    return {'ok'}
end

local key_names = {'hash', 'scopes', 'collections', 'requests', 'image_bytes', 'jobs',
                   'expires_ms', 'created_ms', 'note'}

-- The new key is as the old one, which ends soon.
function access.rotate(a)
    local old, id, hash, overlap_ms = a[1], a[2], a[3], number(a[4], 'overlap_ms')
    check_key(id, hash)
    local k = hash_fields(key.access(old), key_names)
    if not k.hash then return {'not_found'} end
    for _, name in ipairs(key_names) do k[name] = k[name] or '0' end
    local why = no_room_for(id)
    if why then return why end
    store_key(id, hash, k)
    local ends = now + overlap_ms
    if k.expires_ms ~= '0' then ends = math.min(ends, stored(k.expires_ms, ends)) end
    redis.call('HSET', key.access(old), 'expires_ms', int(ends))
    audit(a[5] or '', '', 'key_rotate', k.collections, '', old .. ' ' .. id)
    return {'ok', int(ends)}
end

function access.keys(a)
    local changes = int(integer_at(key.of('key_changes')))
    if a[1] == changes then return {'same', changes} end
    local ids = redis.call('ZRANGE', key.of('keys'), 0, limits.access_keys)
    local reply = {'ok', changes, int(#ids)}
    for _, id in ipairs(ids) do
        reply[#reply + 1] = id
        append_fields(reply, key.access(id), key_names)
    end
    return reply
end

-- How many jobs the client has open if that is as many as its key may have, else nil.
function access.unfinished_jobs(client)
    local most = stored(redis.call('HGET', key.access(client), 'jobs'), 0)
    if most == 0 then return nil end
    local open = stored(redis.call('HGET', key.of('clients'), client), 0)
    if open >= most then return open end
end

-- A bucket holds a minute's worth and fills evenly.
local function filled(most, left, elapsed_ms)
    if not tonumber(left) then return most end
    return math.min(most, tonumber(left) + most * elapsed_ms / minute_ms)
end

local function told(most, left)
    if most == 0 then return '0', '0' end
    return int(math.max(0, math.floor(left))), int(math.ceil((most - left) / most * 60))
end

local function wait_ms(most, missing) return int(math.ceil(missing / most * minute_ms)) end

-- What it writes is neither kept nor replicated: no request waits for the disk because of it.
function access.spend(a)
    local id, bytes = a[1], number(a[2], 'image_bytes')
    local quota = hash_fields(key.access(id), {'requests', 'image_bytes'})
    if not quota.requests then return {'not_found'} end
    local most, bytes_most = stored(quota.requests, 0), stored(quota.image_bytes, 0)
    local was = hash_fields(key.quota(id), {'requests', 'image_bytes', 'at_ms'})
    local at_ms = stored(was.at_ms, now)
    local elapsed_ms = math.max(0, now - at_ms)
    local left = filled(most, was.requests, elapsed_ms)
    local bytes_left = filled(bytes_most, was.image_bytes, elapsed_ms)
    local over
    if most > 0 and left < 1 then
        over = {'over', 'requests', wait_ms(most, 1 - left)}
    elseif bytes_most > 0 and bytes > 0 and bytes_left <= 0 then
        over = {'over', 'image_bytes', wait_ms(bytes_most, 1 - bytes_left)}
    end
    if not over then left, bytes_left = left - 1, bytes_left - bytes end
    if not over or at_ms > now then  -- from before the clock went back: it would not fill
        redis.unkept(function()
            redis.call('HSET', key.quota(id), 'requests', string.format('%.6f', left),
                'image_bytes', string.format('%.6f', bytes_left), 'at_ms', now)
        end)
    end
    local reply = over or {'ok'}
    for _, pair in ipairs({{most, left}, {bytes_most, bytes_left}}) do
        reply[#reply + 1] = int(pair[1])
        reply[#reply + 1], reply[#reply + 2] = told(pair[1], pair[2])
    end
    return reply
end

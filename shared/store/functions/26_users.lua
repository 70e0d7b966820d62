-- People who log in on the page: their passwords' hashes, their sessions, and how long one has to
-- wait after wrong passwords. Passwords are hashed and compared in the api; no function sees one.

local users = {}

local session_idle_ms = 12 * 3600 * 1000     -- over a working day; not used, it is gone the next
local session_ms = 7 * 24 * 3600 * 1000      -- then the password is asked for in any case
local sessions_each = 20                     -- of one user; the oldest goes
local touch_ms = 60 * 1000                   -- a use is written down so often
local tries_free = 5                         -- the 5th wrong password makes the first wait
local wait_max_ms = 15 * 60 * 1000
local tries_kept_ms = 3600 * 1000            -- after the last one all is forgotten
users.tries_max = 100000                     -- names and addresses; the oldest are forgotten

local function check_user(name, password)
    if #name > 48 or not string.find(name, '^[a-z0-9][a-z0-9._@-]*$') then
        refuse('name must be a user name')
    end
    if password and (#password > 128 or not string.find(password, '^%$argon2id%$')) then
        refuse('password must be an Argon2id hash')
    end
end

local function check_session(hash)
    if not string.find(hash, '^%x+$') or #hash ~= 64 then
        refuse('hash must be 64 hexadecimal digits')
    end
end

-- ---- users ----

function users.list()
    local names = redis.call('ZRANGE', key.of('users'), 0, limits.users)
    local reply = {'ok', int(#names)}
    local fields = {'role', 'collections', 'created_ms', 'changed_ms'}
    for _, name in ipairs(names) do
        reply[#reply + 1] = name
        append_fields(reply, key.user(name), fields)
    end
    return reply
end

local roles = {viewer = true, operator = true, admin = true}

function users.add(a)
    local name, password, role, collections = a[1], a[2], one_of(a[3], roles, 'role'), a[4]
    check_user(name, password)
    if redis.call('EXISTS', key.user(name)) == 1 then return {'exists'} end
    if redis.call('ZCARD', key.of('users')) >= limits.users then return {'full'} end
    redis.call('HSET', key.user(name), 'password', password, 'role', role, 'collections',
        collections, 'created_ms', now, 'changed_ms', now)
    redis.call('ZADD', key.of('users'), now, name)
    access.note_change()
    audit(a[5] or '', '', 'user_add', collections, '', name)
    return {'ok'}
end

function users.end_session(name, hash)
    redis.call('UNLINK', key.session(hash))
    redis.call('ZREM', key.of('sessions'), hash)
    redis.call('ZREM', key.sessions(name), hash)
end

-- which: as in the index `tries`
function users.forget_tries(which)
    redis.call('UNLINK', key.of('tries:' .. which))
    redis.call('ZREM', key.of('tries'), which)
end

local function end_sessions(name)
    for _, hash in ipairs(redis.call('ZRANGE', key.sessions(name), 0, sessions_each)) do
        users.end_session(name, hash)
    end
    redis.call('UNLINK', key.sessions(name))
    users.forget_tries('name:' .. name)
end

function users.password(a)
    local name, password = a[1], a[2]
    check_user(name, password)
    if redis.call('EXISTS', key.user(name)) == 0 then return {'not_found'} end
    redis.call('HSET', key.user(name), 'password', password, 'changed_ms', now)
    end_sessions(name)
    access.note_change()
    audit(a[3] or '', '', 'user_password', '', '', name)
    return {'ok'}
end

function users.remove(a)
    local name = a[1]
    check_user(name)
    if redis.call('ZREM', key.of('users'), name) == 0 then return {'not_found'} end
    redis.call('UNLINK', key.user(name))
    end_sessions(name)
    access.note_change()
    audit(a[2] or '', '', 'user_remove', '', '', name)
    return {'ok'}
end

-- ---- logging in ----

local function wait_after(wrong)
    if wrong < tries_free then return 0 end
    return math.min(2 ^ math.min(wrong - tries_free, 20) * 1000, wait_max_ms)
end

local function wait_left(tries)
    local from = stored(redis.call('HGET', tries, 'next_ms'), 0)
    if from > now + wait_max_ms then  -- from before the clock went back
        from = now + wait_max_ms
        redis.call('HSET', tries, 'next_ms', int(from))
    end
    return math.max(0, from - now)
end

-- Nothing of this expires by Redis, whose clock is that of its host: gc asks what is over.
local function count_try(kind, which)
    local tries, member = key.tries(kind, which), kind .. ':' .. which
    local wrong = redis.call('HINCRBY', tries, 'wrong', 1)
    redis.call('HSET', tries, 'next_ms', int(now + wait_after(wrong)))
    redis.call('PERSIST', tries)
    redis.call('ZADD', key.of('tries'), int(now + tries_kept_ms), member)
    if redis.call('ZCARD', key.of('tries')) > users.tries_max then
        users.forget_tries(redis.call('ZRANGE', key.of('tries'), 0, 0)[1])
    end
end

-- A try counts as wrong until login takes it back, so concurrent tries do not avoid the wait.
function users.login_try(a)
    local name, by_address = a[1], key.tries('address', a[2])
    if name ~= '' then check_user(name) end
    local by_name = key.tries('name', name)
    local wait = math.max(wait_left(by_name), wait_left(by_address))
    if wait > 0 then return {'wait', int(wait)} end
    count_try('name', name)
    count_try('address', a[2])
    return {'ok', name ~= '' and redis.call('HGET', key.user(name), 'password') or ''}
end

local function make_room(name)
    local list = key.sessions(name)
    local over = redis.call('ZCARD', list) - sessions_each + 1
    if over <= 0 then return end
    for _, hash in ipairs(redis.call('ZRANGE', list, 0, over - 1)) do
        users.end_session(name, hash)
    end
end

local function ends_ms(created, used) return math.min(used + session_idle_ms, created + session_ms) end

-- The password is the hash that was compared: if it was changed meanwhile, the login is refused.
function users.login(a)
    local name, password, hash, counted, address = a[1], a[2], a[3], a[4], a[5]
    check_user(name, password)
    check_session(hash)
    if redis.call('HGET', key.user(name), 'password') ~= password then return {'gone'} end
    users.forget_tries('name:' .. name)
    local by_address = key.tries('address', counted)
    if redis.call('EXISTS', by_address) == 1 then
        redis.call('HINCRBY', by_address, 'wrong', -1)
        redis.call('HSET', by_address, 'next_ms', '0')
    end
    make_room(name)
    redis.call('HSET', key.session(hash), 'user', name, 'created_ms', now, 'used_ms', now)
    redis.call('ZADD', key.of('sessions'), int(ends_ms(now, now)), hash)
    redis.call('ZADD', key.sessions(name), now, hash)
    redis.call('PERSIST', key.sessions(name))
    audit('user:' .. name, address, 'login', '', '', '')
    return {'ok'}
end

-- ---- sessions ----

function users.session(a)
    local hash, uses = a[1], a[2] == '1'
    check_session(hash)
    local s = hash_fields(key.session(hash), {'user', 'created_ms', 'used_ms'})
    if not s.user then return {'gone'} end
    local u = hash_fields(key.user(s.user), {'role', 'collections'})
    if not u.role then return {'gone'} end
    local created, used = stored(s.created_ms, 0), stored(s.used_ms, 0)
    if ends_ms(created, used) <= clock.passed() then return {'gone'} end
    if uses and math.abs(now - used) >= touch_ms then
        created, used = math.min(created, now), now
        redis.call('HSET', key.session(hash), 'created_ms', int(created), 'used_ms', now)
        redis.call('PERSIST', key.session(hash))
        redis.call('ZADD', key.of('sessions'), int(ends_ms(created, used)), hash)
    end
    return {'ok', s.user, u.role, u.collections or '', int(ends_ms(created, used))}
end

function users.session_end(a)
    local hash = a[1]
    check_session(hash)
    local name = redis.call('HGET', key.session(hash), 'user')
    if not name then return {'gone'} end
    users.end_session(name, hash)
    return {'ok'}
end

-- Sessions that ended and tries that are forgotten; for gc.
function users.forget_old(most)
    clock.repair(key.of('sessions'), session_ms, most)
    clock.repair(key.of('tries'), tries_kept_ms, most)
    local function over(index)
        return redis.call('ZRANGEBYSCORE', key.of(index), '-inf', clock.passed(), 'LIMIT', 0, most)
    end
    local hashes, tries = over('sessions'), over('tries')
    for _, hash in ipairs(hashes) do
        users.end_session(redis.call('HGET', key.session(hash), 'user') or '', hash)
    end
    for _, which in ipairs(tries) do users.forget_tries(which) end
    return #hashes + #tries
end

-- ---- the link that makes the first user: the hash of its token, for an hour, while there is none ----

users.setup_ms = 3600 * 1000

-- hash '': whatever its token is
function users.is_setup_open(hash)
    if redis.call('ZCARD', key.of('users')) > 0 then return false end
    local s = hash_fields(key.of('setup'), {'hash', 'ends_ms'})
    local left = stored(s.ends_ms, 0) - clock.passed()
    local good = s.hash and left > 0 and left <= users.setup_ms
    return good and (hash == '' or s.hash == hash)
end

function users.setup_begin(a)
    check_session(a[1])
    if redis.call('ZCARD', key.of('users')) > 0 then return {'exists'} end
    redis.call('UNLINK', key.of('setup'))
    redis.call('HSET', key.of('setup'), 'hash', a[1], 'ends_ms', int(now + users.setup_ms))
    access.note_change()
    audit(a[2] or '', '', 'setup_begin', '', '', '')
    return {'ok'}
end

function users.setup(a) return {users.is_setup_open(a[1]) and 'ok' or 'gone'} end

-- Counts against the address alone: others' wrong tokens must not keep the one with the link out.
function users.setup_try(a)
    local hash, counted = a[1], a[2]
    check_session(hash)
    local wait = wait_left(key.tries('address', counted))
    if wait > 0 then return {'wait', int(wait)} end
    count_try('address', counted)
    return users.setup(a)
end

-- counted: the address that the try counted against
function users.setup_finish(a)
    local hash, name, password, counted, from = a[1], a[2], a[3], a[4], a[5]
    check_session(hash)
    if not users.is_setup_open(hash) then return {'gone'} end
    local made = users.add({name, password, 'admin', '*', 'setup'})
    if made[1] ~= 'ok' then return made end
    redis.call('UNLINK', key.of('setup'))
    users.forget_tries('address:' .. counted)
    audit('setup', from, 'setup', '', '', name)
    return {'ok'}
end

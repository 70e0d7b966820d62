-- A job and its place. A state is the field `state` and the indexes that belong to it; move() is
-- the only function that changes either, and writes the event.

local job = {}

-- What a decision may need; never the texts of the caller, which can be large.
local job_fields = {
    'type', 'state', 'collection', 'priority', 'attempt', 'worker', 'started', 'solo', 'crashes',
    'failures', 'cancel_requested', 'created_ms', 'deadline_ms', 'min_version', 'version', 'mseq',
    'label', 'person_id', 'images', 'image_bytes', 'lease_until_ms', 'traceparent',
    'annotated_bytes', 'finished_bytes', 'client', 'holder', 'detector', 'detector_default', 'waits_for', 'vectors',
}

-- What a holder has of something that all share: of jobs, bytes or keys `by` more.
local function hold(what, holder, by)
    if redis.call('HINCRBY', key.held(what), holder, by) <= 0 then
        redis.call('HDEL', key.held(what), holder)
    end
end

-- What damage leaves of a number is read as the other value here; absent ones stay absent if there
-- is none. Of a job that is there, so that every step can go on with it.
job.numbers = {
    attempt = '0', solo = '0', crashes = '0', failures = '0', images = '0', image_bytes = '0',
    min_version = '0', mseq = '0', version = false, lease_until_ms = false, created_ms = '0',
    deadline_ms = '0', annotated_bytes = false, finished_bytes = false,
}
job.states = {
    pending = true, running = true, delayed = true, publishing = true, succeeded = true,
    failed = true, cancelled = true, dead = true,
}
job.types = {
    recognize = true, detect = true, embed = true, verify = true,
    train = true, calibrate = true, reembed = true, clear = true,
    forget = true, forget_face = true, rename = true, merge = true, delete_collection = true,
}
-- They may name no collection: then they read no gallery, and the field is empty.
job.without_collection = {detect = true, embed = true, verify = true}
-- Absent in these, a field is damage; the others are there when they apply.
job.always = {'attempt', 'images', 'image_bytes', 'created_ms', 'collection', 'priority', 'client'}

-- nil if there is no such job, or its state or type is unknown.
function job.read(id)
    local j = hash_fields(key.job(id), job_fields)
    if not job.states[j.state] or not job.types[j.type] then return nil end
    for _, name in ipairs(job.always) do
        if not j[name] then j.damaged = name end
    end
    for name, otherwise in pairs(job.numbers) do
        if j[name] and not stored(j[name]) then j.damaged, j[name] = name, nil end
        j[name] = j[name] or otherwise or nil
    end
    if tonumber(j.images) > limits.files_per_train then j.damaged, j.images = 'images', '0' end
    if j.waits_for and j.state ~= 'delayed' then j.damaged, j.waits_for = 'waits_for', nil end
    if j.priority ~= 'bulk' then j.priority = 'interactive' end
    j.collection, j.client = j.collection or 'default', j.client or 'anonymous'
    if j.state == 'running' then
        j.worker, j.lease_until_ms = j.worker or '', j.lease_until_ms or '0'
    elseif j.state == 'publishing' then
        j.version = j.version or '0'
    end
    return j
end

-- Whether a waiting job's deadline has passed. Time that went forward by itself is not its waiting.
function job.is_late(id, j)
    local deadline_ms = tonumber(j.deadline_ms)
    if deadline_ms > clock.passed() then return false end
    local more_ms = clock.job_leaped(tonumber(j.created_ms))
    if more_ms == 0 or deadline_ms > clock.leap_end_ms() then return true end
    j.deadline_ms = int(deadline_ms + more_ms)
    redis.call('HSET', key.job(id), 'deadline_ms', j.deadline_ms)
    redis.call('ZADD', key.queue('deadline'), 'XX', j.deadline_ms, id)
    return tonumber(j.deadline_ms) <= clock.passed()
end

local function count(name, n) redis.call('HINCRBY', key.of('stats'), name, n or 1) end

local function event(id, j, from, to, why)
    append_entry(key.of('events'), events_kept, 'job', id, 'from', from, 'to', to, 'attempt',
        j.attempt, 'why', why, 'worker', j.worker or '', 'type', j.type, 'collection', j.collection)
end

-- The milliseconds of a UUIDv7: its first 48 bits.
local function id_time_ms(id)
    return tonumber(string.sub(id, 1, 8) .. string.sub(id, 10, 13), 16) or 0
end

-- Of a job that is removed. Not ahead of the time, or every id that comes would once have been.
function job.note_collected(id)
    local time_ms = math.min(id_time_ms(id), now)
    if time_ms > integer_at(key.of('collected')) then
        redis.call('SET', key.of('collected'), int(time_ms))
    end
end

-- The reply for a job that does not exist: it may have been collected.
function job.absent(id)
    local time_ms = id_time_ms(id)
    if time_ms > 0 and time_ms <= integer_at(key.of('collected')) then return {'gone'} end
    return {'not_found'}
end

function job.drop_images(id, j)
    local bytes = tonumber(j.image_bytes)
    if bytes == 0 then return end
    for n = 0, tonumber(j.images) - 1 do redis.call('UNLINK', key.image(id, n)) end
    redis.call('DECRBY', key.of('bytes'), bytes)
    if j.holder then hold('bytes', j.holder, -bytes) end
    if j.state == 'dead' then
        redis.call('DECRBY', key.of('dead_bytes'), bytes)
        redis.call('ZREM', key.queue('dead_images'), id)
    end
    redis.call('HSET', key.job(id), 'image_bytes', 0)
    j.image_bytes = '0'
end

-- A train is open until it ended; the changes of its collection are kept as long, see 40_galleries.
function job.close_train(id, j)
    if j.type ~= 'train' then return end
    local open, changes = key.gallery(j.collection, 'open'), key.gallery(j.collection, 'changes')
    if redis.call('ZREM', open, id) == 0 then return end
    redis.call('HDEL', key.job(id), 'person_data', 'external', 'fold')
    job.expect_no_more(j)
    local oldest = redis.call('ZRANGE', open, 0, 0, 'WITHSCORES')
    if oldest[1] then
        redis.call('ZREMRANGEBYSCORE', changes, '-inf', '(' .. oldest[2])
    else
        redis.call('UNLINK', changes, key.gallery(j.collection, 'changes_from'),
            key.gallery(j.collection, 'awaited'))
    end
end

-- Out of the indexes of a state. An id near the front of the line is found at once (-1).
local leave = {}
function leave.pending(id, j)
    redis.call('LREM', key.pending(j.priority), -1, id)
    redis.call('ZREM', key.queue('deadline'), id)
end
function leave.running(id, j)
    redis.call('ZREM', key.queue('running'), id)
    redis.call('SREM', key.worker_running(j.worker), id)
end
function leave.delayed(id, j)
    redis.call('ZREM', key.queue('delayed'), id)
    redis.call('ZREM', key.queue('deadline'), id)
    if not j.waits_for then return end
    hold('models', j.waits_for, -1)
    redis.call('HDEL', key.job(id), 'waits_for')
    j.waits_for = nil
end
function leave.publishing(id, j)
    local waiting = key.gallery(j.collection, 'publishing')
    redis.call('ZREM', key.queue('publishing'), id)
    redis.call('ZREM', waiting, id)
    if redis.call('EXISTS', waiting) == 0 then
        redis.call('ZREM', key.of('publishing'), j.collection)
    end
end
function leave.dead(id, j)
    redis.call('ZREM', key.queue('dead'), id)
    redis.call('ZREM', key.queue('dead_images'), id)
    redis.call('DECRBY', key.of('dead_bytes'), tonumber(j.image_bytes))
end

local function finish(id, j)
    job.drop_images(id, j)
    job.close_train(id, j)
    local bytes = 0
    for _, field in ipairs({'result', 'error', 'options', 'label', 'removed', 'confirmed'}) do
        bytes = bytes + redis.call('HSTRLEN', key.job(id), field)
    end
    redis.call('HSET', key.job(id), 'finished_ms', now, 'finished_bytes', bytes)
    redis.call('HDEL', key.job(id), 'lease_until_ms')
    redis.call('INCRBY', key.of('finished_bytes'), bytes)
    redis.call('ZADD', key.queue('done'), now, id)
    count(j.state)
end

-- Into the indexes of a state. j.front: first in line; j.at: when a lease or a delay ends.
local enter = {succeeded = finish, failed = finish, cancelled = finish}
function enter.pending(id, j)
    redis.call(j.front and 'RPUSH' or 'LPUSH', key.pending(j.priority), id)
    redis.call('ZADD', key.queue('deadline'), j.deadline_ms, id)
end
function enter.running(id, j)
    redis.call('ZADD', key.queue('running'), j.at, id)
    redis.call('SADD', key.worker_running(j.worker), id)
end
function enter.delayed(id, j)
    redis.call('ZADD', key.queue('delayed'), j.at, id)
    redis.call('ZADD', key.queue('deadline'), j.deadline_ms, id)
    if j.waits_for then hold('models', j.waits_for, 1) else count('retried') end
end
function enter.publishing(id, j)
    job.drop_images(id, j)
    job.close_train(id, j)
    redis.call('ZADD', key.queue('publishing'), now, id)
    redis.call('ZADD', key.gallery(j.collection, 'publishing'), j.version, id)
    redis.call('ZADD', key.of('publishing'), 'NX', now, j.collection)
end
function enter.dead(id, j)
    redis.call('ZADD', key.queue('dead'), now, id)
    if j.image_bytes ~= '0' then redis.call('ZADD', key.queue('dead_images'), now, id) end
    redis.call('INCRBY', key.of('dead_bytes'), j.image_bytes)
    redis.call('HSET', key.job(id), 'finished_ms', now)
    redis.call('HDEL', key.job(id), 'lease_until_ms')
    count('died')
end

-- What a client has in hand.
local open_states = {pending = true, running = true, delayed = true}
local function count_open(j, from, to)
    local by = (open_states[to] and 1 or 0) - (open_states[from] and 1 or 0)
    if by == 0 then return end
    if j.holder then hold('jobs', j.holder, by) end
    if redis.call('HINCRBY', key.of('clients'), j.client, by) <= 0 then
        redis.call('HDEL', key.of('clients'), j.client)
    end
end

-- By type: what a job leaves behind elsewhere, when it ends or is dead. f(id, j)
job.ended = {}

-- One arrow of the diagram. j.state is '' for a job that is being made.
function job.move(id, j, to, why)
    local from = j.state
    if leave[from] then leave[from](id, j) end
    redis.call('HSET', key.job(id), 'state', to)
    j.state = to
    enter[to](id, j)
    if job.ended[j.type] and not open_states[to] and to ~= 'publishing' then
        job.ended[j.type](id, j)
    end
    count_open(j, from, to)
    event(id, j, from, to, why)
end

-- Whether a worker may still write for its attempt: nil if so, else what to answer. An attempt that
-- ended by its own worker's hand keeps attempt and worker, so that a repeat is told apart.
function job.not_his(j, attempt, worker)
    local same = j and j.attempt == attempt and j.worker == worker
    if same and j.state == 'running' then return nil end
    local word = same and 'dup' or 'stale'
    count(word)
    return {word, j and j.state or ''}
end

function job.fail_with(id, j, code, detail)
    redis.call('HSET', key.job(id), 'error',
        '{"code":"' .. code .. '","detail":"' .. detail .. '"}')
end

-- A waiting job whose deadline has passed.
function job.fail_late(id, j)
    local model = j.waits_for and string.find(j.waits_for, '^[%w_./ -]+$') and j.waits_for
    job.fail_with(id, j, 'deadline_exceeded', 'Job waited past its deadline' ..
        (model and ': no worker has ' .. model or ''))
    job.move(id, j, 'failed', 'deadline_exceeded')
end

-- An attempt handed back by its worker: nothing is counted. The field worker stays, for `dup`.
function job.give_back(id, j, why)
    if j.cancel_requested then
        job.move(id, j, 'cancelled', 'cancel')
    else
        redis.call('HDEL', key.job(id), 'lease_until_ms', 'started')
        j.front = true
        job.move(id, j, 'pending', why)
        count('requeued')
    end
    return j.state
end

-- An attempt taken from its worker. counts: whether it may be the job's own fault.
function job.lose(id, j, why, counts)
    if j.cancel_requested then
        job.move(id, j, 'cancelled', 'cancel')
        return j.state
    end
    if counts and j.solo == '1' and j.started == j.attempt then
        count('crashed')
        local crashes = redis.call('HINCRBY', key.job(id), 'crashes', 1)
        if crashes >= limits.crashes_max then
            job.fail_with(id, j, 'poison',
                'Crashed three workers or their decoders while running alone')
            job.move(id, j, 'dead', 'poison')
            return j.state
        end
    end
    redis.call('HSET', key.job(id), 'solo', 1)
    redis.call('HDEL', key.job(id), 'worker', 'lease_until_ms', 'started')
    j.front = true
    job.move(id, j, 'pending', why)
    count('requeued')
    return j.state
end

-- With all that belongs to it. DECRBY and not INCRBY: Lua writes minus zero as "-0", which Redis
-- takes for no number. Only for jobs that are dead or ended.
function job.remove(id, j)
    job.drop_images(id, j)
    job.close_train(id, j)
    if leave[j.state] then leave[j.state](id, j) end
    redis.call('DECRBY', key.of('annotated_bytes'), tonumber(j.annotated_bytes or 0))
    redis.call('DECRBY', key.of('finished_bytes'), tonumber(j.finished_bytes or 0))
    redis.call('UNLINK', key.job(id), key.annotated(id))
    for _, index in ipairs({'all', 'done', 'annotated'}) do
        redis.call('ZREM', key.queue(index), id)
    end
    local time_ms = id_time_ms(id)
    job.note_collected(id)
    count('collected')
end

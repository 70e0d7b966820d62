-- What clients of the queue call: accept a job, cancel one.

local queue = {}
local types = {recognize = true, train = true, calibrate = true}
local priorities = {interactive = true, bulk = true}

local function forget_expired(most)
    local known = key.of('idempotency')
    local expired = redis.call('ZRANGEBYSCORE', known, '-inf', clock.passed(), 'LIMIT', 0, most)
    for _, hash in ipairs(expired) do redis.call('UNLINK', key.idempotency(hash)) end
    if #expired > 0 then redis.call('ZREM', known, unpack(expired)) end
    return #expired
end

-- What to answer to a request that was seen before, or nil.
function queue.seen(id, hash, fingerprint)
    local state = redis.call('HGET', key.job(id), 'state')
    if state then return {'dup', id, state} end
    if hash == '' then return nil end
    local known = redis.call('GET', key.idempotency(hash))
    local first, first_fingerprint = string.match(known or '', '^(%S+) (.*)$')
    if first then
        if first_fingerprint ~= fingerprint then return {'conflict', first} end
        return {'dup', first, redis.call('HGET', key.job(first), 'state') or ''}
    end
    forget_expired(10)
    local keys = redis.call('ZCARD', key.of('idempotency'))
    if keys >= limits.idempotency_keys then return {'full', 'idempotency', int(keys)} end
end

function queue.remember(id, hash, fingerprint)
    if hash == '' then return end
    redis.call('SET', key.idempotency(hash), id .. ' ' .. fingerprint)
    redis.call('ZADD', key.of('idempotency'), now + idempotency_ms, hash)
end

local function memory_short()
    local info = redis.call('INFO', 'memory')
    local most = tonumber(string.match(info, '\nmaxmemory:(%d+)'))
    return most > 0 and tonumber(string.match(info, '\nused_memory:(%d+)')) > most * memory_share
end

local function no_room(client, bytes, jobs_max, bytes_max)
    if memory_short() then return {'oom'} end
    local in_hand = access.jobs_in_hand(client)
    if in_hand then return {'full', 'client', int(in_hand)} end
    local jobs = redis.call('LLEN', key.pending('interactive')) +
        redis.call('LLEN', key.pending('bulk')) + redis.call('ZCARD', key.queue('delayed'))
    if jobs + 1 > jobs_max then return {'full', 'jobs', int(jobs)} end
    if integer_at(key.of('bytes')) + bytes > bytes_max then return {'full', 'bytes', int(jobs)} end
end

function queue.accept(a)
    local id, kind, collection, priority, options, label = unpack(a, 1, 6)
    local client, from, label_hash = given_by(a[7])
    local traceparent = a[8]
    one_of(kind, types, 'type')
    one_of(priority, priorities, 'priority')
    collection_name(collection)
    if kind == 'train' then label_text(label) end
    local deadline_ms, hash, fingerprint = now + number(a[9], 'deadline_ms'), a[10], a[11]
    local jobs_max, bytes_max = number(a[12], 'max_jobs'), number(a[13], 'max_bytes')
    local images, bytes = #a - 13, 0
    if images > limits.files_per_train then refuse('too many images') end
    for i = 14, #a do bytes = bytes + #a[i] end
    if (kind == 'calibrate') ~= (images == 0) or images > 0 and bytes == 0 then refuse('images') end

    local answer = queue.seen(id, hash, fingerprint)
    if answer and answer[1] ~= 'full' then return answer end
    answer = answer or no_room(client, bytes, jobs_max, bytes_max)
    if answer then
        count('refused')
        return answer
    end

    local min_version = int(gallery.read(collection).version)
    for i = 14, #a do redis.call('SET', key.image(id, i - 14), a[i]) end
    redis.call('INCRBY', key.of('bytes'), bytes)
    redis.call('HSET', key.job(id), 'type', kind, 'collection', collection, 'priority', priority,
        'options', options, 'client', client, 'traceparent', traceparent, 'attempt', 0,
        'failures', 0, 'crashes', 0, 'solo', 0, 'images', images, 'image_bytes', bytes,
        'created_ms', now, 'deadline_ms', deadline_ms, 'min_version', min_version)
    if kind == 'train' then
        local mseq = redis.call('INCR', key.of('mseq'))
        redis.call('HSET', key.job(id), 'label', label, 'label_hash', label_hash, 'mseq', mseq)
        redis.call('ZADD', key.gallery(collection, 'open'), mseq, id)
        audit(client, from, 'train', collection, label_hash, id)
    end
    redis.call('ZADD', key.queue('all'), now, id)
    queue.remember(id, hash, fingerprint)
    local j = {state = '', type = kind, collection = collection, client = client,
               priority = priority, deadline_ms = deadline_ms, attempt = '0'}
    job.move(id, j, 'pending', 'accept')
    count('accepted')
    return {'ok', id, min_version}
end

function queue.cancel(a)
    local id = a[1]
    local j = job.read(id)
    if not j then return job.absent(id) end
    given_by(a[2] or '')  -- refuses before anything is written
    if j.state == 'pending' or j.state == 'delayed' then
        audit_job(id, j, a[2], 'cancel')
        job.move(id, j, 'cancelled', 'cancel')
        return {'cancelled'}
    end
    if j.state ~= 'running' then return {'terminal', j.state} end
    if not j.cancel_requested then
        audit_job(id, j, a[2], 'cancel')
        redis.call('HSET', key.job(id), 'cancel_requested', 1)
        event(id, j, 'running', 'running', 'cancel_requested')
    end
    return {'requested', j.worker, j.attempt}
end

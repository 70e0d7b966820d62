-- How workers get jobs: lease, and the functions that take an attempt back.

-- The kind of device whose jobs a lease prefers; a broker of library minor 7 or older names a detector.
local preferences = {[''] = true, gpu = 'gpu', cpu = 'cpu', cnn = 'gpu', hog = 'cpu'}
local looked_at = 64        -- jobs of a queue that a lease with a preference chooses from
queue.looked_at_most = 512  -- jobs of a queue that a lease reads, those for other workers among them
local overtaken_ms = 2000
queue.publishing_looked_at = 10

-- The detector of a job. A job that was accepted by library minor 7 or older has no such field: it
-- gets one. nil: it has no options either, so it suits every device.
function job.detector_of(id, j)
    if j.detector then return j.detector end
    local options = redis.call('HGET', key.job(id), 'options')
    if not options then return nil end
    local name = job.detector_in(options)
    redis.call('HSET', key.job(id), 'detector', name)
    return name
end

-- Delayed jobs that are due go to the end of their queue; those that waited for a worker with their
-- model go to the front, the oldest first, or wait on.
local function wake_due(view)
    local due = redis.call('ZRANGEBYSCORE', key.queue('delayed'), '-inf', now, 'LIMIT', 0,
        limits.reap_batch)
    local parked = {}
    for _, id in ipairs(due) do
        local j = job.read(id)
        if j and j.waits_for then
            parked[#parked + 1] = {id, j}
        elseif j and j.state == 'delayed' then
            job.move(id, j, 'pending', 'due')
        else
            damage.drop(key.queue('delayed'), id)
        end
    end
    for i = #parked, 1, -1 do
        local id, j = unpack(parked[i])
        if models.may_wake(view, id, j) then
            j.front = true
            job.move(id, j, 'pending', 'due')
        end
    end
end

-- The front of one queue, the first job last, read once for a call; more of it (front_on) if jobs
-- had to be passed over.
local function front(priority, most)
    local ids = redis.call('LRANGE', key.pending(priority), -most, -1)
    return {priority = priority, ids = ids, at = #ids, most = most, looked = #ids, passed = 0}
end

-- What stands behind the jobs that were read; of those, the ones passed over are still in the queue.
local function front_on(l)
    if not l.most or l.passed == 0 or l.looked >= queue.looked_at_most then return false end
    l.ids = redis.call('LRANGE', key.pending(l.priority), -(l.passed + l.most), -(l.passed + 1))
    l.at = #l.ids
    l.looked = l.looked + l.at
    return l.at > 0
end

-- The ids of a queue from its front.
function queue.from_front(priority)
    local looked, ids, at = 0, {}, 0
    return function()
        if at == 0 then
            if looked == queue.looked_at_most then return nil end
            ids = redis.call('LRANGE', key.pending(priority), -(looked + looked_at), -(looked + 1))
            at, looked = #ids, looked + looked_at
        end
        at = at - 1
        return ids[at + 1]
    end
end

-- The same for a worker that prefers jobs for its kind of device: those first, then of the others as
-- many as it may still take (preference.spill). Nothing is overtaken by what came overtaken_ms after
-- it, nor by a job that must run alone, so each job that is passed over has its turn. What needs a
-- model that the worker lacks is not looked at further.
local function front_by_preference(priority, n, preference, view)
    local order, passed, from = {}, {}, 1
    local looked, unrunnable = 0, {}
    local function suits_gpu(detector)
        return detector ~= '' and
            string.find(preference.gpu_detectors, ',' .. detector .. ',', 1, true) ~= nil
    end
    local function give_way(limit)
        while passed[from] and passed[from].came < limit do
            if preference.spill == 0 then return false end
            preference.spill = preference.spill - 1
            order[#order + 1] = passed[from].id
            from = from + 1
        end
        return true
    end
    for id in queue.from_front(priority) do
        local j = hash_fields(key.job(id), {'detector', 'detector_default', 'solo', 'created_ms',
            'type', 'collection', 'vectors'})
        j.collection = j.collection or 'default'
        local came, solo = stored(j.created_ms, now), j.solo == '1'
        local suits, missing, resolved = models.suits(view, id, j)
        local detector = not solo and job.detector_of(id, j)
        if detector == '' then detector = resolved end
        if suits then looked = looked + 1 end
        if missing then
            unrunnable[#unrunnable + 1] = {id, missing}
        elseif not suits then
            view.passed = view.passed + 1
        elseif detector and suits_gpu(detector) ~= preference.gpu then
            passed[#passed + 1] = {id = id, came = came}
        else
            if not give_way(solo and math.huge or came - overtaken_ms) then break end
            order[#order + 1] = id
            if solo or #order >= n then break end
        end
        if looked == looked_at then break end
    end
    give_way(math.huge)
    for _, one in ipairs(unrunnable) do
        local j = job.read(one[1])
        if j and j.state == 'pending' then models.park(view, one[1], j, one[2]) end
    end
    local l = {priority = priority, ids = {}, at = #order}
    for i, id in ipairs(order) do l.ids[#order + 1 - i] = id end
    return l
end

-- The first job of a queue for a worker. Jobs past their deadline fail on the way; jobs that the
-- worker cannot run are passed over, and those that no worker can run are parked.
local function first_in(l, wanted, view)
    while l.at > 0 or front_on(l) do
        local id = l.ids[l.at]
        local j = job.read(id)
        if not j or j.state ~= 'pending' then
            redis.call('LREM', key.pending(l.priority), -1, id)
            damage.note()
        elseif job.is_late(id, j) then
            job.fail_late(id, j)
        elseif wanted == '' or models.announced[j.type] or
            string.find(wanted, ',' .. j.type .. ',', 1, true) then
            local suits, missing = models.suits(view, id, j)
            if suits then return id, j end
            if missing then
                models.park(view, id, j, missing)
            else
                view.passed, l.passed = view.passed + 1, (l.passed or 0) + 1
            end
        else
            l.passed = (l.passed or 0) + 1
        end
        l.at = l.at - 1
    end
end

local function grant(id, j, worker, connection, lease_ms, view)
    j.attempt = int(tonumber(j.attempt) + 1)
    j.worker, j.at = worker, now + lease_ms
    redis.call('HSET', key.job(id), 'attempt', j.attempt, 'worker', worker, 'started_ms', now,
        'lease_until_ms', j.at, 'connection', int(connection))
    models.settle(view, id, j)
    redis.call('HDEL', key.job(id), 'started')
    job.move(id, j, 'running', 'lease')
    count('leased')
    local fence = gallery.fence(gallery.read(j.collection), j.min_version)
    return {id, j.attempt, j.type, j.collection, j.priority, int(fence), int(j.at), j.deadline_ms,
            j.solo, j.traceparent or ''}
end

-- nil if this connection may act for the worker, else the reply.
local function not_connected(worker, connection)
    local known = redis.call('HGET', key.worker(worker), 'connection')
    if not known then return {'gone'} end
    if stored(known, 0) > connection then return {'stale', known} end
    if stored(known, 0) < connection then
        redis.call('HSET', key.worker(worker), 'connection', int(connection))
    end
end

function queue.lease(a)
    local worker, connection = a[1], number(a[2], 'connection')
    local busy = number(a[3], 'outstanding') > 0
    local n = math.min(number(a[4], 'n'), limits.jobs_per_message)
    local lease_ms = number(a[5], 'lease_ms')
    local wanted = a[6] == '' and '' or ',' .. a[6] .. ','
    local prefer = a[7] and one_of(a[7], preferences, 'prefer')
    local preference = (prefer or '') ~= '' and {
        gpu = preferences[prefer] == 'gpu',
        spill = number(a[8], 'spill'),
        gpu_detectors = ',' .. (a[9] or 'cnn') .. ',',
    }
    local answer = not_connected(worker, connection)
    if answer then return answer end

    local view = models.view(worker)
    wake_due(view)
    local interactive, bulk
    if preference then
        interactive = front_by_preference('interactive', n, preference, view)
        bulk = front_by_preference('bulk', n, preference, view)
    else
        local most = n + limits.reap_batch
        interactive, bulk = front('interactive', most), front('bulk', most)
    end
    local leased_before = stored(redis.call('HGET', key.of('stats'), 'leased'), 0)
    local jobs = {}
    while #jobs < n do
        local first, second = interactive, bulk
        if (leased_before + #jobs + 1) % bulk_turn == 0 then first, second = bulk, interactive end
        local from = first
        local id, j = first_in(first, wanted, view)
        if not id then
            from = second
            id, j = first_in(second, wanted, view)
        end
        local alone = id and j.solo == '1'
        if not id or alone and (busy or #jobs > 0) then break end
        from.at = from.at - 1
        jobs[#jobs + 1] = grant(id, j, worker, connection, lease_ms, view)
        if alone then break end
    end

    local reply = {'ok', int(now), int(#jobs)}
    for _, granted in ipairs(jobs) do
        for _, field in ipairs(granted) do reply[#reply + 1] = field end
    end
    if prefer then
        reply[#reply + 1] = int(redis.call('LLEN', key.pending('interactive')) +
            redis.call('LLEN', key.pending('bulk')))
        reply[#reply + 1] = int(view.passed)
    end
    return reply
end

-- The jobs of a worker, newest first: each goes to the front of the queue, so the oldest ends first.
local function running_of(worker)
    local ids = redis.call('SMEMBERS', key.worker_running(worker))
    table.sort(ids, function(one, other) return one > other end)
    return ids
end

-- Takes attempts from their workers. counted(j): whether the job itself may be at fault. An id that
-- is not running (or not by `worker`, if one is given) has no place where it was found.
local function lose_all(ids, why, counted, worker)
    local tally = {pending = 0, dead = 0, cancelled = 0}
    for _, id in ipairs(ids) do
        local j = job.read(id)
        if j and j.state == 'running' and (not worker or j.worker == worker) then
            local state = job.lose(id, j, why, counted(j))
            tally[state] = tally[state] + 1
        elseif not worker then
            damage.drop(key.queue('running'), id)
        end
        if worker and redis.call('SREM', key.worker_running(worker), id) == 1 then damage.note() end
    end
    return int(tally.pending), int(tally.dead), int(tally.cancelled)
end

function queue.worker_lost(a)
    local worker, connection = a[1], number(a[2], 'connection')
    local known = redis.call('HGET', key.worker(worker), 'connection')
    if known and stored(known, 0) > connection then return {'stale', known} end
    local ids = running_of(worker)
    local pending, dead, cancelled = lose_all(ids, 'worker_lost', function() return true end,
        worker)
    gallery.release(worker)
    return {'ok', pending, dead, cancelled}
end

-- The end of the grace period, or nil. After a restart of Redis or a jump of its clock, workers
-- could not renew, or the times of the leases are wrong.
local function grace(expected_now, lease_ms)
    local jumped = clock.sweep(expected_now)
    local run_id = string.match(redis.call('INFO', 'server'), '\nrun_id:(%x+)')
    local known = redis.call('GET', key.of('server.run_id'))
    local until_ms = integer_at(key.of('server.grace_ms'))
    if known ~= run_id then redis.call('SET', key.of('server.run_id'), run_id) end
    if known and known ~= run_id or jumped or until_ms > now + 2 * lease_ms then
        until_ms = now + lease_ms
        redis.call('SET', key.of('server.grace_ms'), int(until_ms))
    end
    if until_ms > now then return until_ms end
end

-- Members that lapsed, and those written before the clock was set back.
local function lapsed(index, most, lease_ms)
    local ids = redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, most)
    local ahead = redis.call('ZRANGEBYSCORE', index, '(' .. int(now + 2 * lease_ms), '+inf',
        'LIMIT', 0, most - #ids)
    for _, id in ipairs(ahead) do ids[#ids + 1] = id end
    return ids
end

function queue.reap(a)
    local expected_now, lease_ms = number(a[1], 'expected_now'), number(a[3], 'lease_ms')
    local most = math.min(number(a[2], 'max'), limits.reap_batch)
    local until_ms = grace(expected_now, lease_ms)
    if until_ms then return {'grace', int(now), int(until_ms)} end
    -- A lease that was not renewed since a restart or jump is no sign against its job.
    local graced = integer_at(key.of('server.grace_ms'))
    local ids = lapsed(key.queue('running'), most, lease_ms)
    local pending, dead, cancelled = lose_all(ids, 'lease_lapsed', function(j)
        local ended = tonumber(j.lease_until_ms)
        return ended > graced and ended <= now
    end)
    return {'ok', int(now), pending, dead, cancelled}
end

-- Lists the oldest publishing jobs by their collection, if an entry is missing: they would wait for
-- ever.
function queue.list_publishing()
    local ids = redis.call('ZRANGE', key.queue('publishing'), 0, queue.publishing_looked_at - 1)
    for _, id in ipairs(ids) do
        local j = job.read(id)
        if not j or j.state ~= 'publishing' then
            damage.drop(key.queue('publishing'), id)
        elseif redis.call('ZADD', key.gallery(j.collection, 'publishing'), 'NX', j.version, id) +
            redis.call('ZADD', key.of('publishing'), 'NX', now, j.collection) > 0 then
            damage.note()
        end
    end
end

function queue.barrier(a)
    local expected_now, lease_ms = number(a[1], 'expected_now'), number(a[2], 'lease_ms')
    local until_ms = grace(expected_now, lease_ms)
    if until_ms then return {'grace', int(now), int(until_ms)} end
    local settled = 0
    local workers = lapsed(key.of('workers'), limits.reap_batch, lease_ms)
    for _, worker in ipairs(workers) do settled = settled + gallery.release(worker) end
    queue.list_publishing()
    local waiting = redis.call('ZRANGE', key.of('publishing'), 0, limits.reap_batch - 1)
    for _, collection in ipairs(waiting) do
        settled = settled + gallery.settle(collection)
        redis.call('ZADD', key.of('publishing'), 'XX', now, collection)
    end
    return {'ok', int(now), int(settled), int(#workers)}
end

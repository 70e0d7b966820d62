-- What the operator and the timer of the broker do with jobs that rest: kick, bury, delete, gc.

local upkeep = {}

function upkeep.kick(a)
    local id = a[1]
    local j = job.read(id)
    if not j then return job.absent(id) end
    if j.state ~= 'dead' then return {'wrong_state', j.state} end
    if j.image_bytes == '0' and j.images ~= '0' then return {'no_image'} end
    j.deadline_ms = int(now + tonumber(j.deadline_ms) - tonumber(j.created_ms))
    redis.call('HSET', key.job(id), 'failures', 0, 'crashes', 0, 'solo', 0, 'deadline_ms',
        j.deadline_ms, 'min_version', int(gallery.read(j.collection).version))
    redis.call('HDEL', key.job(id), 'worker', 'started', 'finished_ms', 'error')
    audit_job(id, j, a[2], 'kick')
    job.move(id, j, 'pending', 'kick')
    return {'ok'}
end

function upkeep.bury(a)
    local id = a[1]
    local j = job.read(id)
    if not j then return job.absent(id) end
    if j.state ~= 'pending' and j.state ~= 'delayed' then return {'wrong_state', j.state} end
    audit_job(id, j, a[2], 'bury')
    job.move(id, j, 'dead', 'bury')
    return {'ok'}
end

local ended = {succeeded = true, failed = true, cancelled = true, dead = true}

function upkeep.delete(a)
    local id = a[1]
    local j = job.read(id)
    if not j then return job.absent(id) end
    if not ended[j.state] then return {'wrong_state', j.state} end
    audit_job(id, j, a[2], 'delete')
    job.remove(id, j)
    removal.note()
    event(id, j, j.state, 'deleted', 'delete')
    return {'ok'}
end

-- The oldest of an index, at most `most`, that are older than age_ms or in excess of what `over`
-- says; over(j) is asked again after each.
local function sweep(index, most, age_ms, over, act)
    local done = 0
    local oldest = redis.call('ZRANGE', key.queue(index), 0, most - 1, 'WITHSCORES')
    for i = 1, #oldest, 2 do
        if tonumber(oldest[i + 1]) > now - age_ms and not over() then break end
        local j = job.read(oldest[i])
        if j and act(oldest[i], j) then done = done + 1 end
    end
    return int(done)
end

local function never() return false end

local function above(name, most)
    return function() return integer_at(key.of(name)) > most end
end

local function fail_expired(most)
    local ids = redis.call('ZRANGEBYSCORE', key.queue('deadline'), '-inf', now, 'LIMIT', 0, most)
    for _, id in ipairs(ids) do
        local j = job.read(id)
        job.fail_with(id, j, 'deadline_exceeded', 'the job waited longer than its deadline')
        job.move(id, j, 'failed', 'deadline_exceeded')
    end
    return int(#ids)
end

local function drop_annotated(id, j)
    redis.call('UNLINK', key.annotated(id))
    redis.call('ZREM', key.queue('annotated'), id)
    redis.call('DECRBY', key.of('annotated_bytes'), tonumber(j.annotated_bytes))
    redis.call('HDEL', key.job(id), 'annotated_bytes')
    return true
end

function upkeep.gc(a)
    local n = {}
    for i = 1, 8 do n[i] = number(a[i], 'argument ' .. i) end
    local most = math.min(n[1], limits.collect_batch)
    local retention_ms, jobs_max, bytes_max = n[2], n[3], n[4]
    local annotated_ms, annotated_max, dead_ms, dead_max = n[5], n[6], n[7], n[8]
    local too_many_bytes = above('finished_bytes', bytes_max)

    local function remove(id, j)
        job.remove(id, j)
        return true
    end
    local expired = fail_expired(most)
    local collected = sweep('done', most, retention_ms, function()
        return redis.call('ZCARD', key.queue('done')) > jobs_max or too_many_bytes()
    end, remove)
    local annotated = sweep('annotated', most, annotated_ms,
        above('annotated_bytes', annotated_max), drop_annotated)
    local over = sweep('dead', most, dead_ms + retention_ms, never, remove)
    local dead = sweep('dead_images', most, dead_ms, above('dead_bytes', dead_max),
        function(id, j)
            job.drop_images(id, j)
            return true
        end)
    if collected + annotated + dead + over > 0 then removal.note() end
    return {'ok', collected, expired, annotated, dead, int(forget_expired(most))}
end

-- What the operator and the timer of the broker do with jobs that rest: kick, bury, delete, gc;
-- and the index of people of before they had records.

local upkeep = {}
upkeep.looked_at = 20  -- oldest jobs of a call
upkeep.deadline_max_ms = 24 * 3600 * 1000  -- the api gives an hour

function upkeep.kick(a)
    local id = a[1]
    local j = job.read(id)
    if not j then return job.absent(id) end
    if j.state ~= 'dead' then return {'wrong_state', j.state} end
    if j.image_bytes == '0' and j.images ~= '0' then return {'no_image'} end
    given_by(a[2] or '')  -- refuses before anything is written
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
    given_by(a[2] or '')
    audit_job(id, j, a[2], 'bury')
    job.move(id, j, 'dead', 'bury')
    return {'ok'}
end

local ended = {succeeded = true, failed = true, cancelled = true, dead = true}

-- For a job with an unknown state or type; true if there was something.
function upkeep.remove_rest(id)
    local rest = {key.job(id), key.annotated(id)}
    for n = 0, limits.files_per_train - 1 do rest[#rest + 1] = key.image(id, n) end
    local gone = redis.call('UNLINK', unpack(rest))
    for _, index in ipairs({'all', 'running', 'delayed', 'deadline', 'publishing', 'dead', 'done',
                            'dead_images', 'annotated'}) do
        gone = gone + redis.call('ZREM', key.queue(index), id)
    end
    if gone > 0 then damage.note() end
    return gone > 0
end

function upkeep.delete(a)
    local id = a[1]
    local j = job.read(id)
    given_by(a[2] or '')
    if not j then
        local answer = job.absent(id)
        if not upkeep.remove_rest(id) then return answer end
        audit_job(id, {collection = ''}, a[2], 'delete')
        return {'ok'}
    end
    if not ended[j.state] then return {'wrong_state', j.state} end
    audit_job(id, j, a[2], 'delete')
    job.remove(id, j)
    removal.note()
    event(id, j, j.state, 'deleted', 'delete')
    return {'ok'}
end

-- The oldest of an index, at most `most`, that are older than age_ms or in excess of what `over`
-- says; over(j) is asked again after each. belongs(j): it is in the index by right.
local function sweep(index, most, age_ms, over, belongs, act)
    local done, latest = 0, clock.may_erase() and clock.passed() - age_ms or -1
    clock.repair(key.queue(index), 0, most)
    local oldest = redis.call('ZRANGE', key.queue(index), 0, most - 1, 'WITHSCORES')
    for i = 1, #oldest, 2 do
        local id, j = oldest[i], job.read(oldest[i])
        if not j or not belongs(j) then
            damage.drop(key.queue(index), id)
        elseif tonumber(oldest[i + 1]) > latest and not over() then
            break
        else
            act(id, j)
        end
        done = done + 1
    end
    return int(done)
end

function upkeep.is_dead(j) return j.state == 'dead' end
function upkeep.has_ended(j) return ended[j.state] and j.state ~= 'dead' end

local function never() return false end

local function above(name, most)
    return function() return integer_at(key.of(name)) > most end
end

local function fail_expired(most)
    local ids = redis.call('ZRANGEBYSCORE', key.queue('deadline'), '-inf', clock.passed(), 'LIMIT',
        0, most)
    for _, id in ipairs(ids) do
        local j = job.read(id)
        if not j or j.state ~= 'pending' and j.state ~= 'delayed' then
            damage.drop(key.queue('deadline'), id)
        elseif job.is_late(id, j) then
            job.fail_late(id, j)
        else  -- later than in the index
            redis.call('ZADD', key.queue('deadline'), j.deadline_ms, id)
        end
    end
    return int(#ids)
end

local function drop_annotated(id, j)
    redis.call('UNLINK', key.annotated(id))
    redis.call('ZREM', key.queue('annotated'), id)
    redis.call('DECRBY', key.of('annotated_bytes'), tonumber(j.annotated_bytes))
    redis.call('HDEL', key.job(id), 'annotated_bytes')
end

-- Deadlines from before a clock went back.
function upkeep.repair_deadlines(most)
    local latest = now + upkeep.deadline_max_ms
    local ids = redis.call('ZRANGEBYSCORE', key.queue('deadline'),
        '(' .. int(latest + clock.sweep_lag_ms), '+inf', 'LIMIT', 0, most)
    for _, id in ipairs(ids) do
        local j = job.read(id)
        if j and (j.state == 'pending' or j.state == 'delayed') then
            redis.call('HSET', key.job(id), 'deadline_ms', int(latest))
            redis.call('ZADD', key.queue('deadline'), int(latest), id)
        else
            redis.call('ZREM', key.queue('deadline'), id)
        end
        damage.note()
    end
end

-- Of the oldest in the list of all jobs, those of which nothing is left.
function upkeep.drop_unknown()
    for _, id in ipairs(redis.call('ZRANGE', key.queue('all'), 0, upkeep.looked_at - 1)) do
        if redis.call('EXISTS', key.job(id)) == 0 then damage.drop(key.queue('all'), id) end
    end
end

function upkeep.gc(a)
    local n = {}
    for i = 1, 8 do n[i] = number(a[i], 'argument ' .. i) end
    local most = math.min(n[1], limits.collect_batch)
    local retention_ms, jobs_max, bytes_max = n[2], n[3], n[4]
    local annotated_ms, annotated_max, dead_ms, dead_max = n[5], n[6], n[7], n[8]
    local too_many_bytes = above('finished_bytes', bytes_max)

    local expired = fail_expired(most)
    local collected = sweep('done', most, retention_ms, function()
        return redis.call('ZCARD', key.queue('done')) > jobs_max or too_many_bytes()
    end, upkeep.has_ended, job.remove)
    local annotated = sweep('annotated', most, annotated_ms,
        above('annotated_bytes', annotated_max), function(j) return j.annotated_bytes end,
        drop_annotated)
    local over = sweep('dead', most, dead_ms + retention_ms, never, upkeep.is_dead, job.remove)
    local dead = sweep('dead_images', most, dead_ms, above('dead_bytes', dead_max),
        function(j) return upkeep.is_dead(j) and j.image_bytes ~= '0' end, job.drop_images)
    upkeep.drop_unknown()
    if collected + annotated + dead + over > 0 then removal.note() end
    upkeep.repair_deadlines(most)
    clock.repair(key.queue('delayed'), clock.slew_max_ms, most)
    clock.repair(key.of('idempotency'), idempotency_ms, most)
    return {'ok', collected, expired, annotated, dead, int(forget_expired(most)),
            int(users.forget_old(most))}
end

-- Records for people of before there were records: made in the order of their keys, some in a call,
-- by a broker, which computes the folded names. The cursor is a field of the gallery, so that the
-- work goes on wherever it was. What is behind the cursor has its record; who comes there without
-- one (from a program of an older version) takes the cursor back (people.unindex).

people.index = {}

function people.index.cursor(g)
    return redis.call('HGET', key.gallery(g.collection), 'people_cursor') or ''
end

-- "<epoch> <turn>": what a step is about.
function people.index.turn(g)
    return int(g.epoch) .. ' ' .. (redis.call('HGET', key.gallery(g.collection), 'people_turn') or '0')
end

-- The next keys that lack something, of the first collection that has any:
-- collection turn cursor next_cursor last n, then key×n. last 1: these are all.
function people.index.next()
    local collection = redis.call('ZRANGE', key.of('unindexed'), 0, 0)[1]
    if not collection then return {'ok', ''} end
    local g = gallery.read(collection)
    local cursor, found = people.index.cursor(g), {}
    local after, label = cursor, people.next_key(g, cursor)
    local looked = 0
    while label and looked < people.a_call do
        local r = people.record(g, label)
        if not r or not r.fold then found[#found + 1] = label end
        after, looked = label, looked + 1
        label = people.next_key(g, label)
    end
    return {'ok', collection, people.index.turn(g), cursor, after, label and '0' or '1', int(#found),
            unpack(found)}
end

-- What next() gave, with the folded name of each key. `again`: another broker did it, or there is
-- more to do by now.
function people.index.store(a)
    local g, turn = gallery.read(collection_name(a[1])), a[2]
    local cursor, after, last = a[3], a[4], a[5]
    if #a > 5 + 2 * people.a_call or (#a - 5) % 2 ~= 0 then
        refuse('key and folded name must come in pairs')
    end
    if not redis.call('ZSCORE', key.of('unindexed'), g.collection) then return {'ok', '0'} end
    if not gallery.is_made(g) then
        people.none_left(g)
        return {'ok', '0'}
    end
    if people.index.turn(g) ~= turn or people.index.cursor(g) ~= cursor then return {'again'} end
    local made = 0
    for i = 6, #a, 2 do
        local label, fold = a[i], a[i + 1]
        if gallery.label_count(g, label) > 0 then
            local r = people.record(g, label)
            if r then
                r.fold = r.fold or fold
                people.put(g, label, r)
            else
                people.create(g, label, nil, fold)
            end
            made = made + 1
        end
    end
    if last == '1' then
        people.none_left(g)
    else
        redis.call('HSET', key.gallery(g.collection), 'people_cursor', after)
    end
    return {'ok', int(made)}
end

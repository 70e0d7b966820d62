-- Checks that everything is where its state requires. One call reads `count` elements of one phase;
-- the cursor is "<phase> <position> <name=sum,...>", so the function keeps no state.

local fsck = {}

-- What each state means in indexes; pending is a list and is looked at apart.
local places = {
    pending = {'deadline'}, running = {'running'}, delayed = {'delayed', 'deadline'},
    publishing = {'publishing'}, dead = {'dead'}, succeeded = {'done'}, failed = {'done'},
    cancelled = {'done'},
}
local indexes = {'running', 'delayed', 'deadline', 'publishing', 'dead', 'done'}

local function has(values, wanted)
    for _, value in ipairs(values) do if value == wanted then return true end end
    return false
end

local function add(sums, name, n) sums[name] = (sums[name] or 0) + tonumber(n or 0) end

local function check_images(id, j, say)
    local bytes = 0
    for n = 0, tonumber(j.images) - 1 do
        bytes = bytes + redis.call('STRLEN', key.image(id, n))
    end
    if bytes ~= tonumber(j.image_bytes) then say('stored photo bytes differ from image_bytes') end
    local kept = redis.call('ZSCORE', key.queue('dead_images'), id)
    if kept and not (j.state == 'dead' and bytes > 0) then
        say('unexpected in queue:dead_images')
    end
    local waits = j.state == 'pending' or j.state == 'running' or j.state == 'delayed'
    if waits and bytes == 0 and j.images ~= '0' then say('photos are missing') end
    if not waits and j.state ~= 'dead' and bytes > 0 then say('still has its photos') end
    if j.state == 'dead' and bytes > 0 and not kept then say('missing in queue:dead_images') end
end

local function check_texts(id, j, say)
    local annotated = redis.call('STRLEN', key.annotated(id))
    if annotated ~= tonumber(j.annotated_bytes or 0) then say('annotated_bytes is wrong') end
    local listed = redis.call('ZSCORE', key.queue('annotated'), id)
    if (annotated > 0) ~= (listed and true or false) then say('queue:annotated is wrong') end
    if (j.finished_bytes ~= nil) ~= (places[j.state][1] == 'done') then
        say('finished_bytes is wrong')
    end
end

-- How often each job stands in a line: read once a call, when the first one asks.
local function lines_of_a_call()
    return setmetatable({}, {__index = function(lines, priority)
        local times = {}
        for _, id in ipairs(redis.call('LRANGE', key.pending(priority), 0, -1)) do
            times[id] = (times[id] or 0) + 1
        end
        lines[priority] = times
        return times
    end})
end

local function check_job(id, lines, sums, problem)
    local function say(what) problem('job ' .. id .. ': ' .. what) end
    local j = job.read(id)
    if not j then
        local there = hash_fields(key.job(id), {'state', 'type'})
        if there.state and not job.states[there.state] then
            return say('unknown state ' .. there.state)
        elseif there.state then
            return say('unknown type ' .. (there.type or ''))
        end
        return say('only in queue:all')
    end
    if j.damaged then say('field ' .. j.damaged .. ' is damaged') end
    for _, index in ipairs(indexes) do
        local there = redis.call('ZSCORE', key.queue(index), id) and true or false
        if there ~= has(places[j.state], index) then
            say(j.state .. (there and ', but in' or ', but not in') .. ' queue:' .. index)
        end
    end
    if j.state == 'pending' then
        local times = lines[j.priority][id] or 0
        if times ~= 1 then say(times .. ' times in its queue') end
        add(sums, 'pending_' .. j.priority, 1)
    end
    if j.state == 'running' then
        if redis.call('SISMEMBER', key.worker_running(j.worker), id) == 0 then
            say('not in worker:' .. j.worker .. ':running')
        end
        local score = redis.call('ZSCORE', key.queue('running'), id)
        if tonumber(score or 0) ~= tonumber(j.lease_until_ms) then
            say('lease_until_ms differs from queue:running')
        end
    end
    if open_states[j.state] then add(sums, 'open', 1) end
    local waiting = redis.call('ZSCORE', key.gallery(j.collection, 'publishing'), id)
    if (j.state == 'publishing') ~= (waiting and true or false) then
        say(j.state .. ', but publishing of its collection differs')
    end
    local open = redis.call('ZSCORE', key.gallery(j.collection, 'open'), id)
    local should = j.type == 'train' and places[j.state][1] ~= 'done' and j.state ~= 'publishing'
    if should ~= (open and true or false) then say('open of its collection is wrong') end
    check_images(id, j, say)
    check_texts(id, j, say)
    add(sums, j.state, 1)
    add(sums, 'jobs', 1)
    add(sums, 'bytes', j.image_bytes)
    if j.holder then
        fsck.hold(sums, 'jobs_held', j.holder, open_states[j.state] and 1 or 0)
        fsck.hold(sums, 'bytes_held', j.holder, tonumber(j.image_bytes))
    end
    if j.waits_for then fsck.hold(sums, 'models_held', j.waits_for, 1) end
    if j.state == 'dead' then add(sums, 'dead_bytes', j.image_bytes) end
    add(sums, 'finished_bytes', j.finished_bytes)
    add(sums, 'annotated_bytes', j.annotated_bytes)
end

-- One face and, at the first face of a label, the count of that label.
local function check_face(g, member, first, problem)
    local function at(name) return key.faces(g.collection, g.epoch, name) end
    local label, id = string.match(member, '^([^\n]+)\n(.+)$')
    if not label then return problem('by_label of ' .. g.collection .. ' holds ' .. member) end
    local function say(what)
        problem('face ' .. id .. ' of ' .. label .. ' in ' .. g.collection .. ': ' .. what)
    end
    local bytes = redis.call('HSTRLEN', at('vectors'), id)
    if bytes == 0 then
        say('vector is missing')
    elseif bytes ~= g.dimension * 4 and bytes ~= g.dimension * 4 + limits.sealed_extra_bytes then
        say('vector has ' .. int(bytes) .. ' bytes, but its gallery ' .. int(g.dimension) ..
            ' floats')
    end
    local text = redis.call('HGET', at('faces'), id) or ''
    if string.sub(text, 1, #json_label(label)) ~= json_label(label) then
        say('its text has another label')
    end
    if first and g.retention_ms and not g.retention_cursor and
        not redis.call('ZSCORE', at('seen'), label) then say('its label is not in seen') end
    if first then
        local faces = redis.call('ZLEXCOUNT', at('by_label'), '[' .. label .. '\n',
            '[' .. label .. '\n\255')
        if faces ~= gallery.label_count(g, label) then
            say('its label has ' .. int(faces) .. ' faces, but labels has another number')
        end
    end
end

local function check_gallery(name, problem)
    local g = gallery.read(name)
    if not g.exists or g.deleted then return problem('collection ' .. name .. ' has no gallery') end
    if g.epoch > integer_at(key.of('epochs')) then problem('epochs is behind gallery ' .. name) end
    if not stored(redis.call('HGET', key.gallery(name), 'seq')) then
        problem('gallery ' .. name .. ': seq is no number')
    end
    local floats = redis.call('HGET', key.gallery(name), 'dimension')
    if floats and not embedding_dimensions[tonumber(floats)] then
        problem('gallery ' .. name .. ': dimension is ' .. floats)
    end
    if g.keep_pictures and g.keep_pictures ~= '0' and g.keep_pictures ~= '1' then
        problem('gallery ' .. name .. ': keep_pictures is ' .. g.keep_pictures)
    end
    local counts = {
        vectors = redis.call('HLEN', key.faces(name, g.epoch, 'vectors')),
        faces = redis.call('HLEN', key.faces(name, g.epoch, 'faces')),
        by_label = redis.call('ZCARD', key.faces(name, g.epoch, 'by_label')),
    }
    for what, n in pairs(counts) do
        if n ~= g.faces then problem('gallery ' .. name .. ': ' .. what .. ' holds ' .. int(n)) end
    end
    fsck.staging(name, g, problem)
    fsck.people(g, problem)
    local seen = redis.call('ZCARD', key.faces(name, g.epoch, 'seen'))
    if seen > (g.retention_ms and g.people or 0) then
        problem('gallery ' .. name .. ': seen holds ' .. int(seen))
    end
    local listed = redis.call('ZSCORE', key.of('retention'), name) and true or false
    if listed ~= (g.retention_ms ~= nil) then
        problem('gallery ' .. name .. ': retention index is wrong')
    end
    if redis.call('HLEN', key.faces(name, g.epoch, 'labels')) ~= g.people then
        problem('gallery ' .. name .. ': people is wrong')
    end
end

-- Sessions and tries end by their index; what is not in it would stay.
function fsck.people_key(rest, name, problem)
    local hash = string.match(rest, '^session:(.+)$')
    if hash and redis.call('PTTL', name) == -1 and
        not redis.call('ZSCORE', key.of('sessions'), hash) then problem('leftover ' .. name) end
    local which = string.match(rest, '^tries:(.+)$')
    if which and redis.call('PTTL', name) == -1 and
        not redis.call('ZSCORE', key.of('tries'), which) then problem('leftover ' .. name) end
    if string.find(rest, '^damaged:') then problem('moved as damaged: ' .. name) end
end

-- Keys without an owner.
local function check_key(name, problem)
    local rest = string.sub(name, #P + 1)
    local id = string.match(rest, '^job:([^:]+)')
    if id and not redis.call('ZSCORE', key.queue('all'), id) then problem('orphan ' .. name) end
    local collection, epoch = string.match(rest, '^gallery:([^:]+):(%d+):')
    if collection and tonumber(epoch) ~= gallery.read(collection).epoch then
        problem('leftover ' .. name)
    end
    local worker = string.match(rest, '^worker:(.+):running$')
    if worker then
        for _, job_id in ipairs(redis.call('SMEMBERS', name)) do
            local j = job.read(job_id)
            if not j or j.state ~= 'running' or j.worker ~= worker then
                problem(name .. ' holds ' .. job_id)
            end
        end
    end
    collection = string.match(rest, '^gallery:([^:]+):open$')
    if collection then
        for _, job_id in ipairs(redis.call('ZRANGE', name, 0, limits.page_size)) do
            if redis.call('EXISTS', key.job(job_id)) == 0 then
                problem(name .. ' holds ' .. job_id)
            end
        end
    end
    id = string.match(rest, '^key:(.+)$') or string.match(rest, '^quota:(.+)$')
    if id and not redis.call('ZSCORE', key.of('keys'), id) then problem('leftover ' .. name) end
    fsck.people_key(rest, name, problem)
    fsck.counter(rest, name, problem)
    if rest == 'retention' then
        for _, one in ipairs(redis.call('ZRANGE', name, 0, limits.page_size)) do
            if not gallery.read(one).retention_ms then problem('retention holds ' .. one) end
        end
    end
    if rest == 'removals' and redis.call('HLEN', name) ~= 3 then problem('removals: incomplete') end
    collection = string.match(rest, '^gallery:([^:]+):changes$') or
        string.match(rest, '^gallery:([^:]+):awaited$')
    if collection and redis.call('EXISTS', key.gallery(collection, 'open')) == 0 then
        problem(name .. ' is kept without an open train')
    end
end

local function compare(sums, problem)
    local function same(name, n)
        if (sums[name] or 0) ~= n then
            problem('sum ' .. name .. ': seen ' .. int(sums[name] or 0) .. ', stored ' .. int(n))
        end
    end
    for _, name in ipairs({'bytes', 'dead_bytes', 'finished_bytes', 'annotated_bytes'}) do
        same(name, integer_at(key.of(name)))
    end
    for _, name in ipairs({'running', 'delayed', 'publishing', 'dead'}) do
        same(name, redis.call('ZCARD', key.queue(name)))
    end
    for _, name in ipairs({'interactive', 'bulk'}) do
        same('pending_' .. name, redis.call('LLEN', key.pending(name)))
    end
    sums.done = (sums.succeeded or 0) + (sums.failed or 0) + (sums.cancelled or 0)
    same('done', redis.call('ZCARD', key.queue('done')))
    sums.deadline = (sums.pending_interactive or 0) + (sums.pending_bulk or 0) +
        (sums.delayed or 0)
    same('deadline', redis.call('ZCARD', key.queue('deadline')))
    same('jobs', redis.call('ZCARD', key.queue('all')))
    local open = 0
    for _, n in ipairs(redis.call('HVALS', key.of('clients'))) do open = open + stored(n, 0) end
    same('open', open)
    fsck.compare_held(sums, same, problem)
end

-- Each phase answers the next position, or nil at its end.
local phase = {}

function phase.jobs(position, n, sums, problem)
    local rank = tonumber(position)
    local ids = redis.call('ZRANGE', key.queue('all'), rank, rank + n - 1)
    local lines = lines_of_a_call()
    for _, id in ipairs(ids) do check_job(id, lines, sums, problem) end
    if #ids == n then return int(rank + n) end
end

-- Entries whose job is in another state; the other direction is check_job.
function phase.indexes(position, n, sums, problem)
    local which, rank = string.match(position .. '/0', '^(%d+)/(%d+)')
    which, rank = tonumber(which), tonumber(rank)
    local index = indexes[which == 0 and 1 or which]
    local ids = redis.call('ZRANGE', key.queue(index), rank, rank + n - 1)
    for _, id in ipairs(ids) do
        local j = job.read(id)
        if not j or not has(places[j.state] or {}, index) then
            problem('queue:' .. index .. ' holds ' .. id)
        end
    end
    if #ids == n then return int(math.max(which, 1)) .. '/' .. int(rank + n) end
    if which < #indexes then return int(math.max(which, 1) + 1) .. '/0' end
end

function phase.lines(position, n, sums, problem)
    local rank, more = tonumber(position), false
    for _, priority in ipairs({'interactive', 'bulk'}) do
        local ids = redis.call('LRANGE', key.pending(priority), rank, rank + n - 1)
        for _, id in ipairs(ids) do
            local j = job.read(id)
            if not j or j.state ~= 'pending' or j.priority ~= priority then
                problem('the ' .. priority .. ' queue holds ' .. id)
            end
        end
        more = more or #ids == n
    end
    if more then return int(rank + n) end
end

function phase.keys(position, n, sums, problem)
    local reply = redis.call('SCAN', position, 'MATCH', P .. '*', 'COUNT', n)
    for _, name in ipairs(reply[2]) do check_key(name, problem) end
    if reply[1] ~= '0' then return reply[1] end
end

-- Position: "<rank of the collection>/<rank of the face>".
function phase.galleries(position, n, sums, problem)
    local which, rank = string.match(position .. '/0', '^(%d+)/(%d+)')
    which, rank = tonumber(which), tonumber(rank)
    local name = redis.call('ZRANGE', key.of('collections'), which, which)[1]
    if not name then return nil end
    if rank == 0 then check_gallery(name, problem) end
    local g = gallery.read(name)
    g.retention_cursor = present(redis.call('HGET', key.gallery(name), 'retention_cursor'))
    local members = redis.call('ZRANGE', key.faces(name, g.epoch, 'by_label'), rank, rank + n - 1)
    local before = ''
    for _, member in ipairs(members) do
        local label = string.match(member, '^[^\n]*')
        check_face(g, member, label ~= before, problem)
        before = label
    end
    if #members == n then return int(which) .. '/' .. int(rank + n) end
    return int(which + 1) .. '/0'
end

-- A picture goes in the call in which its face goes. Position: "<rank of the collection>/<cursor>".
function phase.pictures(position, n, sums, problem)
    local which, cursor = string.match(position .. '/0', '^(%d+)/(%d+)')
    local name = redis.call('ZRANGE', key.of('collections'), which, which)[1]
    if not name then return nil end
    local g = gallery.read(name)
    local pictures = key.faces(name, g.epoch, 'pictures')
    local reply = redis.call('HSCAN', pictures, cursor, 'COUNT', math.min(n, 100))  -- 4 kB each
    for i = 1, #reply[2], 2 do
        local id, bytes = reply[2][i], plain_bytes(reply[2][i + 1])
        if redis.call('HEXISTS', key.faces(name, g.epoch, 'faces'), id) == 0 then
            problem('a picture of ' .. id .. ' in ' .. name .. ' without a face')
        end
        if bytes < 1 or bytes > limits.picture_bytes then
            problem('the picture of ' .. id .. ' in ' .. name .. ' has ' .. int(bytes) .. ' bytes')
        end
    end
    if reply[1] ~= '0' then return which .. '/' .. reply[1] end
    return int(tonumber(which) + 1) .. '/0'
end

local order = {
    'jobs', 'indexes', 'lines', 'keys', 'held', 'idempotency', 'galleries', 'pictures', 'people',
    'ids', 'externals', 'names',
}

local function read_sums(text)
    local sums = {}
    for name, value in string.gmatch(text, '([%w_]+)=(%d+)') do sums[name] = tonumber(value) end
    return sums
end

local function write_sums(sums)
    local out = {}
    for name, value in pairs(sums) do out[#out + 1] = name .. '=' .. int(value) end
    table.sort(out)
    return table.concat(out, ',')
end

function fsck.run(a)
    local name, position, sums_text = string.match(a[1] == '' and 'jobs 0 ' or a[1],
        '^(%a+) (%S+) (.*)$')
    local n = math.max(1, math.min(number(a[2], 'count'), limits.page_size))
    if not phase[name] then refuse('cursor is invalid') end
    local sums, problems = read_sums(sums_text), {}
    local function problem(text) problems[#problems + 1] = text end
    if a[1] == '' then clock.check(problem) end

    local next_position = phase[name](position, n, sums, problem)
    for _, unreadable in ipairs(damage.unreadable) do
        problem(unreadable .. ' has the wrong type')
    end
    if not next_position then
        for i, candidate in ipairs(order) do
            if candidate == name then
                name, next_position = order[i + 1], '0'
                break
            end
        end
    end
    if name then
        return {'more', name .. ' ' .. next_position .. ' ' .. write_sums(sums), unpack(problems)}
    end
    if a[3] == '1' then compare(sums, problem) end
    return {'ok', '', unpack(problems)}
end

-- fsck of what all clients share (the counts of each holder), of the counters, of staged vectors,
-- and of people.

-- `models` counts for a model the jobs that wait for it.
fsck.things_held = {'jobs', 'bytes', 'keys', 'models'}

-- What holders have of a thing that all share: the whole, and a number that differs when the same
-- whole belongs to others.
function fsck.hold(sums, what, holder, n)
    if not n or n == 0 then return end
    local modulus, weight = 67108859, 7
    for i = 1, #holder do weight = (weight * 257 + string.byte(holder, i)) % modulus end
    local mark = what .. '_holders'
    add(sums, what, n)
    sums[mark] = ((sums[mark] or 0) + n % modulus * weight) % modulus
end

function fsck.compare_held(sums, same, problem)
    for _, what in ipairs(fsck.things_held) do
        same(what .. '_held', sums['held_' .. what] or 0)
        if (sums[what .. '_held'] or 0) == (sums['held_' .. what] or 0) and
            (sums[what .. '_held_holders'] or 0) ~= (sums['held_' .. what .. '_holders'] or 0) then
            problem('held:' .. what .. ' counts for others than those who hold them')
        end
    end
end

-- The defaults, and what a worker says that it has.
function fsck.models(rest, name, problem)
    if rest == 'defaults' then
        local undecided = redis.call('HEXISTS', name, 'undecided') == 1
        local dimension = redis.call('HGET', name, 'dimension')
        if not undecided and not models.defaults() or
            dimension and not embedding_dimensions[stored(dimension, 0)] then
            problem('defaults: the models are damaged')
        end
    end
    local id = string.match(rest, '^worker:(.+)$')
    if not id or string.find(id, ':running$') then return end
    local w = hash_fields(name, {'detectors', 'embedders'})
    if w.detectors or w.embedders then
        local good = pcall(models.checked, w.detectors, w.embedders)
        if not good then problem('worker ' .. id .. ': its models are damaged') end
    end
end

-- Counters whose numbers must not come again (32_counters.lua).
function fsck.counter(rest, name, problem)
    local held = string.match(rest, '^held:(.*)$')
    if held and not has(fsck.things_held, held) then problem('left over ' .. name) end
    fsck.models(rest, name, problem)
    if rest == 'epochs' or rest == 'epochs_taken' or rest == 'mseq' or rest == 'key_changes' then
        if not stored(redis.call('GET', name)) then problem(rest .. ' is no number') end
    end
    if rest == 'epochs_taken' and
        integer_at(key.of('epochs')) ~= integer_at(name) then problem('epochs: not as taken') end
    local of = string.match(rest, '^gallery:[^:]+:(%l+)$')
    if of == 'open' or of == 'changes' then
        local newest = redis.call('ZREVRANGE', name, 0, 0, 'WITHSCORES')[2]
        if stored(newest, 0) > integer_at(key.of('mseq')) then problem('mseq is behind ' .. name) end
    end
end

-- Position: "<which>/<cursor>".
function phase.held(position, n, sums, problem)
    local things = fsck.things_held
    local which, cursor = string.match(position .. '/0', '^(%d+)/(%d+)')
    which = math.max(1, tonumber(which))
    local what = things[which]
    local reply = redis.call('HSCAN', key.held(what), cursor, 'COUNT', n)
    for i = 1, #reply[2], 2 do
        local holder, held = reply[2][i], stored(reply[2][i + 1], 0)
        if held == 0 then
            problem('held:' .. what .. ' of ' .. holder .. ' is ' .. reply[2][i + 1])
        end
        fsck.hold(sums, 'held_' .. what, holder, held)
    end
    if reply[1] ~= '0' then return int(which) .. '/' .. reply[1] end
    if which < #things then return int(which + 1) .. '/0' end
end

-- Those of older versions have no holder, and end by themselves.
function phase.idempotency(position, n, sums, problem)
    local rank = tonumber(position)
    local members = redis.call('ZRANGE', key.of('idempotency'), rank, rank + n - 1)
    for _, member in ipairs(members) do
        local hash, holder = string.match(member, '^(%S*) ?(.*)$')
        if holder ~= '' then
            fsck.hold(sums, 'keys_held', holder, 1)
            if redis.call('EXISTS', key.idempotency(hash)) == 0 then
                problem('idempotency holds ' .. hash .. ', of which there is no key')
            end
        end
    end
    if #members == n then return int(rank + n) end
end

-- What a job stages for a gallery (62_reembed.lua).
function fsck.staging(name, g, problem)
    local staged = redis.call('HLEN', key.faces(name, g.epoch, 'staged'))
    if staged > (g.staging_job and g.faces or 0) then
        problem('gallery ' .. name .. ': staged holds ' .. int(staged))
    end
    if g.staging_job then
        local stager = job.read(g.staging_job)
        if not stager or stager.type ~= 'reembed' or not open_states[stager.state] then
            problem('gallery ' .. name .. ': staging_job has ended')
        end
    end
end

-- Checks the records of people and what leads to them: of each record its label, and of each entry of
-- person_ids, externals and names its record. Position: "<rank of the collection>/<cursor>".

function fsck.each_entry(what, position, n, look)
    local which, cursor = string.match(position .. '/0', '^(%d+)/(%d+)')
    local name = redis.call('ZRANGE', key.of('collections'), which, which)[1]
    if not name then return nil end
    local g = gallery.read(name)
    local scan = what == 'names' and 'ZSCAN' or 'HSCAN'
    local reply = {'0', {}}
    if redis.call('EXISTS', part(g, what)) == 1 then
        reply = redis.call(scan, part(g, what), cursor, 'COUNT', n)
    end
    for i = 1, #reply[2], 2 do look(g, reply[2][i], reply[2][i + 1]) end
    if reply[1] ~= '0' then return which .. '/' .. reply[1] end
    return int(tonumber(which) + 1) .. '/0'
end

function fsck.shown(g, label) return g.collection .. ' ' .. string.gsub(label, '%c', '/') end

function phase.people(position, n, sums, problem)
    return fsck.each_entry('people', position, n, function(g, label)
        local function say(what) problem('person ' .. fsck.shown(g, label) .. ': ' .. what) end
        local r = people.record(g, label)
        if not r then return say('its record cannot be read') end
        if gallery.label_count(g, label) == 0 then say('has no face') end
        if people.key_of(g, r.id) ~= label then say('person_ids has another person') end
        if r.external and redis.call('HGET', part(g, 'externals'), r.external) ~= label then
            say('externals has another person')
        end
        local id = people.id_in(label)
        if id and id ~= r.id then say('its key has another id') end
        if not r.fold and people.is_indexed(g) then say('has no folded name') end
        for _, member in ipairs(r.fold and people.tails(r.fold, label) or {}) do
            if not redis.call('ZSCORE', part(g, 'names'), member) then say('is not in names') end
        end
    end)
end

function phase.ids(position, n, sums, problem)
    return fsck.each_entry('person_ids', position, n, function(g, id, label)
        if people.id_of(g, label) ~= id then problem('person_ids of ' .. g.collection .. ': ' .. id) end
    end)
end

function phase.externals(position, n, sums, problem)
    return fsck.each_entry('externals', position, n, function(g, external, label)
        local r = people.record(g, label)
        if not r or r.external ~= external then
            problem('externals of ' .. g.collection .. ': ' .. external)
        end
    end)
end

function phase.names(position, n, sums, problem)
    return fsck.each_entry('names', position, n, function(g, member)
        local label, found = string.match(member, '\n(.+)$'), false
        local r = label and people.record(g, label)
        for _, one in ipairs(r and r.fold and people.tails(r.fold, label) or {}) do
            found = found or one == member
        end
        if not found then problem('names of ' .. fsck.shown(g, member)) end
    end)
end

function fsck.people(g, problem)
    if not people.is_indexed(g) then return end
    for _, what in ipairs({'people', 'person_ids'}) do
        local n = redis.call('HLEN', part(g, what))
        if n ~= g.people then problem('gallery ' .. g.collection .. ': ' .. what .. ' holds ' .. int(n)) end
    end
end

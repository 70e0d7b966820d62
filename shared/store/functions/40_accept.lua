-- The calls of clients of the queue: accept a job, cancel one.

local queue = {}
local types = {recognize = true, detect = true, embed = true, verify = true,
               train = true, calibrate = true, reembed = true}
local without_images = {calibrate = true, reembed = true}
local priorities = {interactive = true, bulk = true}

-- The first 64 bits of an IPv6 address: a host with one address of a network can use all of them.
local function network_of(address)
    local mapped = string.match(address, '^::ffff:(%d+%.%d+%.%d+%.%d+)$')
    if mapped or not string.find(address, ':', 1, true) then return mapped or address end
    local head, tail = string.match(address, '^(.-)::(.*)$')
    local groups, last = {}, {}
    for one in string.gmatch(head or address, '[^:]+') do groups[#groups + 1] = one end
    for one in string.gmatch(tail or '', '[^:]+') do last[#last + 1] = one end
    while #groups + #last < 8 do groups[#groups + 1] = '0' end
    for _, one in ipairs(last) do groups[#groups + 1] = one end
    return table.concat(groups, ':', 1, 4) .. '::/64'
end

-- A text in the options, JSON from the api, such as a model; '' if there is none.
function job.named_in(options, kind)
    local good, read = pcall(cjson.decode, options)
    local name = good and type(read) == 'table' and read[kind]
    return type(name) == 'string' and name or ''
end
-- Whether the job brings vectors instead of photos.
function job.brings_vectors(options)
    local good, read = pcall(cjson.decode, options)
    return good and type(read) == 'table' and (tonumber(read.vectors) or 0) > 0
end
function job.detector_in(options) return job.named_in(options, 'detector') end

-- The holder whose share counts: the key, the user, or for an anonymous client its network.
local function holder_of(client, from)
    if client ~= 'anonymous' or from == '' then return client end
    return network_of(from)
end

-- From three quarters of a resource on, no holder gets more than an even share, and one share is
-- reserved for a new holder. Below that, holders are not limited.
local function over_share(what, holder, used, most)
    if used < most * scarce_from then return nil end
    local held = stored(redis.call('HGET', key.held(what), holder), 0)
    local holders = redis.call('HLEN', key.held(what)) + 1
    if held > 0 and held * holders >= most then return {'full', 'share', int(held), what} end
end

local function forget_expired(most)
    local known = key.of('idempotency')
    local expired = redis.call('ZRANGEBYSCORE', known, '-inf', clock.passed(), 'LIMIT', 0, most)
    for _, one in ipairs(expired) do
        local hash, holder = string.match(one, '^(%S*) ?(.*)$')
        redis.call('UNLINK', key.idempotency(hash))
        if holder ~= '' then hold('keys', holder, -1) end
    end
    if #expired > 0 then redis.call('ZREM', known, unpack(expired)) end
    return #expired
end

-- What a lease has to know of the options, and the key of the person of a verify.
function job.note_wishes(id, kind, options, label, g)
    local embedder = job.named_in(options, 'embedder')
    if kind == 'reembed' then redis.call('HSET', key.job(id), 'embedder', embedder) end
    if job.without_collection[kind] and embedder ~= '' then
        redis.call('HSET', key.job(id), 'embedder_asked', embedder)
    end
    if kind == 'verify' and label ~= '' then
        redis.call('HSET', key.job(id), 'label', label)
        local person = people.id_of(g, label)
        if person then redis.call('HSET', key.job(id), 'person_id', person) end
    end
    if job.brings_vectors(options) then redis.call('HSET', key.job(id), 'vectors', 1) end
end

-- What to answer to a request that was seen before, or nil.
function queue.seen(id, hash, fingerprint, holder)
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
    return over_share('keys', holder, keys, limits.idempotency_keys)
end

function queue.remember(id, hash, fingerprint, holder)
    if hash == '' then return end
    redis.call('SET', key.idempotency(hash), id .. ' ' .. fingerprint)
    redis.call('ZADD', key.of('idempotency'), now + idempotency_ms, hash .. ' ' .. holder)
    hold('keys', holder, 1)
end

-- The part of Redis' memory that is used.
local function memory_used()
    local info = redis.call('INFO', 'memory')
    local most = tonumber(string.match(info, '\nmaxmemory:(%d+)'))
    if most == 0 then return 0 end
    return tonumber(string.match(info, '\nused_memory:(%d+)')) / most
end

-- What a train adds stays, so others' answers are not refused for want of room that it took. Of
-- what is left then, a holder gets something while it has no more than its share.
local function no_memory(kind, holder, used, bytes)
    if used > memory_share then return {'oom'} end
    if used <= memory_share_of_trains then return nil end
    if kind == 'train' then return {'oom'} end
    return over_share('bytes', holder, bytes, bytes)
end

local function no_room(kind, client, holder, bytes, jobs_max, bytes_max)
    local held = integer_at(key.of('bytes'))
    local short = no_memory(kind, holder, memory_used(), held)
    if short then return short end
    local in_hand = access.unfinished_jobs(client)
    if in_hand then return {'full', 'client', int(in_hand)} end
    local jobs = redis.call('LLEN', key.pending('interactive')) +
        redis.call('LLEN', key.pending('bulk')) + redis.call('ZCARD', key.queue('delayed'))
    if jobs + 1 > jobs_max then return {'full', 'jobs', int(jobs)} end
    if held + bytes > bytes_max then return {'full', 'bytes', int(jobs)} end
    return over_share('jobs', holder, jobs, jobs_max) or
        over_share('bytes', holder, held, bytes_max)
end

function queue.accept(a)
    local id, kind, collection, priority, options, label = unpack(a, 1, 6)
    local client, from, label_hash, _, hosts = given_by(a[7])
    local traceparent = a[8]
    one_of(kind, types, 'type')
    one_of(priority, priorities, 'priority')
    if collection ~= '' or not job.without_collection[kind] then collection_name(collection) end
    -- Before the photos, of a train: the word person and what is said of the person.
    local p = a[14] == 'person' and people.given(a, 15) or people.given({'', '', '', '', ''}, 1)
    if kind == 'train' and (label ~= '' or p.id == '') then label_text(label) end
    if kind == 'verify' and label ~= '' then people.checked_key(label) end
    local first = a[14] == 'person' and 20 or 14
    local deadline_ms, hash, fingerprint = now + number(a[9], 'deadline_ms'), a[10], a[11]
    local jobs_max, bytes_max = number(a[12], 'max_jobs'), number(a[13], 'max_bytes')
    local images, bytes = #a - first + 1, 0
    if images > limits.files_per_train then
        refuse('too many images: at most ' .. int(limits.files_per_train))
    end
    for i = first, #a do bytes = bytes + #a[i] end
    if (without_images[kind] or false) ~= (images == 0) or images > 0 and bytes == 0 then
        refuse('wrong number of images for this type, or empty images')
    end

    local holder = holder_of(client, from)
    local answer = queue.seen(id, hash, fingerprint, holder)
    if answer and answer[1] ~= 'full' then return answer end
    if jobs_max == 0 then return {'full', 'jobs', '0'} end  -- only what was accepted before
    local g, person = collection ~= '' and gallery.read(collection) or {version = 0}, nil
    if kind == 'train' and not answer then
        local why
        label, person, why = people.of_train(g, label, p, id)
        if why then return why end
    elseif kind == 'verify' and p.id ~= '' and not answer then
        label = people.key_of(g, p.id)
        if not label then return {'not_found'} end
    end
    answer = answer or no_room(kind, client, holder, bytes, jobs_max, bytes_max)
    if answer then
        count('refused')
        return answer
    end

    local min_version = int(g.version)
    for i = first, #a do redis.call('SET', key.image(id, i - first), a[i]) end
    redis.call('INCRBY', key.of('bytes'), bytes)
    if bytes > 0 then hold('bytes', holder, bytes) end
    redis.call('HSET', key.job(id), 'type', kind, 'collection', collection, 'priority', priority,
        'options', options, 'detector', job.detector_in(options), 'client', client, 'holder', holder,
        'traceparent', traceparent, 'attempt', 0, 'failures', 0, 'crashes', 0, 'solo', 0, 'images', images, 'image_bytes', bytes,
        'created_ms', now, 'deadline_ms', deadline_ms, 'min_version', min_version)
    job.note_wishes(id, kind, options, label, g)
    if kind == 'train' then
        local mseq = job.next_mseq(collection)
        redis.call('HSET', key.job(id), 'label', label, 'label_hash', label_hash, 'mseq', mseq)
        people.store_in_job(id, person, p)
        redis.call('ZADD', key.gallery(collection, 'open'), mseq, id)
        redis.call('HINCRBY', key.gallery(collection, 'awaited'), label, 1)
        audit(client, from, 'train', collection, label_hash, id, '', person, hosts)
    elseif kind == 'reembed' then
        audit(client, from, 'reembed', collection, '', id)
    elseif (hosts or '') ~= '' then
        audit(client, from, 'fetch', collection, '', id, '', '', hosts)
    end
    redis.call('ZADD', key.queue('all'), now, id)
    queue.remember(id, hash, fingerprint, holder)
    local j = {state = '', type = kind, collection = collection, client = client, holder = holder,
               priority = priority, deadline_ms = deadline_ms, attempt = '0'}
    job.move(id, j, 'pending', 'accept')
    count('accepted')
    return {'ok', id, min_version}
end

-- Photos of a question that is not stored were fetched.
function queue.note_fetch(a)
    local client, from, _, _, hosts = given_by(a[2])
    local collection = a[1] == '' and '' or collection_name(a[1])
    audit(client, from, 'fetch', collection, '', '', '', '', hosts)
    return {'ok'}
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

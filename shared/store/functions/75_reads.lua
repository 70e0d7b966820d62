-- Questions that change nothing: a job, lists, faces, the log of a gallery, the counters.

local read = {}

function read.about() return {'ok', int(library.major), int(library.minor)} end

-- What a process wants the data to be sealed with (any, plain or the name of a key), against what they
-- are. The first with a key decides.
local function other_key(wanted)
    if wanted == 'any' then return end
    if wanted ~= 'plain' then redis.call('SET', key.of('sealed_with'), wanted, 'NX') end
    local there = redis.call('GET', key.of('sealed_with')) or 'plain'
    if there ~= wanted then return {'wrong_key', there} end
end

-- The one write of this file: the first process on empty data fixes their layout.
function read.open(a)
    local schema = int(library.major) .. ' ' .. int(number(a[1], 'shards'))
    if redis.call('SET', key.of('schema'), schema, 'NX') then models.note_new_data() end
    people.begin()
    local stored = redis.call('GET', key.of('schema'))
    if stored ~= schema then return {'wrong_schema', stored} end
    return other_key(a[2] or 'any') or {'ok', int(library.major), a[1]}
end

function read.job(a)
    if not redis.call('HGET', key.job(a[1]), 'state') then return job.absent(a[1]) end
    local fields = redis.call('HGETALL', key.job(a[1]))
    return {'ok', int(now), unpack(fields)}
end

-- What events of finished jobs tell, each together with its gallery as it is now, so that no name
-- is told of an answer that is older than a removal. A result over 256 KiB is left out, as the reply
-- is read for a line of text.
function read.outcomes(a)
    if #a > limits.jobs_per_message then refuse('too many jobs') end
    local reply = {'ok', int(#a)}
    for _, id in ipairs(a) do
        local j = redis.call('HMGET', key.job(id), 'state', 'type', 'collection', 'label', 'label_to',
            'faces', 'version', 'superseded', 'person_id')
        local known = j[1] and j[3]
        local g = known and gallery.read(j[3]) or {version = 0, removed_version = 0}
        local short = known and redis.call('HSTRLEN', key.job(id), 'result') <= 262144
        for i = 1, 9 do reply[#reply + 1] = j[i] or '' end
        reply[#reply + 1] = short and redis.call('HGET', key.job(id), 'result') or ''
        reply[#reply + 1] = int(g.version)
        reply[#reply + 1] = int(g.removed_version)
    end
    return reply
end

-- Newest first. The cursor is "<created_ms> <id>" of the last job looked at.
function read.list(a)
    local state, kind, cursor = a[1], a[2], a[3]
    local most = math.min(number(a[4], 'count'), limits.page_size)
    local after_ms, after_id = string.match(cursor, '^(%d+) (.+)$')
    if cursor ~= '' and not after_ms then refuse('cursor is invalid') end
    local rows = redis.call('ZREVRANGEBYSCORE', key.queue('all'), after_ms or '+inf', '-inf',
        'WITHSCORES', 'LIMIT', 0, limits.page_size)
    local ids, last = {}, ''
    for i = 1, #rows, 2 do
        local id, created_ms = rows[i], rows[i + 1]
        local seen = created_ms == after_ms and id >= after_id
        if not seen and #ids < most then
            last = created_ms .. ' ' .. id
            local j = redis.call('HMGET', key.job(id), 'state', 'type')
            if j[1] and (state == '' or j[1] == state) and (kind == '' or j[2] == kind) then
                ids[#ids + 1] = id
            end
        end
    end
    if #rows < 2 * limits.page_size and (#rows == 0 or last == '' or
        last == rows[#rows] .. ' ' .. rows[#rows - 1]) then last = '' end
    return {'ok', last, int(#ids), unpack(ids)}
end

function read.version(a)
    local g, d = gallery.read(collection_name(a[1])), models.defaults() or {}
    local reply = {'ok', int(g.version), int(g.removed_version), int(g.faces), int(g.people),
                   g.embedding_model or '', int(g.retention_ms or 0), int(gallery.floats(g)),
                   d.detector or '', d.embedder or '', g.keep_pictures or '', int(d.dimension or 0)}
    local last = math.min(#a, limits.page_size + 1)
    for i = 2, last do reply[#reply + 1] = people.id_of(g, a[i]) or '' end
    for i = 2, last do
        local shared = reply[11 + i] ~= '' and people.is_shared(g, a[i])
        reply[#reply + 1] = shared and '1' or ''
    end
    return reply
end

-- A face of the label that has a picture: its oldest or its newest, or ''. Two looks and no more,
-- as a page has 1,000 labels.
local function portrait(g, by_label, label, oldest)
    local function look(member)
        if not member then return false end
        local id = string.sub(member, #label + 2)
        return gallery.has_picture(g, id) and id
    end
    return look(oldest) or look(redis.call('ZREVRANGEBYLEX', by_label, '[' .. label .. '\n\255',
        '[' .. label .. '\n', 'LIMIT', 0, 1)[1]) or ''
end

-- One range query for each label: from the last face of one to the first face of the next.
function read.faces(a)
    local g, label = gallery.read(collection_name(a[1])), a[2]
    local most = math.min(number(a[3], 'count'), limits.page_size)
    local by_label = key.faces(g.collection, g.epoch, 'by_label')
    local asked = a[4] == 'pictures'
    local pictures = asked and gallery.has_pictures(g)
    local reply, found = {}, 0
    local from = label == '' and '-' or '(' .. label .. '\n\255'
    while found < most do
        local first = redis.call('ZRANGEBYLEX', by_label, from, '+', 'LIMIT', 0, 1)[1]
        if not first then break end
        label = string.match(first, '^([^\n]+)\n')
        from = '(' .. (label and label .. '\n\255' or first)
        if label then  -- else fsck reports it
            found = found + 1
            reply[#reply + 1] = label
            reply[#reply + 1] = int(gallery.label_count(g, label))
            if asked then
                reply[#reply + 1] = pictures and portrait(g, by_label, label, first) or ''
            end
        end
    end
    return {'ok', int(g.version), int(g.faces), int(g.people), int(found), unpack(reply)}
end

function read.label(a)
    local g = gallery.read(collection_name(a[1]))
    local label, why = a[2], nil
    if a[4] then label, why = people.resolve(g, label, a[4]) end
    if why then return why end
    local ids = gallery.faces_of(g, label)
    if #ids == 0 then return {'not_found'} end
    local texts = redis.call('HMGET', key.faces(g.collection, g.epoch, 'faces'), unpack(ids))
    local asked = a[3] == 'pictures'
    local pictures = asked and gallery.has_pictures(g)
    local reply = {'ok', int(g.version), int(#ids)}
    for i, id in ipairs(ids) do
        reply[#reply + 1] = id
        reply[#reply + 1] = texts[i] or ''
        if asked then
            reply[#reply + 1] = pictures and gallery.has_picture(g, id) and '1' or '0'
        end
    end
    return reply
end

function read.picture(a)
    local g, label, why = gallery.read(collection_name(a[1])), a[2], nil
    if a[4] then label, why = people.resolve(g, label, a[4]) end
    if why then return why end
    local picture = gallery.picture(g, label, a[3])
    if not picture then return {'not_found'} end
    return {'ok', picture}
end

function read.collections(a)
    local from = a[1] == '' and '-' or '(' .. a[1]
    local names = redis.call('ZRANGEBYLEX', key.of('collections'), from, '+', 'LIMIT', 0,
        math.min(number(a[2], 'count'), limits.page_size))
    local reply = {'ok', int(#names)}
    for _, name in ipairs(names) do
        local g = gallery.read(name)
        local row = {name, int(g.version), int(g.faces), int(g.people), int(g.created_ms)}
        if a[3] == 'models' then row[#row + 1] = g.embedding_model or '' end
        if a[4] == 'dimensions' then row[#row + 1] = int(gallery.floats(g)) end
        if a[5] == 'pictures' then row[#row + 1] = g.keep_pictures or '' end
        for _, field in ipairs(row) do reply[#reply + 1] = field end
    end
    return reply
end

-- People: pages of all, a search by the begin of a word of the name, and the look-up of one.

-- {key, id, faces, created_ms, last_seen_ms, data, picture, shared}: how each person stands in a reply;
-- shared: 1, others have the name.
function people.row(reply, g, label, pictures)
    local r, from = people.record(g, label) or {}, part(g, 'by_label')
    reply[#reply + 1] = label
    reply[#reply + 1] = r.id or ''
    reply[#reply + 1] = int(gallery.label_count(g, label))
    reply[#reply + 1] = r.created_ms or ''
    reply[#reply + 1] = g.retention_ms and redis.call('ZSCORE', part(g, 'seen'), label) or ''
    reply[#reply + 1] = r.data or ''
    local first = pictures and redis.call('ZRANGEBYLEX', from, '[' .. label .. '\n',
        '[' .. label .. '\n\255', 'LIMIT', 0, 1)[1]
    reply[#reply + 1] = first and portrait(g, from, label, first) or ''
    reply[#reply + 1] = people.is_shared(g, label) and '1' or ''
end

-- The next key behind `after`, or nil.
function people.next_key(g, after)
    local from = after == '' and '-' or '(' .. after .. '\n\255'
    local first = g.exists and redis.call('ZRANGEBYLEX', part(g, 'by_label'), from, '+', 'LIMIT',
        0, 1)[1]
    return first and (string.match(first, '^([^\n]+)\n') or first)
end

-- Each person once, under the first of the words that match; behind the member `after`.
function people.search(g, q, after, most)
    local found, from, last = {}, after == '' and '[' .. q or '(' .. after, after
    local members = g.exists and redis.call('ZRANGEBYLEX', part(g, 'names'), from, '[' .. q .. '\255',
        'LIMIT', 0, limits.page_size) or {}
    for _, member in ipairs(members) do
        if #found == most then return found, last end
        last = member
        local label = string.match(member, '\n(.+)$')
        local r = label and people.record(g, label)
        local first = r and r.fold and member or nil
        for _, one in ipairs(first and people.tails(r.fold, label) or {}) do
            if string.sub(one, 1, #q) == q and one < first then first = one end
        end
        if first == member then found[#found + 1] = label end
    end
    return found, #members == limits.page_size and last or ''
end

-- collection q after count [pictures]. q: a folded text, or '' for all in the order of their keys.
function people.list(a)
    local g, q, after = gallery.read(collection_name(a[1])), a[2], a[3]
    local most = math.min(number(a[4], 'count'), limits.page_size)
    local found, last = {}, ''
    if q ~= '' then
        if not people.is_indexed(g) then return {'migrating'} end
        found, last = people.search(g, q, after, most)
    else
        local label = people.next_key(g, after)
        while label and #found < most do
            found[#found + 1], last = label, label
            label = people.next_key(g, label)
        end
        if not label then last = '' end
    end
    local pictures = a[5] == 'pictures' and gallery.has_pictures(g)
    local reply = {'ok', int(g.version), int(g.faces), int(g.people), last, int(#found)}
    for _, label in ipairs(found) do people.row(reply, g, label, pictures) end
    return reply
end

-- collection by text: the people that a name (all of them), an id, an external id or a key means.
function people.get(a)
    local g, by, text = gallery.read(collection_name(a[1])), a[2], a[3]
    local keys
    if by == 'name' then
        keys = people.named(g, label_text(text))
    elseif by == 'key' then
        keys = {gallery.label_count(g, text) > 0 and text or nil}
    else
        one_of(by, {id = true, external = true}, 'by')
        local where = part(g, by == 'id' and 'person_ids' or 'externals')
        keys = {g.exists and present(redis.call('HGET', where, text)) or nil}
        if #keys == 0 and not people.is_indexed(g) then return {'migrating'} end
    end
    if #keys == 0 then return {'not_found'} end
    local reply, pictures = {'ok', int(g.version), int(#keys)}, gallery.has_pictures(g)
    for _, label in ipairs(keys) do people.row(reply, g, label, pictures) end
    return reply
end

local function seq_of(entry) return string.match(entry[1], '^%d+') end

-- Whole seqs: the last one of a full read may be cut, so it waits for the next call, unless it is
-- alone; then all of it is read.
local function whole_seqs(log, from_seq)
    local entries = redis.call('XRANGE', log, int(from_seq + 1) .. '-0', '+', 'COUNT',
        limits.page_size)
    if #entries < limits.page_size then return entries end
    local last = seq_of(entries[#entries])
    if seq_of(entries[1]) == last then return redis.call('XRANGE', log, last, last) end
    while seq_of(entries[#entries]) == last do entries[#entries] = nil end
    return entries
end

function read.delta(a)
    local g = gallery.read(collection_name(a[1]))
    local epoch, from_seq = number(a[2], 'epoch'), number(a[3], 'from_seq')
    if epoch ~= g.epoch or from_seq > g.seq or from_seq < g.log_from then
        return {'snapshot', int(g.version)}
    end
    local entries = whole_seqs(key.faces(g.collection, g.epoch, 'log'), from_seq)
    -- Of what the gallery has not reached, damage has left the entries alone.
    while #entries > 0 and tonumber(seq_of(entries[#entries])) > g.seq do
        entries[#entries] = nil
    end
    local reached = #entries > 0 and tonumber(seq_of(entries[#entries])) or from_seq
    local reply = {'ok', int(epoch * epoch_size + reached), int(g.version), int(#entries)}
    for _, entry in ipairs(entries) do
        local fields = entry[2]  -- op, face_id, label and their values, as log() wrote them
        for i = 2, 6, 2 do reply[#reply + 1] = fields[i] or '' end
    end
    return reply
end

local counters = {
    'accepted', 'refused', 'leased', 'succeeded', 'failed', 'cancelled', 'died', 'retried',
    'requeued', 'crashed', 'superseded', 'stale', 'dup', 'old_version', 'changes', 'collected',
    'damaged',
}

function read.stats()
    local reply = {'ok', int(now)}
    local function say(name, value)
        reply[#reply + 1] = name
        reply[#reply + 1] = int(value)
    end
    local oldest_ms = 0
    for _, priority in ipairs({'interactive', 'bulk'}) do
        say('pending_' .. priority, redis.call('LLEN', key.pending(priority)))
        local first = redis.call('LINDEX', key.pending(priority), -1)
        if first then
            local created_ms = stored(redis.call('HGET', key.job(first), 'created_ms'), 0)
            if oldest_ms == 0 or created_ms < oldest_ms then oldest_ms = created_ms end
        end
    end
    for _, index in ipairs({'running', 'delayed', 'dead', 'publishing', 'done'}) do
        say(index, redis.call('ZCARD', key.queue(index)))
    end
    say('jobs', redis.call('ZCARD', key.queue('all')))
    for _, name in ipairs({'bytes', 'dead_bytes', 'finished_bytes', 'annotated_bytes'}) do
        say(name, integer_at(key.of(name)))
    end
    say('idempotency_keys', redis.call('ZCARD', key.of('idempotency')))
    say('workers', redis.call('ZCARD', key.of('workers')))
    say('collections', redis.call('ZCARD', key.of('collections')))
    say('oldest_pending_ms', oldest_ms)
    say('collected_ms', integer_at(key.of('collected')))
    say('server_grace_ms', integer_at(key.of('server.grace_ms')))
    local values = redis.call('HMGET', key.of('stats'), unpack(counters))
    for i, name in ipairs(counters) do say(name, stored(values[i], 0)) end
    clock.stats(say)
    models.stats(say)
    return reply
end

-- People: who the faces of a label belong to. The label of a face is the key of its person: the name,
-- or name, byte 31 and person_id, so that two people may have one name (shared/model/person_key.hpp).
-- No name has a control character, so none can imitate a key. Four keys of an epoch hold the records
-- and the ways to them:
--   people      key -> JSON text: id, created_ms, fold, external, data
--   person_ids  id -> key
--   externals   (keyed hash of) external_id -> key
--   names       "<folded name from the start of one of its words>\n<key>", all scores 0
-- A record comes with the first face of its key and goes with the last. The programs compute `fold`
-- (the name without case and accents, words separated by one space) and `data` (text, sealed where a
-- key is in force); a record without `fold` was made for a program that does not know them. Its
-- collection then stands in `unindexed` until a broker has added what is missing.

people.words_max = 16       -- of a name, by which it is found
people.a_call = 50          -- people of a step of the index: 1,000 elements with their words
people.same_name_max = 100
people.data_bytes = 24576

-- Labels hold no control characters but byte 31, so three escapes make any of them a JSON string.
function people.quoted(text)
    return '"' .. text:gsub('["\\]', '\\%0'):gsub('\31', '\\u001f') .. '"'
end

function people.name_of(label) return string.match(label, '^[^\31]*') end
function people.id_in(label) return string.match(label, '\31(.+)$') end
function people.key_for(name, id) return name .. '\31' .. id end

function people.is_id(text)
    return #text >= 1 and #text <= 128 and not string.find(text, '[^\33-\126]')
end

-- A name, or a key.
function people.checked_key(text)
    local name, id = string.match(text, '^([^\31]*)\31(.*)$')
    if not name then return label_text(text) end
    label_text(name)
    if not people.is_id(id) then refuse('the key of a person has no person_id') end
    return text
end

-- Of a key; nil if there is none, or it cannot be read.
function people.record(g, label)
    local text = g.exists and redis.call('HGET', part(g, 'people'), label)
    if not text then return nil end
    local good, r = pcall(cjson.decode, text)
    if good and type(r) == 'table' and type(r.id) == 'string' then return r end
    damage.note()
end

function people.id_of(g, label)
    local r = people.record(g, label)
    return r and r.id
end

function people.key_of(g, id)
    return g.exists and present(redis.call('HGET', part(g, 'person_ids'), id)) or nil
end

-- The members of `names` for a key.
function people.tails(fold, label)
    local members, from = {}, 1
    while from and #members < people.words_max do
        members[#members + 1] = string.sub(fold, from) .. '\n' .. label
        local space = string.find(fold, ' ', from, true)
        from = space and space + 1
    end
    return members
end

-- A step of the index that was read before does not know who is concerned now: people_turn makes it
-- void.
function people.unindex(g)
    redis.call('ZADD', key.of('unindexed'), 0, g.collection)
    redis.call('HDEL', key.gallery(g.collection), 'people_cursor')
    redis.call('HINCRBY', key.gallery(g.collection), 'people_turn', 1)
end

function people.is_indexed(g)
    return redis.call('EXISTS', key.of('people_index')) == 1 and
        not redis.call('ZSCORE', key.of('unindexed'), g.collection)
end

-- Of a gallery that is empty from now on.
function people.none_left(g)
    redis.call('ZREM', key.of('unindexed'), g.collection)
    redis.call('HDEL', key.gallery(g.collection), 'people_cursor')
end

-- The first call of this version on data of an older one: every collection lacks its records.
function people.begin()
    if redis.call('EXISTS', key.of('people_index')) == 1 then return end
    if redis.call('EXISTS', key.of('collections')) == 1 then
        redis.call('COPY', key.of('collections'), key.of('unindexed'), 'REPLACE')
    end
    redis.call('SET', key.of('people_index'), '1')
end

function people.put(g, label, r)
    redis.call('HSET', part(g, 'people'), label, cjson.encode(r))
    redis.call('HSET', part(g, 'person_ids'), r.id, label)
    if r.external then redis.call('HSET', part(g, 'externals'), r.external, label) end
    if r.fold then
        for _, member in ipairs(people.tails(r.fold, label)) do
            redis.call('ZADD', part(g, 'names'), 0, member)
        end
    else
        people.unindex(g)
    end
end

function people.drop(g, label)
    local r = people.record(g, label)
    redis.call('HDEL', part(g, 'people'), label)
    if not r then return nil end
    redis.call('HDEL', part(g, 'person_ids'), r.id)
    if r.external then redis.call('HDEL', part(g, 'externals'), r.external) end
    if r.fold then redis.call('ZREM', part(g, 'names'), unpack(people.tails(r.fold, label))) end
    return r
end

-- A rename; into a person who has a record it is a merge, and the record of `from` goes.
function people.move(g, from, to, fold)
    local r = people.drop(g, from)
    if r and not people.record(g, to) then
        r.fold = fold
        people.put(g, to, r)
    end
end

-- An id that nobody of the gallery has.
function people.free_id(g, wanted)
    local id, n = wanted, 1
    while redis.call('HEXISTS', part(g, 'person_ids'), id) == 1 do
        n = n + 1
        id = wanted .. '-' .. int(n)
    end
    return id
end

-- The job that taught the oldest face: the id of whoever has none.
function people.first_job(g, label)
    local first = redis.call('ZRANGEBYLEX', part(g, 'by_label'), '[' .. label .. '\n',
        '[' .. label .. '\n\255', 'LIMIT', 0, 1)[1]
    local id = first and string.match(string.sub(first, #label + 2), '^(.+)-%d+$')
    return id and people.is_id(id) and id or 'person'
end

function people.create(g, label, wanted, fold)
    local job_id = people.first_job(g, label)
    local ms = id_time_ms(job_id)
    local r = {id = people.free_id(g, people.id_in(label) or wanted or job_id), fold = fold,
               created_ms = int(ms > 0 and math.min(ms, now) or now)}
    people.put(g, label, r)
    return r
end

-- The keys of the people of this name, in their order, at most same_name_max.
function people.named(g, name)
    local keys, from = {}, '[' .. name .. '\n'
    while g.exists and #keys < people.same_name_max do
        local first = redis.call('ZRANGEBYLEX', part(g, 'by_label'), from,
            '[' .. name .. '\31\255', 'LIMIT', 0, 1)[1]
        if not first then break end
        local label = string.match(first, '^([^\n]+)\n') or first
        keys[#keys + 1] = label
        from = '(' .. label .. '\n\255'
    end
    return keys
end

-- Whether somebody else of the gallery has the same name. All keys of a name stand together.
function people.is_shared(g, label)
    local name, from = people.name_of(label), part(g, 'by_label')
    if label == name then
        return #redis.call('ZRANGEBYLEX', from, '[' .. name .. '\31', '[' .. name .. '\31\255',
            'LIMIT', 0, 1) > 0
    end
    local first = redis.call('ZRANGEBYLEX', from, '[' .. name .. '\n', '[' .. name .. '\31\255',
        'LIMIT', 0, 1)[1]
    if not first then return false end
    if string.sub(first, 1, #label + 1) ~= label .. '\n' then return true end
    return #redis.call('ZRANGEBYLEX', from, '(' .. label .. '\n\255', '[' .. name .. '\31\255',
        'LIMIT', 0, 1) > 0
end

function people.ambiguous(g, keys)
    local reply = {'ambiguous'}
    for _, label in ipairs(keys) do
        reply[#reply + 1] = people.id_of(g, label) or people.id_in(label) or ''
    end
    return reply
end

-- The key that text means. by: name (nil), id or key. Answers the key, nil, and whether nobody
-- has that name; or nil and why not.
function people.resolve(g, text, by)
    if by == 'key' then return people.checked_key(text), nil, false end
    if by == 'id' then
        local label = people.key_of(g, text)
        if label then return label, nil, false end
        return nil, people.is_indexed(g) and {'not_found'} or {'migrating'}
    end
    local keys = people.named(g, label_text(text))
    if #keys > 1 then return nil, people.ambiguous(g, keys) end
    return keys[1] or text, nil, #keys == 0
end

-- What a train says of its person: {id, new, fold, data, external}, each '' if it says nothing.
function people.given(a, from)
    local p = {id = a[from], is_new = a[from + 1] == 'new', fold = a[from + 2], data = a[from + 3],
               external = a[from + 4]}
    if p.id ~= '' and not people.is_id(p.id) then refuse('person_id has other characters') end
    if #p.data > people.data_bytes then refuse('data of a person is too large') end
    if #p.external > 64 or string.find(p.external, '[^%x]') then
        refuse('external must be hexadecimal')
    end
    return p
end

-- Who has this external id and is not of this key: the id, or nil.
function people.other_with(g, external, label)
    local there = external ~= '' and g.exists and redis.call('HGET', part(g, 'externals'), external)
    if there and there ~= label then return people.id_of(g, there) or '' end
end

-- The key and the id of the person of a train with job id `id`; or nil, nil and why not. name '': of
-- whoever has the id. A person
-- with an id of the client has it in the key, so two trains of one new person agree without a table.
function people.of_train(g, name, p, id)
    local label, person = nil, p.id
    if person ~= '' then
        label = people.key_of(g, person)
        if label and name ~= '' and people.name_of(label) ~= name then
            return nil, nil, {'person_exists', person}
        end
        if not label and not people.is_indexed(g) then return nil, nil, {'migrating'} end
        if not label and name == '' then return nil, nil, {'not_found'} end
        label = label or people.key_for(name, person)
    elseif p.is_new then
        label, person = people.key_for(name, id), id
    else
        local why
        label, why = people.resolve(g, name)
        if not label then return nil, nil, why end
        person = people.id_of(g, label) or people.id_in(label) or id
    end
    local other = people.other_with(g, p.external, label)
    if other then return nil, nil, {'external_taken', other} end
    local r = p.external ~= '' and people.record(g, label)
    if r and r.external ~= p.external and (r.external or r.data or p.id == '') then
        return nil, nil, {'person_exists', r.id}
    end
    return label, person
end

people.job_fields = {'person_id', 'fold', 'person_data', 'external'}

function people.store_in_job(id, person, p)
    local fields = {'person_id', person}
    local function add(name, value)
        if value ~= '' then fields[#fields + 1], fields[#fields + 2] = name, value end
    end
    add('fold', p and p.fold or '')
    add('person_data', p and p.data or '')
    add('external', p and p.external or '')
    redis.call('HSET', key.job(id), unpack(fields))
end

-- A key that has an id means the person with this id, under whatever name by now.
function people.goes_in(g, label)
    local id = people.id_in(label)
    return id and people.key_of(g, id) or label
end

-- At the commit of a train: whether what it says of its person contradicts what is there by now.
function people.contradicts(g, label, p)
    if not p.external then return false end
    if people.other_with(g, p.external, label) then return true end
    local r = people.record(g, label)
    return r and r.external ~= p.external and
        (r.external or r.data or r.id ~= p.person_id) and true or false
end

-- After its faces are there.
function people.trained(g, label, p)
    local r = people.record(g, label)
    local before = r and r.fold and (not p.external or r.external)
    if before then return r.id end
    r = r or people.create(g, label, p.person_id, p.fold)
    r.fold = r.fold or p.fold
    if p.external and not r.external then
        r.external, r.data = p.external, p.person_data
    end
    people.put(g, label, r)
    return r.id
end

-- collection id client data_before data external. `again`: the data are others by now.
function people.set(a)
    local g, id = gallery.read(collection_name(a[1])), a[2]
    local who, from, label_hash = given_by(a[3])
    local before, data, external = a[4], a[5], a[6]
    if #data > people.data_bytes then refuse('data of a person is too large') end
    if #external > 64 or string.find(external, '[^%x]') then
        refuse('external must be hexadecimal')
    end
    local label = people.key_of(g, id)
    local r = label and people.record(g, label)
    if not r then return {people.is_indexed(g) and 'not_found' or 'migrating'} end
    if (r.data or '') ~= before then return {'again'} end
    if external ~= '' and not people.is_indexed(g) then return {'migrating'} end
    local other = people.other_with(g, external, label)
    if other then return {'external_taken', other} end
    if r.external and r.external ~= external then
        redis.call('HDEL', part(g, 'externals'), r.external)
    end
    r.data = data ~= '' and data or nil
    r.external = external ~= '' and external or nil
    people.put(g, label, r)
    if before ~= '' and before ~= data then removal.note() end
    audit(who, from, 'person', g.collection, label_hash, id, nil, id)
    return {'ok'}
end

-- A result names people as "person_id":"@<key in hexadecimal>"; stored and sent, it has their ids,
-- and says whether others have the same name, of the first 1,000 people in it.
function people.fill(g, text)
    local known, looks = {}, 0
    return (string.gsub(text, '"person_id":"@(%x+)"', function(hex)
        if not known[hex] then
            local label = people.from_hex(hex)
            local id = people.id_of(g, label)
            looks = looks + 1
            local shared = id and looks <= limits.page_size and people.is_shared(g, label)
            known[hex] = '"person_id":' .. (id and people.quoted(id) or 'null') ..
                (shared and ',"name_shared":true' or '')
        end
        return known[hex]
    end))
end

function people.from_hex(hex)
    return (string.gsub(hex, '%x%x', function(two) return string.char(tonumber(two, 16)) end))
end

-- The key of a face in the result of a worker, or nil.
function people.key_in(face)
    local hex = type(face.person_id) == 'string' and string.match(face.person_id, '^@(%x+)$')
    if hex then return people.from_hex(hex) end
    return type(face.label) == 'string' and face.label or nil
end

-- A verify is about the person with the id that was accepted, under whatever key by now; nil:
-- nobody has that id any more. Of a person without a record it is about the key.
function people.verified(j, g)
    if not j.person_id then return j.label end
    return people.key_of(g, j.person_id)
end

-- Of a verify whose person was removed, renamed or merged since its worker read the key: nil, or
-- what to answer instead. A merge leaves one person with one id, and the other id is gone.
function people.verified_another(id, j, g, result)
    if j.type ~= 'verify' or not j.label then return nil end
    local label = people.verified(j, g)
    if not label then
        redis.call('HSET', key.job(id), 'error', '{"code":"not_found","detail":' ..
            '"The person was removed, or merged into another"}')
        job.move(id, j, 'failed', 'permanent')
        return {'failed'}
    end
    local used = string.match(result, '"person_id":"@(%x+)"')
    if not used or people.from_hex(used) == label then return nil end
    count('old_version')
    return {'old_version', int(g.version), label}
end

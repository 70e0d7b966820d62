-- Changes of a gallery that need no worker: clear, forget, rename, merge, delete. They commit when
-- they are accepted, and every train that was accepted before and commits later replays them.

local change = {}

-- `awaited` counts, by label, the open trains whose faces will go in under it, as the changes until
-- now have it. It is never too small, and too large only for trains that more than changes_kept
-- changes overtook, until no train is open.
function change.move_awaited(collection, op, from, to)
    local awaited = key.gallery(collection, 'awaited')
    if op == 'clear' then return redis.call('UNLINK', awaited) end
    local trains = redis.call('HGET', awaited, from)
    if not trains then return end
    redis.call('HDEL', awaited, from)
    if op == 'rename' then redis.call('HINCRBY', awaited, to, trains) end
end

function change.is_awaited(collection, label)
    return redis.call('HEXISTS', key.gallery(collection, 'awaited'), label) == 1
end

local operations = {
    clear = true, forget = true, forget_face = true, rename = true, merge = true,
    delete_collection = true,
}

-- Kept for the trains that are open; without one nobody would ask. A clear makes the older ones
-- moot: it supersedes every train that would have replayed them.
-- fold: of the new name. any: nobody had the name `from`, so it means whoever will have it.
local function record(collection, op, from, to, id, mseq, fold, any)
    if redis.call('EXISTS', key.gallery(collection, 'open')) == 0 then return end
    change.move_awaited(collection, op, from, to)
    local changes = key.gallery(collection, 'changes')
    if op == 'clear' then redis.call('UNLINK', changes) end
    local quoted = people.quoted
    redis.call('ZADD', changes, mseq, '{"id":' .. quoted(id) .. ',"op":"' .. op .. '","from":' ..
        quoted(from) .. ',"to":' .. quoted(to) .. (fold and ',"fold":' .. quoted(fold) or '') ..
        (any and ',"any":1' or '') .. '}')
    if redis.call('ZCARD', changes) > changes_kept then
        local oldest = redis.call('ZPOPMIN', changes)
        redis.call('SET', key.gallery(collection, 'changes_from'), oldest[2])
    end
end

-- Whether a change is about this label: its key, or a name that nobody had, and these faces bring.
local function concerns(c, label)
    return c.from == label or c.any and type(c.from) == 'string' and
        people.name_of(label) == c.from
end

-- The label under which a train's faces go in now; nil if they must not. And the folded name of it:
-- nil if a program that does not know such names renamed it.
function change.replay(collection, mseq, label, fold)
    if tonumber(mseq) < integer_at(key.gallery(collection, 'changes_from')) then return nil end
    local later = redis.call('ZRANGEBYSCORE', key.gallery(collection, 'changes'), '(' .. mseq,
        '+inf')
    for _, text in ipairs(later) do
        local good, c = pcall(cjson.decode, text)
        if not good or type(c) ~= 'table' then
            damage.drop(key.gallery(collection, 'changes'), text)
        elseif c.op == 'clear' then
            return nil
        elseif concerns(c, label) then
            if c.op == 'forget' or type(c.to) ~= 'string' then return nil end
            local id = c.any and people.id_in(label)
            label, fold = id and people.key_for(people.name_of(c.to), id) or c.to, c.fold
        end
    end
    return label, fold
end

-- A train that ends, in the call that takes it from `open`. j.goes_in: the label, if it is known.
function job.expect_no_more(j)
    local label = j.goes_in or j.mseq and change.replay(j.collection, j.mseq, j.label)
    local awaited = key.gallery(j.collection, 'awaited')
    if label and redis.call('HINCRBY', awaited, label, -1) <= 0 then
        redis.call('HDEL', awaited, label)
    end
end

-- Each answers how many faces it touched, or why it cannot; with `write` it does it.
local apply = {}

function apply.clear(g, a, b, write)
    local faces = g.faces
    if write and g.exists and not g.deleted then gallery.empty(g) end
    return faces
end

function apply.delete_collection(g, a, b, write)
    local known = g.exists and not g.deleted
    if not known and redis.call('EXISTS', key.gallery(g.collection, 'open')) == 0 then
        return nil, 'not_found'
    end
    local faces = g.faces
    if write and known then
        gallery.empty(g)
        gallery.mark_deleted(g)
    end
    return faces
end

function apply.forget(g, label, b, write)
    local ids = gallery.faces_of(g, label)
    if write and #ids > 0 then gallery.remove(g, label, ids) end
    return #ids
end

function apply.forget_face(g, label, face_id, write)
    local found = g.exists and redis.call('ZSCORE', key.faces(g.collection, g.epoch, 'by_label'),
        label .. '\n' .. face_id)
    if not found then return nil, 'not_found' end
    if write then gallery.remove(g, label, {face_id}) end
    return 1
end

function apply.merge(g, from, to, write)
    if from == to then return 0 end
    local ids = gallery.faces_of(g, from)
    if #ids + gallery.label_count(g, to) > limits.faces_per_label then return nil, 'label_full' end
    if #ids > 0 and not gallery.takes(g, 1) then return nil, 'gallery_full' end
    if write and #ids > 0 then gallery.rename(g, from, to, ids, g.fold) end
    return #ids
end
apply.rename = apply.merge

-- The key that a renamed person gets, or nil and why not. A name that an open train will bring is
-- taken as well. merge may go there: it says that both are one person, and so are the faces still
-- to come. shared: the name may be that of others.
function change.renamed_key(g, from, name, shared)
    local id, taken = people.id_in(from), change.is_awaited(g.collection, name) and from ~= name
    for _, label in ipairs(people.named(g, name)) do taken = taken or label ~= from end
    if taken and not shared then return nil, {'label_exists'} end
    if not id and not taken then return name end
    id = id or people.id_of(g, from)
    if not id then return nil, {people.is_indexed(g) and 'label_exists' or 'migrating'} end
    return people.key_for(name, id)
end

-- Whom a change means: the keys in the place of a and b, and whether nobody has the name a. Or nil and
-- why not. args 10 to 13: how a is given (people.resolve), how b, the folded new name, `shared`.
function change.people(g, op, a, b, args)
    if op == 'clear' or op == 'delete_collection' then return a, b, false end
    local from, why, nobody = people.resolve(g, a, args[10])
    if why then return nil, why end
    local to = b
    if op == 'rename' then
        to, why = change.renamed_key(g, from, label_text(b), args[13] == 'shared')
    elseif op == 'merge' then
        to, why = people.resolve(g, b, args[11])
    end
    if why then return nil, why end
    return from, to, nobody
end

-- How a change stands among the changes that a train replays. One face that is not there yet
-- cannot be named by anybody, so forget_face is not replayed.
local replayed_as = {
    clear = 'clear', delete_collection = 'clear', forget = 'forget', rename = 'rename',
    merge = 'rename',
}

local function store(id, op, collection, a, b, client, traceparent, label_hash, person)
    redis.call('HSET', key.job(id), 'type', op, 'collection', collection, 'priority',
        'interactive', 'client', client, 'traceparent', traceparent, 'attempt', 0, 'failures', 0,
        'crashes', 0, 'solo', 0, 'images', 0, 'image_bytes', 0, 'created_ms', now)
    if a ~= '' then redis.call('HSET', key.job(id), 'label', a, 'label_hash', label_hash) end
    if person then redis.call('HSET', key.job(id), 'person_id', person) end
    if op == 'rename' or op == 'merge' then redis.call('HSET', key.job(id), 'label_to', b) end
    if op == 'forget_face' then redis.call('HSET', key.job(id), 'face_id', b) end
    redis.call('ZADD', key.queue('all'), now, id)
end

-- stored_only: the trains that are open do not replay it.
function change.accept(args, stored_only)
    local id, op, collection, a, b, given, traceparent, hash, fingerprint = unpack(args, 1, 9)
    local client, from, label_hash, label_to_hash = given_by(given)
    one_of(op, operations, 'op')
    collection_name(collection)

    local holder = holder_of(client, from)
    local answer = queue.seen(id, hash, fingerprint, holder)
    if answer then return answer end
    local g, nobody = gallery.read(collection), nil
    a, b, nobody = change.people(g, op, a, b, args)
    if not a then return b end
    local _, why = apply[op](g, a, b, false)
    if why then return {why} end
    local person = a ~= '' and people.id_of(g, a) or nil
    g.fold = args[12] and args[12] ~= '' and args[12] or nil

    local faces = apply[op](g, a, b, true)
    local mseq, version = job.next_mseq(collection), int(g.version)
    local as = not stored_only and replayed_as[op]
    if as and not (as == 'rename' and a == b) then
        record(collection, as, a, b, id, mseq, g.fold, nobody)
    end
    store(id, op, collection, a, b, client, traceparent, label_hash, person)
    redis.call('HSET', key.job(id), 'mseq', mseq, 'min_version', version, 'version', version,
        'faces', int(faces))
    if op ~= 'rename' and op ~= 'merge' then
        local removed = g.removed or {faces = 0, vectors = 0, pictures = 0}
        redis.call('HSET', key.job(id), 'removed', removal.text(removed))
    end
    queue.remember(id, hash, fingerprint, holder)
    count('changes')
    audit(client, from, op, collection, label_hash, id, label_to_hash, person)
    local j = {state = '', type = op, collection = collection, version = version, attempt = '0',
               image_bytes = '0', client = client}
    job.move(id, j, 'publishing', 'change')
    gallery.settle(collection)
    return {'ok', id, redis.call('HGET', key.job(id), 'state'), version, int(faces)}
end

-- For somebody who asked to be erased: the log of the gallery goes, with the names in it.
function change.erase_log(a)
    local g = gallery.read(collection_name(a[1]))
    local who, from, label_hash = given_by(a[2])
    if not g.exists then return {'not_found'} end
    gallery.drop_log(g)
    audit(who, from, 'erase_log', g.collection, label_hash, '')
    return {'ok', int(g.version)}
end

-- What a collection keeps: people whom somebody sees, and pictures of their faces.
--
-- Who was not seen for the time that a collection keeps people is forgotten. Only a collection with
-- such a time notes when somebody was seen: in the key `seen` of its epoch, by trains, restores,
-- renames, stored recognitions, and what the api notes of answers that are not stored.

local retention = {}
local look_again_ms = 60 * 1000     -- a collection in which nobody's time has come
local collections_a_call = 10
local marks_a_call = 500            -- labels that were there before, marked as seen then
local due_max = 100
local retention_max_ms = 36500 * 24 * 3600 * 1000

-- ms 0: people are kept. Nobody's time begins earlier than this call.
function retention.set(a)
    local g, ms = gallery.read(collection_name(a[1])), number(a[2], 'ms')
    local who, from = given_by(a[3])
    if ms > retention_max_ms then refuse('ms is above the maximum') end
    if not g.exists or g.deleted then return {'not_found'} end
    local of = key.gallery(g.collection)
    if ms == 0 then
        redis.call('HDEL', of, 'retention_ms', 'retention_from_ms', 'retention_cursor')
        redis.call('UNLINK', gallery.seen_key(g))
        redis.call('ZREM', key.of('retention'), g.collection)
    else
        if not g.retention_ms then
            redis.call('HSET', of, 'retention_from_ms', now, 'retention_cursor', 0)
        end
        redis.call('HSET', of, 'retention_ms', int(ms))
        redis.call('ZADD', key.of('retention'), now, g.collection)
    end
    if ms ~= (g.retention_ms or 0) then
        audit(who, from, 'retention', g.collection, '', int(ms) .. ' ms')
    end
    return {'ok', int(ms)}
end

function retention.get(a)
    local g = gallery.read(collection_name(a[1]))
    if not g.exists or g.deleted then return {'not_found'} end
    local from = redis.call('HGET', key.gallery(g.collection), 'retention_from_ms')
    return {'ok', int(g.retention_ms or 0), from or '0'}
end

-- Labels that an answer named. Others, and those of a collection that keeps people, are passed over.
function retention.seen(a)
    local g, noted = gallery.read(collection_name(a[1])), 0
    for i = 2, math.min(#a, limits.page_size) do
        if g.retention_ms and gallery.label_count(g, a[i]) > 0 then
            gallery.mark_seen(g, a[i])
            noted = noted + 1
        end
    end
    return {'ok', int(noted)}
end

-- Those who were there before the time was set: seen then, which no later mark takes back.
local function mark_some(g)
    local of = key.gallery(g.collection)
    local cursor, from = unpack(redis.call('HMGET', of, 'retention_cursor', 'retention_from_ms'))
    if not cursor then return true end
    cursor, from = stored(cursor) and cursor or '0', int(stored(from, now))
    local labels = key.faces(g.collection, g.epoch, 'labels')
    local reply = redis.call('HSCAN', labels, cursor, 'COUNT', marks_a_call)
    for i = 1, #reply[2], 2 do
        redis.call('ZADD', gallery.seen_key(g), 'NX', from, reply[2][i])
    end
    if reply[1] == '0' then
        redis.call('HDEL', of, 'retention_cursor')
        return true
    end
    redis.call('HSET', of, 'retention_cursor', reply[1])
end

-- A mark as old as it says, or nil: it is gone, belongs to nobody, or was made before time went
-- forward by itself, and is moved with it.
function retention.still_over(g, label, seen_ms)
    local seen = gallery.seen_key(g)
    if #label < 1 or #label > 330 or string.find(label, '\n', 1, true) or
        #gallery.faces_of(g, label) == 0 then
        return damage.drop(seen, label)
    end
    local leaped_ms = clock.mark_leaped(seen_ms)
    if leaped_ms > 0 then redis.call('ZADD', seen, 'GT', int(seen_ms + leaped_ms), label) end
    return seen_ms + leaped_ms <= clock.passed() - g.retention_ms
end

local function due_of(g, most)
    local labels = {}
    local found = redis.call('ZRANGEBYSCORE', gallery.seen_key(g), '-inf',
        int(clock.passed() - g.retention_ms), 'WITHSCORES', 'LIMIT', 0, most)
    for i = 1, #found, 2 do
        local label, seen_ms = found[i], tonumber(found[i + 1])
        if retention.still_over(g, label, seen_ms) then labels[#labels + 1] = label end
    end
    return labels
end

-- Whose time is over, at most `max`, in the collections whose turn it is.
function retention.unseen(a)
    local most = math.min(number(a[1], 'max'), due_max)
    clock.repair(key.of('retention'), look_again_ms, collections_a_call)
    local turn = redis.call('ZRANGEBYSCORE', key.of('retention'), '-inf', now, 'LIMIT', 0,
        collections_a_call)
    local reply, found = {}, 0
    if not clock.may_erase() then turn = {} end
    for _, collection in ipairs(turn) do
        local g = gallery.read(collection)
        local marked = g.retention_ms and mark_some(g)
        if not g.retention_ms then damage.drop(key.of('retention'), collection) end
        local labels = g.retention_ms and found < most and due_of(g, most - found) or {}
        if marked then clock.repair(gallery.seen_key(g), 0, due_max) end
        for _, label in ipairs(labels) do
            reply[#reply + 1], reply[#reply + 2] = collection, label
            found = found + 1
        end
        -- Whoever cannot be forgotten for some reason keeps nobody else's turn.
        local idle = marked and #labels == 0 and found < most
        redis.call('ZADD', key.of('retention'), 'XX', int(now + (idle and look_again_ms or 0)),
            collection)
    end
    return {'ok', int(found), unpack(reply)}
end

-- A forget like any other, if the time is still over, but of the faces that are there: who is being
-- trained just now is seen when that train ends. given: as client of change.
function retention.forget(a)
    local id, collection, label, given = a[1], a[2], a[3], a[4]
    local g = gallery.read(collection_name(collection))
    local at = g.retention_ms and clock.may_erase() and
        redis.call('ZSCORE', gallery.seen_key(g), people.checked_key(label))
    if not at or not retention.still_over(g, label, tonumber(at)) then return {'seen'} end
    return change.accept({id, 'forget', collection, label, '', given, '', '', '', 'key'}, true)
end

-- Whether the pictures of taught faces are kept: the choice of a collection. Without one the setting
-- of the worker that teaches the face decides.

local pictures = {}
local choices = {keep = '1', remove = '0', worker = ''}

-- choice: keep, remove (also those that are there), worker (no choice of its own). A collection that is
-- not there is made, so that the choice can come before its first face.
function pictures.set(a)
    local g, choice = gallery.read(collection_name(a[1])), one_of(a[2], choices, 'choice')
    local who, from = given_by(a[3])
    local of, before = key.gallery(g.collection), g.keep_pictures or ''
    if not gallery.is_made(g) then
        if choice == 'worker' then return {'not_found'} end
        local answer = gallery.no_more()
        if answer then return answer end
        gallery.renew_epoch(g)
    end
    local removed = 0
    if choice == 'worker' then
        redis.call('HDEL', of, 'keep_pictures')
    else
        redis.call('HSET', of, 'keep_pictures', choices[choice])
    end
    if choice == 'remove' then removed = gallery.drop_pictures(g) end
    if before ~= choices[choice] or removed > 0 then
        audit(who, from, 'pictures', g.collection, '', choice)
    end
    return {'ok', choices[choice], int(gallery.pictures(g)), int(removed)}
end

-- keep_pictures ('1', '0' or '': no choice), how many faces have a picture
function pictures.get(a)
    local g = gallery.read(collection_name(a[1]))
    local made = gallery.is_made(g)
    return {'ok', made and g.keep_pictures or '', int(made and gallery.pictures(g) or 0)}
end

-- Labels, each once, of faces without a picture, in a step of the faces in the order of their labels,
-- and where the next step begins: '' after the last.
function pictures.without(a)
    local g, found, last = gallery.read(collection_name(a[1])), {}, nil
    local from = a[2] == '' and '-' or '(' .. a[2]
    local members = g.exists and redis.call('ZRANGEBYLEX', key.faces(g.collection, g.epoch,
        'by_label'), from, '+', 'LIMIT', 0, limits.page_size) or {}
    for _, member in ipairs(members) do
        local label, id = string.match(member, '^([^\n]+)\n(.+)$')
        if label and label ~= last and not gallery.has_picture(g, id) then
            found[#found + 1], last = label, label
        end
    end
    local more = #members == limits.page_size and members[#members] or ''
    return {'ok', more, int(#found), unpack(found)}
end

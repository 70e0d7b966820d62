-- The faces of a collection, their version and their log, and who must acknowledge a version.
-- A face stands in five keys of its epoch: vectors, faces, labels (counts), by_label, log; and in
-- a sixth, pictures, if its picture is kept. Its label stands in a seventh, seen, if people who
-- are not seen are forgotten (46_kept.lua).

local gallery = {}
local people = {}  -- 35_people.lua
local epoch_parts = {'vectors', 'faces', 'labels', 'by_label', 'log', 'pictures', 'seen', 'staged',
                     'people', 'person_ids', 'externals', 'names'}

local gallery_fields = {
    'epoch', 'seq', 'removed_version', 'faces', 'people', 'embedding_model', 'log_from',
    'created_ms', 'deleted', 'retention_ms', 'dimension', 'keep_pictures',
    'staging_job', 'staging_model', 'staging_dimension',
}

-- A collection without a gallery reads as version 0 without people.
function gallery.read(collection)
    local g = hash_fields(key.gallery(collection), gallery_fields)
    g.exists = stored(g.epoch) ~= nil
    g.collection = collection
    local seq_is_known = stored(g.seq) ~= nil
    local fence_is_known = not g.removed_version or stored(g.removed_version) ~= nil
    for _, field in ipairs({'epoch', 'seq', 'removed_version', 'faces', 'people', 'log_from',
                            'created_ms'}) do
        g[field] = stored(g[field], 0)
    end
    if g.exists and not seq_is_known then g.seq = gallery.derived_seq(g) end
    g.retention_ms = stored(g.retention_ms)  -- nil: people are kept
    g.dimension = stored(g.dimension, limits.embedding_dimension_default)
    g.version = g.epoch * epoch_size + g.seq
    if not fence_is_known then g.removed_version = g.version end  -- the strictest
    return g
end

-- The oldest version an answer may have been computed with.
function gallery.fence(g, min_version)
    if not g.exists then return 0 end
    return math.max(g.removed_version, tonumber(min_version))
end

local function part(g, name) return key.faces(g.collection, g.epoch, name) end

function gallery.seen_key(g) return part(g, 'seen') end
function gallery.mark_seen(g, label) redis.call('ZADD', part(g, 'seen'), 'GT', now, label) end

-- With what each part held. The note of the removal is in the same call.
function gallery.drop_parts(g)
    g.removed = {faces = redis.call('HLEN', part(g, 'faces')),
                 vectors = redis.call('HLEN', part(g, 'vectors')),
                 pictures = redis.call('HLEN', part(g, 'pictures'))}
    redis.call('UNLINK', unpack(gallery.parts(g)))
    gallery.end_staging(g)
    people.none_left(g)
    removal.note()
end

-- The vectors of another model that were to take the place of its own (62_reembed.lua).
function gallery.unstage(g)
    redis.call('UNLINK', part(g, 'staged'))
    gallery.end_staging(g)
end

-- Of a gallery that has no part `staged` any more.
function gallery.end_staging(g)
    redis.call('HDEL', key.gallery(g.collection), 'staging_job', 'staging_model',
        'staging_dimension')
    g.staging_job = nil
end

function gallery.parts(g)
    local all = {}
    for i, name in ipairs(epoch_parts) do all[i] = part(g, name) end
    return all
end

-- An epoch is used once, whatever becomes of its gallery, so there is an end to them. Nothing that
-- removes needs one (gallery.empty); what adds is refused (gallery.closed).
function gallery.epochs_left() return gallery.last_epoch() < epochs_max end

-- An empty gallery with an epoch of its own. Whatever was computed before is of another one.
function gallery.renew_epoch(g)
    if not gallery.epochs_left() then refuse('epochs are used up') end
    if g.exists then
        gallery.drop_parts(g)
    else
        redis.call('HSET', key.gallery(g.collection), 'created_ms', now)
    end
    g.exists, g.epoch, g.seq = true, math.max(gallery.last_epoch(), g.epoch) + 1, 0
    gallery.store_epoch(g.epoch)
    g.version = g.epoch * epoch_size
    g.faces, g.people, g.log_from = 0, 0, 0
    redis.call('HSET', key.gallery(g.collection), 'epoch', int(g.epoch), 'seq', 0, 'faces', 0,
        'people', 0, 'log_from', 0, 'removed_version', int(g.version))
    -- Of an empty gallery nobody is left to be marked.
    redis.call('HDEL', key.gallery(g.collection), 'embedding_model', 'dimension', 'deleted',
        'retention_cursor')
    redis.call('ZADD', key.of('collections'), 0, g.collection)
end

-- Floats of each of its faces; 0 while no model is known.
function gallery.floats(g) return g.embedding_model and g.dimension or 0 end

-- Why a gallery can take no faces of this kind, whoever they are, in so many changes, or nil.
function gallery.closed(g, model, dimension, changes)
    if g.embedding_model and g.embedding_model ~= model then
        return {'model_mismatch', g.embedding_model}
    end
    if g.embedding_model and g.dimension ~= dimension then
        return {'model_mismatch', g.embedding_model .. ' of ' .. int(g.dimension) .. ' floats'}
    end
    if not gallery.is_made(g) then return gallery.no_more() end
    if not gallery.takes(g, changes) then return {'gallery_full'} end
end

function gallery.is_made(g) return g.exists and not g.deleted end

-- Why no collection can be made, or nil.
function gallery.no_more()
    local full = redis.call('ZCARD', key.of('collections')) >= limits.collections
    if full or not gallery.epochs_left() then return {'collections_full'} end
end

-- Whether its epoch has numbers for so many changes that remove nobody. A clear gives it another.
function gallery.takes(g, changes) return g.seq + changes <= last_seq end

-- Makes it, if it is not there, for faces of this kind.
function gallery.open(g, model, dimension)
    if not gallery.is_made(g) then gallery.renew_epoch(g) end
    gallery.store_model(g, model, dimension)
end

-- Of a gallery without a field for another dimension.
function gallery.store_model(g, model, dimension)
    redis.call('HSET', key.gallery(g.collection), 'embedding_model', model)
    g.dimension = dimension
    if dimension ~= limits.embedding_dimension_default then
        redis.call('HSET', key.gallery(g.collection), 'dimension', int(dimension))
    end
end

-- A change of a gallery is begin, then put and take, then commit.
local function begin(g)
    if g.seq + 1 >= epoch_size then refuse('versions of this epoch are used up') end
    g.seq, g.version, g.logged = g.seq + 1, g.version + 1, 0
end

local function log(g, op, face_id, label)
    g.logged = g.logged + 1
    local id = int(g.seq) .. '-' .. int(g.logged)
    local function write()
        return redis.pcall('XADD', part(g, 'log'), id, 'op', op, 'face_id', face_id, 'label', label)
    end
    local wrote = write()
    if type(wrote) ~= 'table' then return end
    redis.call('UNLINK', part(g, 'log'))  -- it is ahead of its gallery: who is behind loads anew
    redis.call('HSET', key.gallery(g.collection), 'log_from', int(g.seq))
    damage.note()
    write()
end

-- The log is cut at a whole seq; log_from is the oldest seq from which it can be followed.
local function cut_log(g)
    local excess = redis.call('XLEN', part(g, 'log')) - log_entries
    if excess <= 0 then return end
    local entries = redis.call('XRANGE', part(g, 'log'), '-', '+', 'COUNT', excess)
    local last = tonumber(string.match(entries[#entries][1], '^%d+'))
    redis.call('XTRIM', part(g, 'log'), 'MINID', int(last + 1) .. '-0')
    redis.call('HSET', key.gallery(g.collection), 'log_from', int(last))
end

local function commit(g, removing)
    redis.call('HSET', key.gallery(g.collection), 'seq', int(g.seq), 'faces', int(g.faces),
        'people', int(g.people))
    if removing then
        redis.call('HSET', key.gallery(g.collection), 'removed_version', int(g.version))
        removal.note()
    end
    cut_log(g)
end

local function json_label(label) return '{"label":' .. people.quoted(label) .. ',' end

-- The part of a stored face that the worker gave, behind its label; the numbers in it stay as
-- they were written.
local function face_text(label, rest) return json_label(label) .. string.sub(rest, 2) end
local function face_rest(label, text)
    if string.sub(text or '', 1, #json_label(label)) ~= json_label(label) then  -- damaged
        damage.note()
        return '{"job_id":""}'
    end
    return '{' .. string.sub(text, #json_label(label) + 1)
end

local function count_label(g, label, n)
    local left = redis.call('HINCRBY', part(g, 'labels'), label, n)
    if left <= 0 then redis.call('HDEL', part(g, 'labels'), label) end
    if g.retention_ms and left <= 0 then redis.call('ZREM', part(g, 'seen'), label) end
    if left <= 0 then people.drop(g, label) end
    if n > 0 and left == n then
        g.people = g.people + 1
    elseif left <= 0 then
        g.people = math.max(0, g.people - 1)
    end
end

local function put(g, label, face_id, rest)
    redis.call('HSET', part(g, 'faces'), face_id, face_text(label, rest))
    redis.call('ZADD', part(g, 'by_label'), 0, label .. '\n' .. face_id)
    log(g, 'add', face_id, label)
end

local function take(g, label, face_id)
    redis.call('ZREM', part(g, 'by_label'), label .. '\n' .. face_id)
    log(g, 'remove', face_id, label)
end

function gallery.label_count(g, label)
    if not g.exists then return 0 end
    return stored(redis.call('HGET', part(g, 'labels'), label), 0)
end

-- ids of one label's faces. Every byte of an id is less than 255, and no label holds a newline.
function gallery.faces_of(g, label)
    if not g.exists then return {} end
    local ids = redis.call('ZRANGEBYLEX', part(g, 'by_label'), '[' .. label .. '\n',
        '[' .. label .. '\n\255')
    for i, member in ipairs(ids) do ids[i] = string.sub(member, #label + 2) end
    return ids
end

function gallery.has_pictures(g)
    return g.exists and redis.call('EXISTS', part(g, 'pictures')) == 1
end

function gallery.pictures(g)
    return g.exists and redis.call('HLEN', part(g, 'pictures')) or 0
end

-- How many there were. Their faces stay.
function gallery.drop_pictures(g)
    local dropped = gallery.pictures(g)
    if dropped > 0 then
        redis.call('UNLINK', part(g, 'pictures'))
        removal.note()
    end
    return dropped
end

function gallery.has_picture(g, face_id)
    return redis.call('HEXISTS', part(g, 'pictures'), face_id) == 1
end

-- The JPEG of one face of a label, or nil.
function gallery.picture(g, label, face_id)
    if not g.exists or
        not redis.call('ZSCORE', part(g, 'by_label'), label .. '\n' .. face_id) then return nil end
    return present(redis.call('HGET', part(g, 'pictures'), face_id))
end

-- faces: {{id, rest, vector, picture or nil}, ...} of one train.
function gallery.add(g, label, faces)
    begin(g)
    for _, face in ipairs(faces) do
        redis.call('HSET', part(g, 'vectors'), face[1], face[3])
        if face[4] and g.keep_pictures ~= '0' then
            redis.call('HSET', part(g, 'pictures'), face[1], face[4])
        end
        put(g, label, face[1], face[2])
    end
    count_label(g, label, #faces)
    if g.retention_ms then gallery.mark_seen(g, label) end
    g.faces = g.faces + #faces
    commit(g, false)
end

function gallery.remove(g, label, ids)
    begin(g)
    for _, id in ipairs(ids) do take(g, label, id) end
    g.removed = {vectors = redis.call('HDEL', part(g, 'vectors'), unpack(ids)),
                 faces = redis.call('HDEL', part(g, 'faces'), unpack(ids)),
                 pictures = redis.call('HDEL', part(g, 'pictures'), unpack(ids))}
    if g.staging_job then redis.call('HDEL', part(g, 'staged'), unpack(ids)) end
    count_label(g, label, -#ids)
    g.faces = math.max(0, g.faces - #ids)
    commit(g, true)
end

function gallery.rename(g, from, to, ids, fold)
    begin(g)
    people.move(g, from, to, fold)
    for _, id in ipairs(ids) do
        local rest = face_rest(from, redis.call('HGET', part(g, 'faces'), id))
        take(g, from, id)
        put(g, to, id, rest)
    end
    count_label(g, from, -#ids)
    count_label(g, to, #ids)
    if g.retention_ms then gallery.mark_seen(g, to) end
    commit(g, true)
end

-- The log names who was removed, until it is cut. Without it a worker that is behind loads anew.
function gallery.drop_log(g)
    redis.call('UNLINK', part(g, 'log'))
    redis.call('HSET', key.gallery(g.collection), 'log_from', int(g.seq))
    removal.note()
end

-- Removes everybody, and the log that names who was there. A gallery with faces gets another epoch;
-- one without, or when none is left, a version more of its own, and not that if nothing remains.
function gallery.empty(g)
    if g.faces > 0 and gallery.epochs_left() then return gallery.renew_epoch(g) end
    local rests = g.embedding_model or redis.call('EXISTS', unpack(gallery.parts(g))) > 0
    if not rests then return end
    begin(g)
    gallery.drop_parts(g)
    g.faces, g.people, g.log_from = 0, 0, g.seq
    redis.call('HSET', key.gallery(g.collection), 'log_from', int(g.seq))
    redis.call('HDEL', key.gallery(g.collection), 'embedding_model', 'dimension',
        'retention_cursor')
    commit(g, true)
end

-- The collection is listed no more; its fences stay until every holder has acknowledged.
function gallery.mark_deleted(g)
    redis.call('HSET', key.gallery(g.collection), 'deleted', int(g.version))
    redis.call('ZREM', key.of('collections'), g.collection)
    redis.call('ZREM', key.of('retention'), g.collection)
    redis.call('HDEL', key.gallery(g.collection), 'retention_ms', 'retention_from_ms',
        'keep_pictures')
end

local function forget_deleted(collection, version)
    local g = gallery.read(collection)
    if g.deleted == version and int(g.version) == version then
        redis.call('UNLINK', key.gallery(collection))
    end
end

-- The workers that serve answers from a collection, each with its version, and the lowest of these;
-- huge if nobody holds it. A registration counts until it is removed, whatever its time: only the
-- timer removes lapsed ones.
local function holders_of(collection)
    local holders, lowest = {}, math.huge
    for _, worker in ipairs(redis.call('ZRANGE', key.of('workers'), 0, -1)) do
        local held = redis.call('HGET', key.worker(worker), 'gallery:' .. collection)
        if held then
            holders[#holders + 1] = {worker, held}
            lowest = math.min(lowest, stored(held, 0))
        end
    end
    return holders, lowest
end

-- Who has acknowledged a change, as its job tells it.
local confirmed_max = 100
local function confirmed_text(holders)
    local texts = {}
    for i = 1, math.min(#holders, confirmed_max) do
        local worker, held = unpack(holders[i])
        texts[i] = '{"worker_id":"' .. worker:gsub('["\\]', '\\%0') .. '","version":' .. held .. '}'
    end
    return '[' .. table.concat(texts, ',') .. ']'
end

-- Ends what every holder has acknowledged. Returns how many ended.
function gallery.settle(collection)
    local waiting = key.gallery(collection, 'publishing')
    if redis.call('EXISTS', waiting) == 0 then
        damage.drop(key.of('publishing'), collection)
        return 0
    end
    local holders, lowest = holders_of(collection)
    local ids = redis.call('ZRANGEBYSCORE', waiting, '-inf',
        lowest == math.huge and '+inf' or int(lowest), 'LIMIT', 0, limits.collect_batch)
    for _, id in ipairs(ids) do
        local j = job.read(id)
        if not j or j.state ~= 'publishing' or j.collection ~= collection then
            damage.drop(waiting, id)
        else
            if j.type ~= 'train' then
                redis.call('HSET', key.job(id), 'confirmed', confirmed_text(holders))
            end
            job.move(id, j, 'succeeded', 'acknowledged')
            if j.type == 'delete_collection' then forget_deleted(collection, j.version) end
        end
    end
    return #ids
end

-- A worker is gone, or serves nothing any more.
function gallery.release(worker)
    local fields = redis.call('HKEYS', key.worker(worker))
    redis.call('UNLINK', key.worker(worker))
    redis.call('ZREM', key.of('workers'), worker)
    local settled = 0
    for _, field in ipairs(fields) do
        local collection = string.match(field, '^gallery:(.+)$')
        if collection then settled = settled + gallery.settle(collection) end
    end
    return settled
end

-- Changing the embedding model of a gallery, by a job. A worker embeds the faces again, from the
-- pictures that are kept, into the part `staged` of the epoch, while the gallery answers as before;
-- then staged takes the place of vectors in one call. Staged holds only faces that are there (a
-- removal takes them out of both), so as many staged as faces is all of them.

local reembed = {}
reembed.scanned = 50        -- pictures of a step
reembed.left_out_max = 1000 -- faces without a usable picture that a swap may remove

local function staged_key(g) return key.faces(g.collection, g.epoch, 'staged') end
local function staged_of(g) return redis.call('HLEN', staged_key(g)) end

-- The job, and nil or why this attempt may not stage for its gallery.
function reembed.job(a)
    local id, j = a[1], job.read(a[1])
    local answer = not_open(id, j, a[2], a[3])
    if answer then return j, answer end
    if j.type ~= 'reembed' then refuse('wrong type of job: ' .. j.type) end
    return j
end

-- The gallery, and nil or {'cleared'}: it is not the one that this job began with.
function reembed.gallery(j, id, epoch)
    local g = gallery.read(j.collection)
    local is_his = g.epoch == epoch and g.staging_job == id and g.staging_model and
        embedding_dimensions[stored(g.staging_dimension)]
    return g, not is_his and {'cleared'} or nil
end

-- Another job that stages for the gallery and has not ended, or nil.
function reembed.rival(g, id)
    local other = g.staging_job
    local j = other and other ~= id and job.read(other)
    return j and j.type == 'reembed' and open_states[j.state] and other
end

-- id attempt worker model dimension. What was staged for the same model stays, so that a job that is
-- run again goes on where it was.
function reembed.begin(a)
    local j, answer = reembed.job(a)
    if answer then return answer end
    local id, model, dimension = a[1], a[4], number(a[5], 'dimension')
    if not embedding_dimensions[dimension] then refuse('no model has such a dimension') end
    local g = gallery.read(j.collection)
    if not gallery.is_made(g) or g.faces == 0 then return {'not_found'} end
    if g.embedding_model == model then return {'same'} end
    if not gallery.epochs_left() then return {'gallery_full'} end
    local rival = reembed.rival(g, id)
    if rival then return {'busy', rival} end
    if g.staging_job ~= id or g.staging_model ~= model or
        stored(g.staging_dimension) ~= dimension then gallery.unstage(g) end
    redis.call('HSET', key.gallery(g.collection), 'staging_job', id, 'staging_model', model,
        'staging_dimension', int(dimension))
    return {'ok', int(g.epoch), int(g.faces), int(staged_of(g))}
end

-- id epoch collection cursor. A step through a part of the gallery: what `told` gives of each face
-- that is not staged, behind its id.
function reembed.unstaged(a, part_name, count, told)
    local g = gallery.read(collection_name(a[3]))
    if g.epoch ~= number(a[2], 'epoch') or g.staging_job ~= a[1] then return {'cleared'} end
    local reply = redis.call('HSCAN', key.faces(g.collection, g.epoch, part_name), a[4], 'COUNT',
        count)
    local found = {'ok', reply[1]}
    for i = 1, #reply[2], 2 do
        local id = reply[2][i]
        if redis.call('HEXISTS', staged_key(g), id) == 0 then
            found[#found + 1] = id
            found[#found + 1] = told(g, id, reply[2][i + 1])
        end
    end
    return found
end

-- Their pictures.
function reembed.pictures(a)
    return reembed.unstaged(a, 'pictures', reembed.scanned, function(_, _, jpeg) return jpeg end)
end

-- Of all faces: whether each has a picture.
function reembed.left(a)
    return reembed.unstaged(a, 'faces', limits.page_size, function(g, id)
        return gallery.has_picture(g, id) and '1' or '0'
    end)
end

-- id attempt worker epoch, then face_id vector. Faces that are gone by now are passed over.
function reembed.stage(a)
    local j, answer = reembed.job(a)
    if answer then return answer end
    if #a % 2 ~= 0 or #a > 4 + 2 * limits.page_size then
        refuse('face_id and vector must come in pairs, at most ' .. int(limits.page_size))
    end
    local g
    g, answer = reembed.gallery(j, a[1], number(a[4], 'epoch'))
    if answer then return answer end
    local faces = key.faces(g.collection, g.epoch, 'faces')
    for i = 5, #a, 2 do
        if floats_of(a[i + 1]) ~= stored(g.staging_dimension) then return {'malformed', 'vector'} end
    end
    for i = 5, #a, 2 do
        if redis.call('HEXISTS', faces, a[i]) == 1 then
            redis.call('HSET', staged_key(g), a[i], a[i + 1])
        end
    end
    local staged = int(staged_of(g))
    redis.call('HSET', key.job(a[1]), 'staged', staged, 'staged_of', int(g.faces))
    return {'ok', staged, int(g.faces)}
end

-- The labels of these faces, each once, that are there and not staged.
local function left_out(g, a, from)
    local labels, seen = {}, {}
    for i = from, #a do
        local id = a[i]
        local text = not seen[id] and redis.call('HEXISTS', staged_key(g), id) == 0 and
            redis.call('HGET', key.faces(g.collection, g.epoch, 'faces'), id)
        local good, face = pcall(cjson.decode, text or '')
        if text and good and type(face) == 'table' and type(face.label) == 'string' then
            labels[#labels + 1] = {face.label, id}
        end
        seen[id] = true
    end
    return labels
end

-- The staged vectors take the place of the others: the same faces, another model, an epoch of its own, so that nothing that was
-- computed with the old vectors is stored or told any more. Its keys get the names of the new epoch.
function reembed.exchange(g)
    local before = {epoch = g.epoch, collection = g.collection}
    local epoch = math.max(gallery.last_epoch(), g.epoch) + 1
    gallery.store_epoch(epoch)
    redis.call('UNLINK', part(before, 'vectors'), part(before, 'log'))
    g.epoch, g.seq, g.version = epoch, 0, epoch * epoch_size
    local function move(name, to)
        if redis.call('EXISTS', part(before, name)) == 1 then
            redis.call('RENAME', part(before, name), part(g, to))
        end
    end
    for _, name in ipairs({'faces', 'labels', 'by_label', 'pictures', 'seen', 'people', 'person_ids',
                           'externals', 'names'}) do move(name, name) end
    move('staged', 'vectors')
    redis.call('HSET', key.gallery(g.collection), 'epoch', int(epoch), 'seq', 0, 'log_from', 0,
        'removed_version', int(g.version))
    redis.call('HDEL', key.gallery(g.collection), 'dimension')
    gallery.store_model(g, g.staging_model, stored(g.staging_dimension))
    gallery.end_staging(g)
    removal.note()
end

-- id attempt worker epoch result ('': made here), then ids of faces that have no usable picture and are removed with
-- it. `missing`: faces that are neither staged nor among these; nothing changed.
function reembed.swap(a)
    local j, answer = reembed.job(a)
    if answer then return answer end
    if #a > 5 + reembed.left_out_max then refuse('too many faces are left out') end
    local g
    g, answer = reembed.gallery(j, a[1], number(a[4], 'epoch'))
    if answer then return answer end
    local out = left_out(g, a, 6)
    local missing = g.faces - #out - staged_of(g)
    if missing ~= 0 then return {'missing', int(missing)} end
    local model = g.staging_model
    for _, one in ipairs(out) do gallery.remove(g, one[1], {one[2]}) end
    reembed.exchange(g)
    j.version = int(g.version)
    local result = a[5] ~= '' and a[5] or '{"embedding_model":' ..
        string.gsub(cjson.encode(model), '\\/', '/') .. ',"faces":' .. int(g.faces) ..
        ',"left_out":' .. int(#out) .. '}'
    redis.call('HSET', key.job(a[1]), 'result', result, 'version', j.version, 'faces', int(g.faces),
        'left_out', int(#out))
    redis.call('HDEL', key.job(a[1]), 'error', 'lease_until_ms')
    job.move(a[1], j, 'publishing', 'complete')
    gallery.settle(j.collection)
    return {redis.call('HGET', key.job(a[1]), 'state'), j.version}
end

-- What a job that ends without a swap has staged.
function job.ended.reembed(id, j)
    local g = gallery.read(j.collection)
    if g.staging_job == id then gallery.unstage(g) end
end

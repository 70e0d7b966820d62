-- What workers call: registration and holdings, and the end of an attempt.

local worker = {}

function worker.register(a)
    local id, connection, registration_ms = a[1], number(a[2], 'connection'), number(a[3], 'ms')
    local known = redis.call('EXISTS', key.worker(id)) == 1
    if not known and redis.call('ZCARD', key.of('workers')) >= limits.workers then
        return {'full'}
    end
    local detectors, floats, offered
    if a[13] then
        detectors, floats, offered = models.checked(a[10], a[11])
        if not detectors[a[12]] or not floats[a[13]] then refuse('proposes a model it lacks') end
    end
    if known then gallery.release(id) end  -- it serves nothing until it says hello again
    redis.call('HSET', key.worker(id), 'connection', int(connection), 'host', a[4], 'pid', a[5],
        'device', a[6], 'build', a[7], 'types', a[8], 'registered_ms', now,
        'heard', int(connection))
    if a[9] then
        redis.call('HSET', key.worker(id), 'dimension', int(number(a[9], 'dimension')))
    end
    if a[13] then
        redis.call('HSET', key.worker(id), 'detectors', a[10], 'embedders', a[11])
    end
    redis.call('ZADD', key.of('workers'), now + registration_ms, id)
    local defaults, decided = models.defaults(), false
    if a[13] then defaults, decided = models.decide(detectors, floats, offered, a[12], a[13]) end
    if not defaults then return {'ok', int(now)} end
    return {'ok', int(now), defaults.detector, defaults.embedder, decided and '1' or '0'}
end

local function his(j, attempt, id)
    return j.state == 'running' and j.attempt == attempt and j.worker == id
end

-- A new connection: what was sent over older ones and is not in hand will not arrive any more.
local function hand_back_unheard(id, connection, in_hand)
    for _, job_id in ipairs(running_of(id)) do
        local j = job.read(job_id)
        local sent = stored(redis.call('HGET', key.job(job_id), 'connection'), 0)
        if not j or j.state ~= 'running' or j.worker ~= id then
            redis.call('SREM', key.worker_running(id), job_id)
            damage.note()
        elseif in_hand[job_id] ~= j.attempt and sent < connection then
            job.give_back(job_id, j, 'not_heard')
        end
    end
    redis.call('HSET', key.worker(id), 'heard', int(connection))
end

function worker.renew(a)
    local id, connection = a[1], number(a[2], 'connection')
    local registration_ms, lease_ms = number(a[3], 'registration_ms'), number(a[4], 'lease_ms')
    if #a % 2 ~= 0 then refuse('id and attempt must come in pairs') end
    local record = redis.call('HGETALL', key.worker(id))
    if #record == 0 then return {'gone'} end
    redis.call('ZADD', key.of('workers'), now + registration_ms, id)

    local lost, cancel, held, in_hand = {}, {}, {}, {}
    for i = 5, #a, 2 do
        in_hand[a[i]] = a[i + 1]
        local j = hash_fields(key.job(a[i]), {'state', 'attempt', 'worker', 'cancel_requested'})
        if his(j, a[i + 1], id) then
            redis.call('HSET', key.job(a[i]), 'lease_until_ms', now + lease_ms)
            redis.call('ZADD', key.queue('running'), 'XX', now + lease_ms, a[i])
            if j.cancel_requested then cancel[#cancel + 1] = a[i] end
        else
            lost[#lost + 1] = a[i]
        end
    end
    for i = 1, #record, 2 do
        local collection = string.match(record[i], '^gallery:(.+)$')
        if collection then held[#held + 1] = collection end
        if record[i] == 'connection' and stored(record[i + 1], 0) < connection then
            redis.call('HSET', key.worker(id), 'connection', int(connection))
        end
        if record[i] == 'heard' and stored(record[i + 1], 0) < connection then
            hand_back_unheard(id, connection, in_hand)
        end
    end

    local reply = {'ok', int(now), int(#lost), int(#cancel), int(#held)}
    for _, job_id in ipairs(lost) do reply[#reply + 1] = job_id end
    for _, job_id in ipairs(cancel) do reply[#reply + 1] = job_id end
    for _, collection in ipairs(held) do
        reply[#reply + 1] = collection
        reply[#reply + 1] = int(gallery.read(collection).version)
    end
    return reply
end

function worker.hello(a)
    local id, collection, version = a[1], collection_name(a[2]), a[3]
    if version ~= 'none' then number(version, 'version') end
    if redis.call('EXISTS', key.worker(id)) == 0 then return {'gone'} end
    if version == 'none' then
        redis.call('HDEL', key.worker(id), 'gallery:' .. collection)
        gallery.settle(collection)
        return {'ok'}
    end
    local current = int(gallery.read(collection).version)
    if version ~= current then return {'catch_up', current} end
    redis.call('HSET', key.worker(id), 'gallery:' .. collection, current)
    gallery.settle(collection)
    return {'serve', current}
end

function worker.bye(a)
    local ids = running_of(a[1])
    for _, id in ipairs(ids) do
        local j = job.read(id)
        if j and j.state == 'running' and j.worker == a[1] then
            job.give_back(id, j, 'bye')
        else
            redis.call('SREM', key.worker_running(a[1]), id)
            damage.note()
        end
    end
    gallery.release(a[1])
    return {'ok', int(#ids)}
end

function worker.started(a)
    local lost = {}
    if #a % 2 ~= 1 then refuse('id and attempt must come in pairs') end
    for i = 2, #a, 2 do
        local j = hash_fields(key.job(a[i]), {'state', 'attempt', 'worker'})
        if his(j, a[i + 1], a[1]) then
            redis.call('HSET', key.job(a[i]), 'started', a[i + 1])
        else
            lost[#lost + 1] = a[i]
        end
    end
    return {'ok', int(#lost), unpack(lost)}
end

-- The job and its photos, in one call, for the attempt that runs it. A photo that is gone is nil.
function worker.fetch(a)
    local id = a[1]
    local j = hash_fields(key.job(id), {'state', 'attempt', 'worker', 'images', 'collection',
                                        'type', 'label', 'person_id'})
    if not j.state then return job.absent(id) end
    if not his(j, a[2], a[3]) then return {'stale', j.state} end
    local images = math.min(stored(j.images, 0), limits.files_per_train)
    local reply = {'ok', int(now), int(images)}
    for n = 0, images - 1 do reply[#reply + 1] = redis.call('GET', key.image(id, n)) end
    for _, text in ipairs(redis.call('HGETALL', key.job(id))) do reply[#reply + 1] = text end
    local g = j.collection and gallery.read(j.collection)
    local label = g and j.type == 'verify' and people.verified(j, g)
    local more = {label = label or nil, keep_pictures = g and g.keep_pictures or nil}
    for name, value in pairs(more) do reply[#reply + 1], reply[#reply + 2] = name, value end
    return reply
end

-- The attempt may still end with an effect: nil, or what to answer instead.
local function not_open(id, j, attempt, worker_id)
    local answer = job.not_his(j, attempt, worker_id)
    if answer then return answer end
    if j.cancel_requested then
        job.move(id, j, 'cancelled', 'cancel')
        return {'cancelled'}
    end
end

-- Whom the result names was seen. Only a collection that forgets people reads it.
local function note_seen(g, j, result)
    if not g.retention_ms then return end
    local good, said = pcall(cjson.decode, result)
    if not good or type(said) ~= 'table' then return end
    local who = j.type == 'verify' and said.same == true and people.verified(j, g)
    if who and gallery.label_count(g, who) > 0 then gallery.mark_seen(g, who) end
    if j.type ~= 'recognize' or type(said.faces) ~= 'table' then return end
    for _, face in ipairs(said.faces) do
        local label = type(face) == 'table' and face.status == 'known' and people.key_in(face)
        if type(label) == 'string' and gallery.label_count(g, label) > 0 then
            gallery.mark_seen(g, label)
        end
    end
end

-- The types whose result is a text, and of these, which job compared with the faces of a gallery.
worker.answers = {recognize = true, calibrate = true, detect = true, embed = true, verify = true}
function worker.reads_gallery(j)
    return not job.without_collection[j.type] or j.type == 'verify' and j.label ~= nil
end

function worker.complete_recognize(a)
    local id, attempt, worker_id, version = a[1], a[2], a[3], number(a[4], 'version')
    local result, annotated = a[5], a[6]
    local j = job.read(id)
    local answer = not_open(id, j, attempt, worker_id)
    if answer then return answer end
    if not worker.answers[j.type] then refuse('wrong type of job: ' .. j.type) end
    local g = worker.reads_gallery(j) and gallery.read(j.collection) or {version = 0}
    answer = people.verified_another(id, j, g, result)
    if answer then return answer end
    if version < gallery.fence(g, j.min_version) or version > g.version then
        count('old_version')
        return {'old_version', int(g.version)}
    end

    note_seen(g, j, result)
    redis.call('HSET', key.job(id), 'result', people.fill(g, result), 'version', int(version))
    redis.call('HDEL', key.job(id), 'error')
    if annotated ~= '' then
        redis.call('SET', key.annotated(id), annotated)
        redis.call('HSET', key.job(id), 'annotated_bytes', #annotated)
        redis.call('INCRBY', key.of('annotated_bytes'), #annotated)
        redis.call('ZADD', key.queue('annotated'), now, id)
    end
    job.move(id, j, 'succeeded', 'complete')
    return {'succeeded', int(version)}
end

-- Where the faces end: before the word `pictures`, or with the arguments. No id of a face is that.
local function faces_end(a)
    for i = 6, #a, 3 do if a[i] == 'pictures' then return i - 1 end end
    return #a
end

-- Gives the faces their pictures, which stand behind the word as id and JPEG.
local function add_pictures(faces, a, from)
    if (#a - from) % 2 ~= 1 then refuse('pictures must come in pairs of face_id and JPEG') end
    local at = {}
    for _, face in ipairs(faces) do at[face[1]] = face end
    for i = from, #a, 2 do
        local face, picture = at[a[i]], a[i + 1]
        if not face or face[4] then refuse('picture of an unknown face, or a second one') end
        local bytes = plain_bytes(picture)
        if bytes < 1 or bytes > limits.picture_bytes then
            refuse('a picture must be 1 to 32768 bytes')
        end
        face[4] = picture
    end
end

-- The faces of a train as {id, rest, vector, picture or nil}, checked, and the floats of each of
-- their vectors: nil if the vectors are none of one model.
local function trained_faces(id, a)
    local faces, vectors, seen, last = {}, {}, {}, faces_end(a)
    if last < 8 or (last - 5) % 3 ~= 0 or (last - 5) / 3 > limits.files_per_train then
        refuse('faces must be 1 to 16 groups of three')
    end
    for i = 6, last, 3 do
        local face_id = a[i]
        if string.sub(face_id, 1, #id + 1) ~= id .. '-' or seen[face_id] then
            refuse('face_id must be <job id>-<n> and unique')
        end
        if not string.find(a[i + 1], '^{"') then refuse('face_json must be an object') end
        seen[face_id] = true
        faces[#faces + 1] = {face_id, a[i + 1], a[i + 2]}
        vectors[#vectors + 1] = a[i + 2]
    end
    if last < #a then add_pictures(faces, a, last + 2) end
    return faces, floats_of_all(vectors)
end

-- Vectors that a client computed: of the gallery's model, and of the service's in a new gallery.
function worker.other_model(j, g, model, dimension)
    local d = models.defaults()
    if not j.vectors or g.embedding_model or not d then return nil end
    if model ~= d.embedder then return {'model_mismatch', d.embedder} end
    if d.dimension and dimension ~= d.dimension then
        return {'model_mismatch', d.embedder .. ' of ' .. int(d.dimension) .. ' floats'}
    end
end

-- Why a gallery cannot take these faces, or nil.
local function no_place(g, label, faces, model, dimension)
    local answer = gallery.closed(g, model, dimension, 1)
    if answer then return answer end
    if gallery.label_count(g, label) + faces > limits.faces_per_label then return {'label_full'} end
    if g.faces + faces > limits.gallery_faces then return {'gallery_full'} end
end

-- A photo that was taught to this label before is not taught again: who repeats a train without a
-- key gets the face that is there. Returns the faces that are new, and the result with the ids of
-- those that are not.
local function untaught(g, label, faces, result)
    local taught, new = {}, {}
    local ids = gallery.faces_of(g, label)
    local texts = #ids == 0 and {} or
        redis.call('HMGET', key.faces(g.collection, g.epoch, 'faces'), unpack(ids))
    local function photo(text) return text and string.match(text, '"photo":"(%x+)"') end
    for i, text in ipairs(texts) do
        local digest = photo(text)
        if digest then taught[digest] = ids[i] end
    end
    for _, face in ipairs(faces) do
        local digest = photo(face[2])
        local before = digest and taught[digest]
        if before then
            local from, to = string.find(result, '"face_id":"' .. face[1] .. '"', 1, true)
            if from then
                result = string.sub(result, 1, from - 1) .. '"face_id":"' .. before ..
                    '","taught_before":true' .. string.sub(result, to + 1)
            end
        else
            new[#new + 1] = face
            if digest then taught[digest] = face[1] end
        end
    end
    return new, result
end

local function supersede(id, j, result)
    local version = int(gallery.read(j.collection).version)
    redis.call('HSET', key.job(id), 'result', result, 'superseded', 1, 'faces', 0,
        'version', version)
    redis.call('HDEL', key.job(id), 'error')
    job.move(id, j, 'succeeded', 'superseded')
    count('superseded')
    return {'superseded', version}
end

-- Another person got the external id since this train was accepted. The worker is answered as for a
-- cancelled job, which ends the attempt.
function people.refuse_train(id, j)
    redis.call('HSET', key.job(id), 'error', '{"code":"person_exists","detail":' ..
        '"Another person has this external_id, or the person has another one"}')
    job.move(id, j, 'failed', 'permanent')
    return {'cancelled'}
end

function worker.complete_train(a)
    local id, attempt, worker_id, model, result = unpack(a, 1, 5)
    local j = job.read(id)
    local answer = not_open(id, j, attempt, worker_id)
    if answer then return answer end
    if j.type ~= 'train' then refuse('wrong type of job: ' .. j.type) end
    local faces, dimension = trained_faces(id, a)
    if not dimension then return {'malformed', 'vector'} end
    local p = hash_fields(key.job(id), people.job_fields)
    local label, fold = change.replay(j.collection, j.mseq, j.label, p.fold)
    if not label then return supersede(id, j, result) end
    p.fold = fold
    local g = gallery.read(j.collection)
    j.goes_in, label = label, people.goes_in(g, label)
    if people.contradicts(g, label, p) then return people.refuse_train(id, j) end
    faces, result = untaught(g, label, faces, result)
    answer = worker.other_model(j, g, model, dimension) or
        no_place(g, label, #faces, model, dimension)
    if answer then return answer end

    if #faces > 0 then
        gallery.open(g, model, dimension)
        gallery.add(g, label, faces)
    elseif g.retention_ms then
        gallery.mark_seen(g, label)
    end
    if g.exists and gallery.label_count(g, label) > 0 then
        redis.call('HSET', key.job(id), 'person_id', people.trained(g, label, p))
    end
    j.version = int(g.version)
    redis.call('HSET', key.job(id), 'result', result, 'version', j.version, 'faces', #faces)
    redis.call('HDEL', key.job(id), 'error', 'lease_until_ms')
    if label ~= j.label then redis.call('HSET', key.job(id), 'label_stored', label) end
    job.move(id, j, 'publishing', 'complete')
    gallery.settle(j.collection)
    return {redis.call('HGET', key.job(id), 'state'), j.version}
end

-- Ends of an attempt without a result.
local ends = {}

function ends.permanent(id, j, text)
    redis.call('HSET', key.job(id), 'error', text)
    job.move(id, j, 'failed', 'permanent')
    return {'failed'}
end

function ends.retry(id, j, text, delay_ms)
    redis.call('HSET', key.job(id), 'error', text)
    if redis.call('HINCRBY', key.job(id), 'failures', 1) >= limits.failures_max then
        job.move(id, j, 'dead', 'failures')
        return {'dead'}
    end
    redis.call('HDEL', key.job(id), 'lease_until_ms', 'started')
    j.at = now + delay_ms
    job.move(id, j, 'delayed', 'retry')
    return {'delayed', int(j.at)}
end

ends['return'] = function(id, j)
    return {job.give_back(id, j, 'return')}
end

-- The worker lives, the process that decoded for it ended under the attempt: the same loss.
function ends.lost(id, j)
    return {job.lose(id, j, 'decoder_lost', true)}
end

function worker.fail(a)
    local id, attempt, worker_id, kind, text = unpack(a, 1, 5)
    local delay_ms = number(a[6], 'delay_ms')
    local finish_with = ends[kind] or refuse('kind has an unknown value')
    local j = job.read(id)
    return not_open(id, j, attempt, worker_id) or finish_with(id, j, text, delay_ms)
end

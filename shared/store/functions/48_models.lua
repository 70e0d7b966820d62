-- Which detector and which embedder a job needs, which worker has them, and what the service uses
-- where neither the client nor the collection says.

local models = {}
models.older = {hog = true, cnn = true}  -- detectors of a worker that lists none
models.dlib = 'dlib_resnet_v1/'          -- with which the names of dlib's embedders begin
models.of_worker_most = 64
models.again_ms = 3000                   -- until a job that no worker can run is looked at again
models.parked_most = limits.reap_batch   -- of one call
models.data_looked_at = limits.page_size

function models.is_name(text)
    return text and #text <= 64 and string.find(text, '^[%w_./-]+$') and true or false
end

function models.is_dlib(name) return string.sub(name, 1, #models.dlib) == models.dlib end

-- "hog,cnn" as a set, and its names in their order.
function models.names(text)
    local set, list = {}, {}
    for name in string.gmatch(text or '', '[^,]+') do
        if models.is_name(name) and not set[name] then
            set[name] = true
            list[#list + 1] = name
        end
    end
    return set, list
end

-- "name=128,other=256": the floats by the name, and the names in their order.
function models.offered(text)
    local floats, list = {}, {}
    for name, dimension in string.gmatch(text or '', '([^,=]+)=(%d+)') do
        if models.is_name(name) and embedding_dimensions[tonumber(dimension)] and
            not floats[name] then
            floats[name] = tonumber(dimension)
            list[#list + 1] = name
        end
    end
    return floats, list
end

-- The arguments of register, which are texts of the same form. Wrong ones are a bug of the caller.
function models.checked(detectors, embedders)
    local set, names = models.names(detectors)
    local floats, offered = models.offered(embedders)
    if #names == 0 or table.concat(names, ',') ~= detectors or #names > models.of_worker_most then
        refuse('detectors must be names, separated by commas')
    end
    local again = {}
    for i, name in ipairs(offered) do again[i] = name .. '=' .. int(floats[name]) end
    if #again == 0 or table.concat(again, ',') ~= embedders or #again > models.of_worker_most then
        refuse('embedders must be name=dimension, separated by commas')
    end
    return set, floats, offered
end

-- What the service uses by default, or nil: not decided, or damaged, and then decided again.
function models.defaults()
    local d = hash_fields(key.of('defaults'), {'detector', 'embedder', 'dimension'})
    if not models.is_name(d.detector) or not models.is_name(d.embedder) then return nil end
    d.dimension = stored(d.dimension)
    return d
end

function models.store_defaults(detector, embedder, dimension)
    local of = key.of('defaults')
    redis.call('HSET', of, 'detector', detector, 'embedder', embedder)
    redis.call('HDEL', of, 'undecided', 'dimension')
    if dimension then redis.call('HSET', of, 'dimension', int(dimension)) end
end

-- Data without a layout yet: what the first worker proposes holds, whatever jobs come before it.
function models.note_new_data() redis.call('HSET', key.of('defaults'), 'undecided', 1) end

-- Whether the data are of an older service, and the model of one of its galleries that is dlib's.
function models.of_older_service()
    if redis.call('HEXISTS', key.of('defaults'), 'undecided') == 1 then return false end
    local used = redis.call('ZCARD', key.queue('all')) > 0 or integer_at(key.of('collected')) > 0
    local names = redis.call('ZRANGE', key.of('collections'), 0, models.data_looked_at - 1)
    for _, name in ipairs(names) do
        local model = present(redis.call('HGET', key.gallery(name), 'embedding_model'))
        if model and models.is_name(model) and models.is_dlib(model) then return true, model end
        used = used or model
    end
    return used and true or false
end

-- The defaults, by what a worker proposes if there are none. An older service keeps what it has
-- used; the first of the worker's embedders that is dlib's is the kind that its settings name.
function models.decide(detectors, floats, offered, detector, embedder)
    local there = models.defaults()
    if there then return there, false end
    local older, model = models.of_older_service()
    if older then
        detector = detectors.hog and 'hog' or detector
        if model then embedder = model end
        for _, name in ipairs(offered) do
            if not model and models.is_dlib(name) then model, embedder = name, name end
        end
    end
    if redis.call('EXISTS', key.of('defaults')) == 1 and
        redis.call('HEXISTS', key.of('defaults'), 'undecided') == 0 then damage.note() end
    models.store_defaults(detector, embedder,
        floats[embedder] or models.is_dlib(embedder) and limits.embedding_dimension_default)
    return models.defaults(), true
end

-- Words of what a worker announced (its types) that workers of minor 9 and older lack.
models.announced = {detect = true, embed = true, verify = true, vectors = true}

-- What a worker has. One of an older version says the dimension of its one embedder at most.
function models.of_worker(id)
    local w = hash_fields(key.worker(id), {'detectors', 'embedders', 'dimension', 'types'})
    local has = {lists = w.embedders ~= nil, says_dimension = w.dimension ~= nil}
    has.types = models.names(w.types)
    has.dimension = stored(w.dimension, limits.embedding_dimension_default)
    has.detectors = has.lists and models.names(w.detectors) or models.older
    has.embedders = has.lists and models.offered(w.embedders) or {}
    return has
end

-- What one call knows, each read once: its worker, all workers, the defaults and galleries.
function models.view(worker)
    return {worker = models.of_worker(worker), galleries = {}, defaults = models.defaults() or {},
            missing = {}, passed = 0, parked = 0}
end

function models.gallery_of(view, collection)
    local g = view.galleries[collection]
    if not g then
        g = hash_fields(key.gallery(collection), {'embedding_model', 'dimension'})
        g.dimension = stored(g.dimension, limits.embedding_dimension_default)
        view.galleries[collection] = g
    end
    return g
end

-- What a job needs: detector and embedder ('': none, or any), the floats of its faces, and whether
-- the default of the service decided on the detector, on the embedder; and the word that its worker
-- must have announced, if any. A calibrate reads the stored faces only; a reembed brings an embedder
-- of its own and takes any detector; a detect needs no embedder, given vectors need no detector.
function models.need_of(view, id, j)
    local g = models.gallery_of(view, j.collection)
    local need = {detector = '', embedder = '', dimension = g.dimension}
    need.word = j.vectors and 'vectors' or models.announced[j.type] and j.type or nil
    if j.type == 'calibrate' then return need end
    if j.type == 'reembed' then
        need.embedder = redis.call('HGET', key.job(id), 'embedder') or ''
        return need
    end
    local asked = not j.detector_default and job.detector_of(id, j) or ''
    need.by_default = asked == '' and not j.vectors
    if not j.vectors then
        need.detector = asked ~= '' and asked or view.defaults.detector or 'hog'
    end
    if j.type == 'detect' then return need end
    if job.without_collection[j.type] then
        local embedder = redis.call('HGET', key.job(id), 'embedder_asked')
        if embedder then
            need.embedder = embedder
            return need
        end
    end
    need.new = not g.embedding_model
    need.embedder = g.embedding_model or view.defaults.embedder or ''
    if need.new and view.defaults.dimension then need.dimension = view.defaults.dimension end
    return need
end

-- What this worker lacks of it, or nil.
function models.lacks(has, need)
    if need.word and not has.types[need.word] then return need.word end
    if need.detector ~= '' and not has.detectors[need.detector] then return need.detector end
    if has.lists then
        if need.embedder ~= '' and not has.embedders[need.embedder] then return need.embedder end
    elseif need.embedder == '' then  -- it reads faces
        local reads = has.says_dimension or need.dimension == limits.embedding_dimension_default
        if not reads then return int(need.dimension) .. ' floats' end
    elseif need.dimension ~= has.dimension or need.new and not models.is_dlib(need.embedder) then
        return need.embedder
    end
end

-- What no registered worker has of it, or nil: one can run it.
function models.nobody_has(view, need)
    if not view.all then
        view.all = {}
        for _, id in ipairs(redis.call('ZRANGE', key.of('workers'), 0, -1)) do
            view.all[#view.all + 1] = models.of_worker(id)
        end
    end
    local which = need.detector .. ' ' .. need.embedder .. ' ' .. int(need.dimension) .. ' ' ..
        (need.word or '')
    if view.missing[which] ~= nil then return view.missing[which] or nil end
    -- The first thing that it needs and nobody has, or, if each is somewhere, the last one.
    local order = {[need.embedder] = 3, [need.detector] = 2, [need.word or ''] = 1}
    local missing = need.word or need.detector ~= '' and need.detector or need.embedder
    for _, has in ipairs(view.all) do
        local lacked = models.lacks(has, need)
        if not lacked then
            missing = false
            break
        end
        if (order[lacked] or 3) > (order[missing] or 3) then missing = lacked end
    end
    view.missing[which] = missing
    return missing or nil
end

-- A waiting job that no worker can run makes room for those behind it.
function models.park(view, id, j, model)
    j.at, j.waits_for = now + models.again_ms, model
    redis.call('HSET', key.job(id), 'waits_for', model)
    job.move(id, j, 'delayed', 'no_model')
end

-- Whether the worker of this call runs the job; what nobody has, if it is to be parked for that; and
-- its detector.
function models.suits(view, id, j)
    local need = models.need_of(view, id, j)
    if not models.lacks(view.worker, need) then return true, nil, need.detector end
    local missing = view.parked < models.parked_most and models.nobody_has(view, need) or nil
    if missing then view.parked = view.parked + 1 end
    return false, missing, need.detector
end

-- The models of an attempt that begins, so that its worker and whoever reads the job know them.
function models.settle(view, id, j)
    local need = models.need_of(view, id, j)
    redis.call('HSET', key.job(id), 'detector', need.detector, 'embedder', need.embedder)
    if need.by_default then redis.call('HSET', key.job(id), 'detector_default', 1) end
end

-- A parked job whose time is over: true if some worker can run it, else it is parked again.
function models.may_wake(view, id, j)
    local missing = models.nobody_has(view, models.need_of(view, id, j))
    if not missing then return true end
    redis.call('ZADD', key.queue('delayed'), 'XX', int(now + models.again_ms), id)
    if missing ~= j.waits_for then
        hold('models', j.waits_for, -1)
        hold('models', missing, 1)
        redis.call('HSET', key.job(id), 'waits_for', missing)
    end
    return false
end

-- The jobs that wait for a model that no worker has, in all and by the model.
function models.stats(say)
    local waiting, names = 0, {}
    local found = redis.call('HSCAN', key.held('models'), '0', 'COUNT', limits.page_size)[2]
    for i = 1, #found, 2 do
        waiting = waiting + stored(found[i + 1], 0)
        if models.is_name(found[i]) then names[#names + 1] = {found[i], stored(found[i + 1], 0)} end
    end
    say('waiting_for_model', waiting)
    table.sort(names, function(one, other) return one[1] < other[1] end)
    for i = 1, math.min(#names, models.of_worker_most) do
        say('waiting_for:' .. names[i][1], names[i][2])
    end
end

function models.show()
    local d = models.defaults()
    if not d then return {'ok', '', '', '0'} end
    return {'ok', d.detector, d.embedder, int(d.dimension or 0)}
end

-- a: detector, embedder ('': as it is), by, force. Without the word `force` some worker has to have
-- both.
function models.set(a)
    local there = models.defaults() or {}
    local detector = a[1] ~= '' and a[1] or there.detector or 'hog'
    local embedder = a[2] ~= '' and a[2] or there.embedder or ''
    local who, from = given_by(a[3])
    if not models.is_name(detector) then refuse('detector must be a name') end
    if embedder == '' then return {'undecided'} end
    if not models.is_name(embedder) then refuse('embedder must be a name') end
    local view = {missing = {}}
    local dimension = embedder == there.embedder and there.dimension or
        models.is_dlib(embedder) and limits.embedding_dimension_default
    for _, id in ipairs(redis.call('ZRANGE', key.of('workers'), 0, -1)) do
        dimension = models.of_worker(id).embedders[embedder] or dimension
    end
    local missing = a[4] ~= 'force' and models.nobody_has(view, {detector = detector,
        embedder = embedder, new = true,
        dimension = dimension or limits.embedding_dimension_default})
    if missing then return {'unknown', missing} end
    models.store_defaults(detector, embedder, dimension)
    if detector ~= there.detector or embedder ~= there.embedder then
        audit(who, from, 'models', '', '', detector .. ' ' .. embedder)
    end
    return {'ok', detector, embedder, int(dimension or 0)}
end

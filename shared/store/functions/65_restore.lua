-- Faces of an export, put into a collection. What is there already is left alone, so that a restore
-- may be repeated, or go on where it ended. And faces that are there plain, sealed in their place.

local restore = {}

-- Who restores, and the hash of each label: behind the faces as the word by=WHO, then label and
-- hash, m times. No id of a face has a "=". Answers the number of words that are faces, too.
local function restored_by(a)
    local hashes = {}
    for i = 3, #a, 4 do
        local who = string.match(a[i], '^by=(.*)$')
        if who then
            for n = i + 1, #a - 1, 2 do hashes[a[n]] = a[n + 1] end
            return i - 1, who, hashes
        end
    end
    return #a, '', hashes
end

-- {{id, label, text, vector}, ...}; the text is that of the key faces. And the floats of each
-- vector: nil if the vectors are none of one model.
local function exported_faces(a, last)
    local faces, vectors = {}, {}
    if last < 6 or (last - 2) % 4 ~= 0 or (last - 2) / 4 > limits.page_size then
        refuse('faces must come in groups of four')
    end
    for i = 3, last, 4 do
        local face = {a[i], people.checked_key(a[i + 1]), a[i + 2], a[i + 3]}
        if #face[1] < 1 or #face[1] > 64 or string.find(face[1], '[^%w-]') then
            refuse('face_id must be 1 to 64 letters, digits and -')
        end
        local begin = json_label(face[2])
        if string.sub(face[3], 1, #begin) ~= begin then
            refuse('face_json must begin with the label')
        end
        faces[#faces + 1] = face
        vectors[#vectors + 1] = face[4]
    end
    return faces, floats_of_all(vectors)
end

-- The faces that are not there, by label, in the order in which they came.
local function new_faces(g, faces)
    local labels, of, seen, n = {}, {}, {}, 0
    for _, face in ipairs(faces) do
        local id, label = face[1], face[2]
        local known = seen[id] or g.exists and
            redis.call('HEXISTS', key.faces(g.collection, g.epoch, 'faces'), id) == 1
        if not known then
            seen[id] = true
            if not of[label] then
                labels[#labels + 1], of[label] = label, {}
            end
            table.insert(of[label], {id, face_rest(label, face[3]), face[4]})
            n = n + 1
        end
    end
    return labels, of, n
end

-- The faces leave for a file; said before the first of them is read.
function restore.export(a)
    local collection = collection_name(a[1])
    local g = gallery.read(collection)
    if g.faces == 0 then return {'not_found'} end
    audit(a[2], '', 'export', collection, '', '')
    return {'ok'}
end

function restore.run(a)
    local collection, model = collection_name(a[1]), a[2]
    if #model < 1 or #model > 200 or string.find(model, '%c') then
        refuse('model must be 1 to 200 bytes without control characters')
    end
    local last, who, hashes = restored_by(a)
    local faces, dimension = exported_faces(a, last)
    if not dimension then return {'malformed', 'vector'} end
    local g = gallery.read(collection)
    local labels, of, n = new_faces(g, faces)
    local answer = gallery.closed(g, model, dimension, #labels)
    if answer then return answer end
    if g.faces + n > limits.gallery_faces then return {'gallery_full'} end
    for _, label in ipairs(labels) do
        if gallery.label_count(g, label) + #of[label] > limits.faces_per_label then
            return {'label_full', label}
        end
    end
    if n > 0 then gallery.open(g, model, dimension) end
    for _, label in ipairs(labels) do
        gallery.add(g, label, of[label])
        people.trained(g, label, {})
        audit(who, '', 'restore', collection, hashes[label] or '', '')
    end
    return {'ok', int(g.version), int(n), int(#faces - n)}
end

-- The people of an export, after their faces: key, id, created_ms, fold, data, external, each '' if
-- there is none. What an earlier call or a train brought stays. `taken`: how many got another id, or
-- no external id, because somebody has it.
function restore.people(a)
    local g, n, taken = gallery.read(collection_name(a[1])), 0, 0
    if #a > 1 + 6 * people.a_call or (#a - 1) % 6 ~= 0 then
        refuse('people must come in groups of six')
    end
    for i = 2, #a, 6 do
        people.checked_key(a[i])
        if not people.is_id(a[i + 1]) then refuse('person_id has other characters') end
    end
    for i = 2, #a, 6 do
        local label, r = a[i], people.record(g, a[i])
        if r and gallery.label_count(g, label) > 0 then
            n = n + 1
            local said = {id = a[i + 1], created_ms = a[i + 2], fold = a[i + 3], data = a[i + 4],
                          external = a[i + 5]}
            local other = people.key_of(g, said.id)
            if other and other ~= label or people.other_with(g, said.external, label) then
                taken = taken + 1
            else
                people.drop(g, label)
                r.id, r.created_ms = said.id, stored(said.created_ms) and said.created_ms or r.created_ms
                r.fold = r.fold or said.fold ~= '' and said.fold or nil
                if not r.data and said.data ~= '' then
                    r.data = said.data
                    r.external = said.external ~= '' and said.external or nil
                end
                people.put(g, label, r)
            end
        end
    end
    return {'ok', int(n), int(taken)}
end

-- Triplets of part, face_id and the sealed bytes. A face's vector and picture never change, so what
-- is there as long, plain or sealed in an older way, is what was sealed.
function restore.seal(a)
    local g, epoch, n = gallery.read(collection_name(a[1])), number(a[2], 'epoch'), 0
    if #a > 2 + 3 * limits.page_size or (#a - 2) % 3 ~= 0 then
        refuse('values must come in groups of three')
    end
    for i = 3, #a, 3 do
        one_of(a[i], {vectors = true, pictures = true}, 'part')
        if not is_sealed(a[i + 2]) then refuse('a value is not sealed') end
    end
    if not g.exists or g.epoch ~= epoch then return {'ok', '0'} end
    for i = 3, #a, 3 do
        local where, id, sealed = key.faces(g.collection, epoch, a[i]), a[i + 1], a[i + 2]
        local there = redis.call('HGET', where, id)
        local more = there and is_sealed(there) and 0 or limits.sealed_extra_bytes
        if there and there ~= sealed and #sealed == #there + more then
            redis.call('HSET', where, id, sealed)
            n = n + 1
        end
    end
    return {'ok', int(n)}
end

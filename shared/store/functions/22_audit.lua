-- Who changed what: one entry for each change of a gallery, a job or a key that took effect,
-- written in the same call as the change. No photo, no vector, and no name: a hash of it under a
-- secret that is not in Redis, so the caller gives it.

local audits_kept = 100000

-- A client is given as "<client>[ <address>[ <hash of label>[ <hash of label_to>[ <hosts>]]]]"; all
-- but the first may be empty. hosts: from which photos of the job were fetched, between commas.
local function given_by(text)
    local who, from, hash, hash_to, hosts =
        string.match(text, '^(%S*) ?(%S*) ?(%S*) ?(%S*) ?(%S*)$')
    for _, one in ipairs({hash or '-', hash_to}) do
        if one ~= '' and (#one ~= 64 or string.find(one, '%X')) then
            refuse('client has a hash that is not 64 hexadecimal digits')
        end
    end
    return who, from, hash, hash_to, hosts
end

local function audit(who, from, what, collection, label_hash, about, label_to_hash, person,
                     hosts)
    local more = {}
    local function add(name, value)
        if (value or '') ~= '' then more[#more + 1], more[#more + 2] = name, value end
    end
    add('label_to', label_to_hash)
    add('person', person)
    add('hosts', hosts)
    append_entry(key.of('audit'), audits_kept, 'who', who, 'from', from, 'what', what,
        'collection', collection, 'label', label_hash, 'about', about, unpack(more))
end

-- Of a job that is there. by: as given_by() takes it; its hash counts if the job is about nobody.
local function audit_job(id, j, by, what)
    local who, from, given = given_by(by or '')
    local hash = redis.call('HGET', key.job(id), 'label_hash') or ''
    audit(who, from, what, j.collection, hash ~= '' and hash or given, id)
end

-- What the append-only file still has of what was removed: a rewrite that began later has nothing
-- of it. How many had begun by then is noted with each removal; each process of Redis counts anew.

local removal = {}

function removal.note()
    local run_id = string.match(redis.call('INFO', 'server'), '\nrun_id:(%x+)')
    local rewrites = string.match(redis.call('INFO', 'persistence'), '\naof_rewrites:(%d+)')
    redis.call('HSET', key.of('removals'), 'run_id', run_id, 'rewrites', rewrites or 0, 'at_ms',
        now)
end

-- "faces", "vectors", "pictures" that were there, as the job of a removal tells it.
function removal.text(n)
    return '{"faces":' .. int(n.faces) .. ',"vectors":' .. int(n.vectors) .. ',"pictures":' ..
        int(n.pictures) .. '}'
end

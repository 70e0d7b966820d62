-- Names of keys. No other file joins a prefix and a name, so this is the whole layout.

local key = {}

function key.of(name) return P .. name end
function key.queue(name) return P .. 'queue:' .. name end
function key.pending(priority) return P .. 'queue:pending:' .. priority end

function key.job(id) return P .. 'job:' .. id end
function key.image(id, n) return P .. 'job:' .. id .. ':image:' .. int(n) end
function key.annotated(id) return P .. 'job:' .. id .. ':annotated' end

function key.idempotency(hash) return P .. 'idempotency:' .. hash end
-- what: jobs, bytes, keys, models
function key.held(what) return P .. 'held:' .. what end

function key.access(id) return P .. 'key:' .. id end
function key.quota(id) return P .. 'quota:' .. id end

function key.user(name) return P .. 'user:' .. name end
function key.session(hash) return P .. 'session:' .. hash end
function key.sessions(name) return P .. 'sessions:' .. name end
-- kind: name, address. The members of the index `tries` are "<kind>:<which>".
function key.tries(kind, which) return P .. 'tries:' .. kind .. ':' .. which end

function key.worker(worker) return P .. 'worker:' .. worker end
function key.worker_running(worker) return P .. 'worker:' .. worker .. ':running' end

-- part: changes, changes_from, open, awaited, publishing
function key.gallery(collection, part)
    return P .. 'gallery:' .. collection .. (part and ':' .. part or '')
end

-- part: vectors, faces, labels, by_label, log, pictures, seen, staged, and those of 35_people.lua
function key.faces(collection, epoch, part)
    return P .. 'gallery:' .. collection .. ':' .. int(epoch) .. ':' .. part
end

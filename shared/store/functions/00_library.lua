#!lua name=vultus1
-- The state machine of Vultus inside Redis: every change of a job, a gallery or a worker is one
-- call of one function of this library. shared/REDIS.md says what each means; the files of this
-- folder are joined in the order of their names. This one holds what all the others stand on:
-- limits, the context of a call, numbers as text.

local library = {major = 1, minor = 10}

-- The same numbers as in shared/base/limits.hpp; a test compares them.
local limits = {
    files_per_train = 16,
    failures_max = 5,
    crashes_max = 3,
    reap_batch = 100,
    collect_batch = 200,
    jobs_per_message = 64,
    page_size = 1000,
    collections = 10000,
    gallery_faces = 1000000,
    faces_per_label = 1000,
    embedding_dimension_default = 128,
    picture_bytes = 32768,
    workers = 1024,
    idempotency_keys = 1000000,
    access_keys = 1000,
    users = 1000,
    clock_error = 1000,
    sealed_extra_bytes = 44,
}

local embedding_dimensions = {[128] = true, [256] = true, [512] = true}
local log_entries = 100000      -- of one gallery; a worker that is further behind loads a snapshot
local changes_kept = 1000       -- of one collection, while a train is open
local events_kept = 100000
local idempotency_ms = 24 * 3600 * 1000
local epoch_size = 1000000000   -- version = epoch * epoch_size + seq
local epochs_max = 9000000      -- so every version is below 2^53: exact in a double and in JSON
local last_seq = epoch_size - 1 - limits.gallery_faces  -- of an add; then only removals
local bulk_turn = 8             -- every 8th leased job comes from bulk
local memory_share = 0.9        -- accept refuses beyond this part of maxmemory
local memory_share_of_trains = 0.85
local scarce_from = 0.75        -- shares count from this part of what there is

-- Set for each call by 90_register.lua; Redis runs one call at a time.
local P    -- prefix of every key, for instance "vultus:{0}:"
local now  -- ms by the clock of Redis, constant during a call

-- tostring() of Lua turns 1e14 into "1e+14"; a version may be that large.
local function int(number) return string.format('%.0f', number) end

-- A wrong argument is a bug of the caller, so it is an error and not a status word.
local function refuse(what) error({err = 'ERR vultus: ' .. what}) end

local function number(text, name)
    if not string.find(text or '', '^%d+$') then refuse(name .. ' must be a number') end
    return tonumber(text)
end

local function one_of(text, words, name)
    if not words[text] then refuse(name .. ' has an unknown value') end
    return text
end

local function collection_name(text)
    if #text > 64 or not string.find(text, '^%w[%w_-]*$') then
        refuse('collection must be a collection name')
    end
    return text
end

-- The form is in shared/security/sealing.hpp; the functions cannot read the content.
local function is_sealed(text) return string.sub(text, 1, 4) == 'VS\255\255' end

-- Size of the plain value, sealed or not.
local function plain_bytes(text)
    return is_sealed(text) and #text - limits.sealed_extra_bytes or #text
end

-- Floats of a vector, plain or sealed; nil if no model has so many.
local function floats_of(vector)
    local floats = plain_bytes(vector) / 4
    return embedding_dimensions[floats] and floats
end

-- Floats of each of these vectors; nil if no model has so many, or they differ.
local function floats_of_all(vectors)
    local floats = floats_of(vectors[1])
    for _, vector in ipairs(vectors) do
        if floats_of(vector) ~= floats then return nil end
    end
    return floats
end

local function label_text(text)
    if #text < 1 or #text > 200 or string.find(text, '%c') then
        refuse('label must be 1 to 200 bytes without control characters')
    end
    return text
end

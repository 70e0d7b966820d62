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

-- The time of the service. Redis has only the wall clock of its host, which can jump; a broker also
-- measures the time since the last reply (CLOCK_BOOTTIME). So the time of all
-- functions is that of the wall clock plus an offset, which takes up every jump that a broker
-- notices: what was written before goes on as if nothing had happened, and nothing is written into
-- the future. shared/REDIS.md, "Time", has the rules and the reasons.

local clock = {}
clock.jump_ms = 5000                        -- less may be a call that waited for the disk
clock.held_after_ms = 10 * 60 * 1000        -- after the last sweep; then calls wait for the next
clock.gap_max_ms = 3 * 24 * 3600 * 1000     -- that Redis and the brokers may have been off together
clock.slew_max_ms = 3600 * 1000             -- a jump up to this is made up for by itself
clock.slew_part = 10                        -- by a tenth of what passes
clock.quiet_ms = 3600 * 1000                -- after a gap of unknown length, nothing is erased
clock.sweep_lag_ms = 5000                   -- what ended since the last sweep ends with the next
clock.settle_ms = 10000                     -- after it brokers expect what an operator accepted
clock.keep_every_ms = 10000                 -- the last time is written to the file so often
clock.marks_ahead_ms = 60000                -- of `workers` and `retention`, at most

-- last_ms: of the last sweep; kept_ms: of the last one in the file. since_ms: the jump waits for an
-- operator. unsure: it was found after a time without sweeps. quiet_until_ms, settled_ms: see above.
-- leap_*: time went forward by ms at the moment `at`, which marks from `seen` to `at`, and
-- deadlines of jobs that were made from `jobs` to `at`, do not have behind them.
clock.fields = {
    'last_ms', 'offset_ms', 'since_ms', 'unsure', 'quiet_until_ms', 'settled_ms', 'leap_ms',
    'leap_at_ms', 'leap_seen_ms', 'leap_jobs_ms', 'kept_ms',
}

local c  -- of this call: the fields as numbers, absent ones 0; wall_ms: by the clock of the host

-- Data of a version that kept no `clock` have no sweep to compare the clock of the host with. What
-- was written last takes its place: the newest event, and the marks that every process writes again
-- while it runs. A mark ahead of the clock of the host says only that one of both is wrong: 0.
function clock.newest_mark()
    local event = redis.call('XREVRANGE', P .. 'events', '+', '-', 'COUNT', 1)[1]
    local at = event and stored(string.match(event[1], '^%d+'), 0) or 0
    for _, index in ipairs({'workers', 'retention'}) do
        local score = redis.call('ZRANGE', P .. index, 0, 0, 'REV', 'WITHSCORES')[2]
        at = math.max(at, stored(score, 0) - clock.marks_ahead_ms)
    end
    return at <= c.wall_ms and at or 0
end

function clock.begin()
    local time = redis.call('TIME')
    local there = hash_fields(P .. 'clock', clock.fields)
    c = {wall_ms = time[1] * 1000 + math.floor(time[2] / 1000)}
    for _, name in ipairs(clock.fields) do c[name] = stored(there[name], 0) end
    if string.sub(there.offset_ms or '', 1, 1) == '-' then
        c.offset_ms = -stored(string.sub(there.offset_ms, 2), 0)
    end
    if c.last_ms == 0 then c.last_ms = clock.newest_mark() end
    now = c.wall_ms + c.offset_ms
    if c.last_ms > 0 and (now < c.last_ms or now > c.last_ms + clock.held_after_ms) then
        now = c.last_ms
    end
end

-- The time that has passed for sure. Whatever ends or goes because of its age is compared with it.
function clock.passed()
    if c.last_ms == 0 then return now end
    if now < c.quiet_until_ms then return math.min(now, c.leap_at_ms) end
    return math.min(now, c.last_ms + clock.sweep_lag_ms)
end

-- Whether people, results and photos may go because of their age.
function clock.may_erase() return c.since_ms == 0 and now >= c.quiet_until_ms end

-- By how much a mark is older than it looks, as time went forward after it was made.
function clock.leaped(mark_ms, from)
    return c.leap_ms > 0 and mark_ms >= from and mark_ms <= c.leap_at_ms and c.leap_ms or 0
end
function clock.mark_leaped(mark_ms) return clock.leaped(mark_ms, c.leap_seen_ms) end
function clock.job_leaped(made_ms) return clock.leaped(made_ms, c.leap_jobs_ms) end
function clock.leap_end_ms() return c.leap_at_ms + c.leap_ms end

function clock.write(names)
    local words = {}
    for _, name in ipairs(names) do
        words[#words + 1], words[#words + 2] = name, int(c[name])
    end
    redis.call('HSET', P .. 'clock', unpack(words))
end

-- Time continues from `from` at `to`; after a gap of unknown length nothing is erased for a while.
function clock.leap(from, to, measured)
    c.leap_at_ms, c.leap_ms, c.leap_seen_ms, c.leap_jobs_ms = from, to - from, from, from
    if not measured then c.quiet_until_ms = to + clock.quiet_ms end
end

-- The clock of the host moved by `by` against the boot clock, or may have moved.
function clock.take_up(by, unsure)
    c.offset_ms = c.offset_ms - by
    if c.quiet_until_ms > 0 and c.leap_ms > 0 and
        math.abs(c.offset_ms - c.leap_ms) <= clock.slew_max_ms then  -- no broker had been off
        c.offset_ms, c.leap_ms, c.quiet_until_ms = 0, 0, 0
    end
    if math.abs(c.offset_ms) <= limits.clock_error then c.offset_ms = 0 end
    if unsure then c.unsure = 1 end
    local ahead_ms = -c.offset_ms
    if c.unsure == 1 and ahead_ms > 0 and ahead_ms <= clock.gap_max_ms then
        local from = c.wall_ms + c.offset_ms
        c.offset_ms = 0
        clock.leap(from, c.wall_ms, false)
    end
    if math.abs(c.offset_ms) <= clock.slew_max_ms then
        c.since_ms, c.unsure = 0, 0
    elseif c.since_ms == 0 then
        c.since_ms = c.wall_ms + c.offset_ms
    end
end

function clock.slew(elapsed_ms)
    if c.offset_ms == 0 or c.since_ms > 0 or elapsed_ms <= 0 then return end
    local step = math.min(math.abs(c.offset_ms), math.ceil(elapsed_ms / clock.slew_part))
    c.offset_ms = c.offset_ms - (c.offset_ms > 0 and step or -step)
end

-- A broker sends the time that it expects, 0 if unknown. Sets the time of this call; true if the
-- clock of the host had moved, or time leaped: then nothing lapses for a while.
function clock.sweep(expected_ms)
    local last, offset_before = c.last_ms, c.offset_ms
    local t, moved = c.wall_ms + c.offset_ms, false
    if expected_ms > 0 and t >= c.settled_ms then
        local by = math.abs(t - expected_ms)
        moved = by > limits.clock_error
        if by > clock.jump_ms then
            clock.take_up(t - expected_ms, false)
        elseif last > 0 and t - last > clock.held_after_ms then
            moved = true  -- leases were renewed by a time that stood still
            clock.leap(last, t, true)
        end
    elseif last > 0 and (t < last or t - last > clock.gap_max_ms) then
        moved = true
        -- Over a restart of Redis the file has the last time of a few seconds before its last marks.
        clock.take_up(t - last - (t > last and clock.keep_every_ms or 0), true)
    elseif last > 0 and t - last > clock.held_after_ms then
        moved = true
        clock.leap(last, t, false)
    end
    if not moved then clock.slew(last > 0 and t - last or 0) end
    now = c.wall_ms + c.offset_ms
    c.last_ms = now
    if moved or c.offset_ms ~= offset_before and c.offset_ms == 0 or
        math.abs(now - c.kept_ms) >= clock.keep_every_ms then
        c.kept_ms = now
        clock.write(clock.fields)
    else  -- neither kept nor replicated: an idle service writes nothing to the disk for it
        redis.unkept(function() clock.write({'last_ms', 'offset_ms'}) end)
    end
    return moved
end

-- Marks that were written before a clock went back. `index` is a sorted set, of times that lie at
-- most ahead_ms ahead.
function clock.repair(index, ahead_ms, most)
    local latest = now + ahead_ms
    local ids = redis.call('ZRANGEBYSCORE', index, '(' .. int(latest + clock.sweep_lag_ms), '+inf',
        'LIMIT', 0, most)
    for _, id in ipairs(ids) do
        redis.call('ZADD', index, int(latest), id)
        damage.note()
    end
end

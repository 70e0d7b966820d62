-- The clock for an operator: read it, confirm a jump.

-- The operator confirms that the clock of the host is right.
function clock.accept(a)
    local who, from = given_by(a[1])
    local was = c.wall_ms + c.offset_ms
    local since = c.since_ms > 0 and c.since_ms or was
    if c.wall_ms > was then
        clock.leap(was, c.wall_ms, true)
        c.leap_jobs_ms, c.leap_seen_ms = 0, since
    end
    c.offset_ms, c.since_ms, c.unsure, c.quiet_until_ms = 0, 0, 0, 0
    c.last_ms, c.kept_ms = c.wall_ms, c.wall_ms
    c.settled_ms = c.wall_ms + clock.settle_ms
    clock.write(clock.fields)
    now = c.wall_ms
    audit(who, from, 'clock', '', '', int(c.wall_ms - was) .. ' ms')
    return {'ok', int(c.wall_ms), int(c.wall_ms - was)}
end

function clock.state()
    if c.since_ms > 0 then return 'suspicious' end
    if now < c.quiet_until_ms then return 'quiet' end
    return c.offset_ms ~= 0 and 'slewing' or 'steady'
end

function clock.show()
    return {'ok', int(now), int(c.wall_ms), clock.state(), int(c.offset_ms), int(c.since_ms),
            int(now < c.quiet_until_ms and c.quiet_until_ms or 0), int(c.last_ms)}
end

function clock.check(problem)
    if c.since_ms > 0 then
        problem('clock of the Redis host jumped by ' .. int(-c.offset_ms) ..
            ' ms: nothing is erased by age until `vultusctl clock accept`')
    end
end

function clock.stats(say)
    say('clock_suspicious_ms', c.since_ms)
    say('clock_quiet_until_ms', now < c.quiet_until_ms and c.quiet_until_ms or 0)
    say('clock_off_ms', math.abs(c.offset_ms))
end

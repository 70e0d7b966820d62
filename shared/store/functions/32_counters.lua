-- Numbers that must never come twice, whatever damage has left of their counters: epochs of
-- galleries, the order of trains and changes, and the number of changes of keys and users.

-- Calls look(epoch) for each epoch that a key shows: by its name, or by a version stored in it.
function gallery.each_epoch(name, look)
    local rest = string.gsub(string.sub(name, #P + 1), '^damaged:', '')
    local aside = #rest < #name - #P
    local function version(text) look(math.floor(stored(text, 0) / epoch_size)) end
    local function fields(names)
        for _, text in pairs(hash_fields(name, names)) do version(text) end
    end
    local epoch = string.match(rest, '^gallery:[^:]+:(%d+):')
    if epoch then return look(tonumber(epoch)) end
    if aside then return end  -- of another type than its name says
    if string.find(rest, '^gallery:[^:]+$') then
        look(stored(redis.call('HGET', name, 'epoch'), 0))
        fields({'removed_version', 'deleted'})
    elseif string.find(rest, '^gallery:[^:]+:publishing$') then
        version(redis.call('ZREVRANGE', name, 0, 0, 'WITHSCORES')[2])
    elseif string.find(rest, '^job:[^:]+$') then
        fields({'version', 'min_version'})
    elseif string.find(rest, '^worker:') and not string.find(rest, ':running$') then
        local holdings = redis.call('HGETALL', name)
        for i = 1, #holdings, 2 do
            if string.find(holdings[i], '^gallery:') then version(holdings[i + 1]) end
        end
    end
end

-- The largest epoch that any key shows. Looks at every key, which no other function does; Redis
-- itself passes over those that can show none.
function gallery.shown_epoch()
    local top, cursor = 0, '0'
    local function look(epoch)
        if epoch <= epochs_max then top = math.max(top, epoch) end
    end
    repeat  -- damaged, gallery, job, worker
        local reply = redis.call('SCAN', cursor, 'MATCH', P .. '[dgjw]*', 'COUNT', limits.page_size)
        for _, name in ipairs(reply[2]) do gallery.each_epoch(name, look) end
        cursor = reply[1]
    until cursor == '0'
    return top
end

function gallery.store_epoch(epoch)
    redis.call('SET', key.of('epochs'), int(epoch))
    redis.call('SET', key.of('epochs_taken'), int(epoch))
end

-- The last epoch that was taken. Two counters hold it, so if one is damaged the other, or the larger,
-- is right; data of older versions have one. If neither is a number above 0, these data are new, or
-- both are damaged: then the largest epoch that anything shows counts.
function gallery.last_epoch()
    local texts = {redis.call('GET', key.of('epochs')), redis.call('GET', key.of('epochs_taken'))}
    local top = 0
    for i = 1, 2 do
        local one = stored(texts[i], 0)
        if one <= epochs_max then top = math.max(top, one) end
    end
    if top == 0 then top = gallery.shown_epoch() end
    if (texts[1] or '0') ~= int(top) then damage.note() end
    if texts[1] ~= int(top) or texts[2] ~= texts[1] then gallery.store_epoch(top) end
    return top
end

-- The last version of a gallery whose own number is damaged: every version of an epoch has entries
-- in the log, or made log_from or removed_version.
function gallery.derived_seq(g)
    local seq = math.max(g.log_from, g.removed_version - g.epoch * epoch_size)
    local newest = redis.call('XREVRANGE', key.faces(g.collection, g.epoch, 'log'), '+', '-',
        'COUNT', 1)[1]
    if newest then seq = math.max(seq, tonumber(string.match(newest[1], '^%d+'))) end
    return math.min(seq, epoch_size - 1)
end

-- The order of a train or a change. It is compared within its collection alone, so a number above
-- all that its collection still compares is right, whatever the counter says.
function job.next_mseq(collection)
    local top = integer_at(key.of('mseq'))
    for _, part in ipairs({'open', 'changes'}) do
        local newest = redis.call('ZREVRANGE', key.gallery(collection, part), 0, 0, 'WITHSCORES')
        top = math.max(top, stored(newest[2], 0))
    end
    top = math.max(top, integer_at(key.gallery(collection, 'changes_from'))) + 1
    redis.call('SET', key.of('mseq'), int(top))
    return int(top)
end

-- An api that has loaded the keys asks whether the number is another. The time makes it another
-- one after damage, too: an old number that came again would hide a revoked key.
function access.note_change()
    local changes = math.max(integer_at(key.of('key_changes')) + 1, now)
    redis.call('SET', key.of('key_changes'), int(changes))
end

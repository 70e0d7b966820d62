-- Who changed what: one entry for each change of a gallery or a key that took effect, written in
-- the same call as the change. No photo, no vector, and no name: a hash of it.

local audits_kept = 100000

-- A client is given as "<client>" or "<client> <address>".
local function client_and_address(text) return string.match(text, '^(%S*) ?(.*)$') end

local function audit(who, from, what, collection, label, about)
    redis.call('XADD', key.of('audit'), 'MAXLEN', '~', audits_kept, '*', 'who', who, 'from', from,
        'what', what, 'collection', collection, 'label',
        label == '' and '' or redis.sha1hex(label), 'about', about)
end

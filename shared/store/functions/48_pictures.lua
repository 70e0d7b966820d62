-- Whether the pictures of taught faces are kept: the choice of a collection. Without one the setting
-- of the worker that teaches the face decides.

local pictures = {}
local choices = {keep = '1', remove = '0', worker = ''}

-- choice: keep, remove (also those that are there), worker (no choice of its own). A collection that is
-- not there is made, so that the choice can come before its first face.
function pictures.set(a)
    local g, choice = gallery.read(collection_name(a[1])), one_of(a[2], choices, 'choice')
    local who, from = given_by(a[3])
    local of, before = key.gallery(g.collection), g.keep_pictures or ''
    if not gallery.is_made(g) then
        if choice == 'worker' then return {'not_found'} end
        local answer = gallery.no_more()
        if answer then return answer end
        gallery.renew_epoch(g)
    end
    local removed = 0
    if choice == 'worker' then
        redis.call('HDEL', of, 'keep_pictures')
    else
        redis.call('HSET', of, 'keep_pictures', choices[choice])
    end
    if choice == 'remove' then removed = gallery.drop_pictures(g) end
    if before ~= choices[choice] or removed > 0 then
        audit(who, from, 'pictures', g.collection, '', choice)
    end
    return {'ok', choices[choice], int(gallery.pictures(g)), int(removed)}
end

-- keep_pictures ('1', '0' or '': no choice), how many faces have a picture
function pictures.get(a)
    local g = gallery.read(collection_name(a[1]))
    local made = gallery.is_made(g)
    return {'ok', made and g.keep_pictures or '', int(made and gallery.pictures(g) or 0)}
end

-- Labels, each once, of faces without a picture, in a step of the faces in the order of their labels,
-- and where the next step begins: '' after the last.
function pictures.without(a)
    local g, found, last = gallery.read(collection_name(a[1])), {}, nil
    local from = a[2] == '' and '-' or '(' .. a[2]
    local members = g.exists and redis.call('ZRANGEBYLEX', key.faces(g.collection, g.epoch,
        'by_label'), from, '+', 'LIMIT', 0, limits.page_size) or {}
    for _, member in ipairs(members) do
        local label, id = string.match(member, '^([^\n]+)\n(.+)$')
        if label and label ~= last and not gallery.has_picture(g, id) then
            found[#found + 1], last = label, label
        end
    end
    local more = #members == limits.page_size and members[#members] or ''
    return {'ok', more, int(#found), unpack(found)}
end

-- The names under which the functions are called, how many arguments each needs, and whether it
-- only reads. Every function but accept and restore runs at the memory limit, or the
-- system could not drain.

local writes, reads = {'allow-oom'}, {'no-writes', 'allow-oom'}

local function register(name, arguments, body, flags)
    redis.register_function({
        function_name = 'vultus1_' .. name,
        callback = function(keys, arguments_given)
            if #keys ~= 1 then refuse('exactly one key, the prefix, is required') end
            if #arguments_given < arguments then refuse(name .. ' needs more arguments') end
            P = keys[1]
            damage.writing, damage.unreadable = flags ~= reads, {}
            clock.begin()
            return body(arguments_given)
        end,
        flags = flags,
    })
end

register('about', 0, read.about, reads)
register('open', 1, read.open, writes)

register('accept', 13, queue.accept, {})
register('note_fetch', 2, queue.note_fetch, writes)
register('change', 9, change.accept, writes)
register('cancel', 1, queue.cancel, writes)
register('job', 1, read.job, reads)
register('outcomes', 1, read.outcomes, reads)
register('list', 4, read.list, reads)
register('faces', 3, read.faces, reads)
register('label', 2, read.label, reads)
register('people', 4, people.list, reads)
register('person', 3, people.get, reads)
register('set_person', 6, people.set, writes)
register('retention', 1, retention.get, reads)
register('set_retention', 3, retention.set, writes)
register('pictures', 1, pictures.get, reads)
register('without_pictures', 2, pictures.without, reads)
register('set_pictures', 3, pictures.set, writes)
register('seen', 1, retention.seen, writes)
register('picture', 3, read.picture, reads)
register('collections', 2, read.collections, reads)
register('version', 1, read.version, reads)
register('stats', 0, read.stats, reads)
register('models', 0, models.show, reads)
register('set_models', 3, models.set, writes)

register('keys', 1, access.keys, reads)
register('key_create', 9, access.create, writes)
register('key_revoke', 1, access.revoke, writes)
register('key_rotate', 4, access.rotate, writes)
register('spend', 2, access.spend, writes)

register('users', 0, users.list, reads)
register('user_add', 4, users.add, writes)
register('user_password', 2, users.password, writes)
register('user_remove', 1, users.remove, writes)
register('login_try', 2, users.login_try, writes)
register('login', 5, users.login, writes)
register('session', 2, users.session, writes)
register('session_end', 1, users.session_end, writes)
register('setup_begin', 1, users.setup_begin, writes)
register('setup', 1, users.setup, reads)
register('setup_try', 2, users.setup_try, writes)
register('setup_finish', 5, users.setup_finish, writes)

register('register', 8, worker.register, writes)
register('renew', 4, worker.renew, writes)
register('hello', 3, worker.hello, writes)
register('bye', 1, worker.bye, writes)
register('started', 1, worker.started, writes)
register('fetch', 3, worker.fetch, reads)
register('complete_recognize', 6, worker.complete_recognize, writes)
register('complete_train', 5, worker.complete_train, writes)
register('reembed_begin', 5, reembed.begin, writes)
register('reembed_pictures', 4, reembed.pictures, reads)
register('reembed_stage', 4, reembed.stage, writes)
register('reembed_left', 4, reembed.left, reads)
register('reembed_swap', 5, reembed.swap, writes)
register('fail', 6, worker.fail, writes)
register('delta', 3, read.delta, reads)

register('lease', 6, queue.lease, writes)
register('worker_lost', 2, queue.worker_lost, writes)
register('reap', 3, queue.reap, writes)
register('barrier', 2, queue.barrier, writes)
register('unseen', 1, retention.unseen, writes)
register('forget_unseen', 4, retention.forget, writes)
register('unindexed', 0, people.index.next, reads)
register('index_people', 5, people.index.store, writes)
register('gc', 8, upkeep.gc, writes)
register('clock', 0, clock.show, reads)
register('clock_accept', 1, clock.accept, writes)

register('erase_log', 2, change.erase_log, writes)
register('export', 2, restore.export, writes)
register('restore', 6, restore.run, {})
register('restore_people', 7, restore.people, {})
register('seal', 5, restore.seal, writes)
register('kick', 1, upkeep.kick, writes)
register('bury', 1, upkeep.bury, writes)
register('delete', 1, upkeep.delete, writes)
register('fsck', 3, fsck.run, reads)

// vultusctl: inspect and operate a Vultus from the machine it runs on. Reads the command line,
// prints a report. Exit codes: 0 done, 1 refused or failed (the reason on stderr), 2 wrong usage.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

#include "clients/ctl/commands.hpp"
#include "clients/ctl/curve.hpp"
#include "clients/ctl/explain.hpp"
#include "clients/ctl/follow.hpp"
#include "clients/ctl/store_away.hpp"
#include "clients/ctl/text.hpp"
#include "shared/output_file.hpp"
#include "shared/private_file.hpp"
#include "shared/privileges.hpp"
#include "shared/retention.hpp"
#include "shared/stop_signal.hpp"

namespace {

using namespace vultus;
using namespace vultus::ctl;

constexpr int ok = 0, refused = 1, usage = 2;
constexpr std::size_t password_file_bytes_max = 4'096;

int complain(const error& why, int code) {
    std::cerr << "vultusctl: " << name_of(why.code);
    if (!why.detail.empty()) std::cerr << ": " << visible(why.detail);
    std::cerr << "\n";
    return code;
}

/// `code`, unless what was printed has not arrived.
int ended(int code) {
    if (output_was_written()) return code;
    return complain({errc::internal, "the output cannot be written"}, refused);
}

/// Prints the report; the exit code says whether it is good and has arrived.
int tell(const report& what, bool json) {
    (what.beside ? std::cerr : std::cout) << print(what, json);
    const int code = ended(what.bad ? refused : ok);
    if (what.lost && !output_was_written()) std::cerr << "vultusctl: " << what.lost() << "\n";
    return code;
}

/// How commands are added below `parent`.
auto adder(CLI::App& parent, arguments& asked) {
    return [&parent, &asked](const char* name, const char* text, command what) {
        CLI::App* sub = parent.add_subcommand(name, text);
        sub->callback([&asked, what] { asked.what = what; });
        return sub;
    };
}

void describe(CLI::App& app, arguments& asked) {
    app.fallthrough();
    app.require_subcommand(1);
    app.add_option("--data", asked.data, "data folder of the service")->capture_default_str();
    app.add_option("--redis", asked.redis, "unix:/path or host:port; password in $REDISCLI_AUTH");
    app.add_option("--broker", asked.broker, "ZeroMQ endpoint of the broker for apis");
    app.add_flag("--json", asked.json, "JSON instead of tables");
    app.add_flag("--explain", asked.explain,
                 "only print the redis-cli commands that show (or do) the same");
    const auto add = adder(app, asked);
    const auto add_with = [&](const char* name, const char* text, command what,
                              const char* subject) {
        add(name, text, what)->add_option(subject, asked.subject)->required();
    };
    add("status", "queue, workers and collections", command::status);
    CLI::App* jobs = add("jobs", "the newest jobs", command::jobs);
    jobs->add_option("--state", asked.state, "only those in this state");
    jobs->add_option("--type", asked.type, "only those of this type");
    CLI::App* faces = add("faces", "the people of a collection", command::faces);
    asked.subject = "default";
    faces->add_option("collection", asked.subject)->capture_default_str();
    CLI::App* tail = add("tail", "events as they happen", command::tail);
    tail->add_option("--from", asked.from, "after this stream id; 0-0: from the oldest on");
    CLI::App* audit = add("audit", "who changed what, the newest first", command::audit);
    for (CLI::App* sub : {jobs, faces, audit}) {
        sub->add_option("--page", asked.page, "what the last page named");
        sub->add_option("--count", asked.count, "rows of a page (50)");
    }
    audit->add_option("--label", asked.label, "only what is about this person");
    tail->add_option("--count", asked.count, "end after so many");
    add_with("job", "all about one job", command::job, "id");
    add_with("cancel", "cancel a job", command::cancel, "id");
    add_with("kick", "give a dead job another chance", command::kick, "id");
    add_with("bury", "set a waiting job aside as dead", command::bury, "id");
    add_with("delete", "delete a dead or finished job", command::remove, "id");
    add_with("drain", "let a worker finish and leave", command::drain, "worker");
    CLI::App* save = add("export", "write a collection's faces to a file", command::save);
    CLI::App* restore = add("restore", "put the faces of such a file back", command::restore);
    for (CLI::App* sub : {save, restore}) {
        sub->add_option("file", asked.file, "-: standard output or input")->required();
    }
    save->add_option("--collection", asked.subject)->capture_default_str();
    restore->add_option("--collection", asked.subject, "instead of the one in the file");
    restore->preparse_callback([&asked](std::size_t) { asked.subject.clear(); });
    CLI::App* import = add("import", "teach a folder of NAME/PHOTO", command::import);
    import->add_option("folder", asked.file)->required();
    import->add_option("--collection", asked.subject)->capture_default_str();
    import->add_option("--detector", asked.detector, "hog, or cnn, which finds more and is slower")
        ->check(CLI::IsMember({"hog", "cnn"}))
        ->capture_default_str();
    CLI::App* erasure = add("erasure", "check that nothing of a person is left", command::erasure);
    erasure->add_option("label", asked.subject)->required();
    erasure->add_option("--collection", asked.collection, "only there; all without it");
    erasure->add_flag("--purge", asked.purge, "first delete ended jobs and logs with the name");
    erasure->add_flag("--rewrite", asked.rewrite, "have Redis rewrite its file, and wait");
    CLI::App* old = add("names", "names stored in another form than now", command::names);
    old->add_flag("--fix", asked.fix, "rename each, or merge it into who has that name");
    for (CLI::App* sub : {audit, restore, import, erasure, old}) {
        sub->add_option("--secret", asked.key.secret, "api.secret_file (<data>/access.secret)");
    }
    CLI::App* kept = add("retention", "forget people whom nobody sees", command::retention);
    kept->add_option("collection", asked.subject)->required();
    kept->add_option("--days", asked.days, "who is not seen for so long is forgotten")
        ->check(CLI::Range(1, retention_days_max));
    kept->add_flag("--off", asked.off, "keep people until somebody removes them");
    CLI::App* fsck = add(
        "fsck", "check that all keys in Redis agree; with --encryption-key, that faces open",
        command::fsck);
    fsck->add_flag("--quiet", asked.quiet, "nothing changes meanwhile: compare sums too");
}

void describe_clock(CLI::App& app, arguments& asked) {
    CLI::App* clock = app.add_subcommand("clock", "has the clock of Redis' host jumped");
    clock->require_subcommand(0, 1);
    clock->callback([&asked, clock] {
        asked.what = clock->get_subcommands().empty() ? command::clock_show : command::clock_accept;
    });
    clock->add_subcommand("accept", "it is right: erase again what is too old by it");
}

void describe_encryption(CLI::App& app, arguments& asked) {
    app.add_option("--encryption-key", asked.encryption_key, "common.encryption_key_file");
    const auto add = adder(app, asked);
    add("encrypt", "encrypt faces that lie plain in Redis, or bound to no collection",
        command::encrypt);
    add("encryption-key", "make the file of a key for it", command::encryption_key)
        ->add_option("file", asked.file)
        ->required();
}

void describe_keys(CLI::App& app, arguments& asked) {
    CLI::App* key = app.add_subcommand("key", "keys for the api: create, list, revoke, rotate");
    key->require_subcommand(1);
    const auto add = adder(*key, asked);
    auto& words = asked.key;
    CLI::App* create = add("create", "make a key and print it, once", command::key_create);
    create->add_option("--scopes", words.scopes, "of read,recognise,train,admin")->required();
    create->add_option("--collections", words.collections, "a,b or *")->capture_default_str();
    create->add_option("--quota", words.quota, "requests, such as 600/min; 0: no bound");
    create->add_option("--image-quota", words.image_quota, "bytes of photos, such as 100MiB/min");
    create->add_option("--jobs", words.jobs, "unfinished jobs at a time");
    create->add_option("--expires", words.expires, "after so long, such as 90d");
    create->add_option("--note", words.note, "whose it is");
    add("list", "all keys that are not revoked", command::key_list);
    CLI::App* revoke = add("revoke", "end a key at once", command::key_revoke);
    CLI::App* rotate = add("rotate", "a new key in place of one", command::key_rotate);
    rotate->add_option("--overlap", words.overlap, "the old one stays good")->capture_default_str();
    for (CLI::App* sub : {revoke, rotate}) sub->add_option("id", asked.subject)->required();
    for (CLI::App* sub : {create, rotate}) {
        sub->add_option("--secret", words.secret, "api.secret_file (<data>/access.secret)");
    }
}

void describe_users(CLI::App& app, arguments& asked) {
    CLI::App* user = app.add_subcommand("user", "people on the page: add, list, password, remove");
    user->require_subcommand(1);
    const auto add = adder(*user, asked);
    CLI::App* made = add("add", "let somebody log in; asks for the password", command::user_add);
    made->add_option("--role", asked.user.role, "viewer, operator or admin")->required();
    made->add_option("--collections", asked.user.collections, "a,b or *")->capture_default_str();
    add("list", "all users", command::user_list);
    CLI::App* password =
        add("password", "another password; ends the sessions", command::user_password);
    CLI::App* remove = add("remove", "end the sessions, let nobody log in", command::user_remove);
    for (CLI::App* sub : {made, password, remove}) {
        sub->add_option("name", asked.subject)->required();
    }
    for (CLI::App* sub : {made, password}) {
        sub->add_option("--secret", asked.key.secret, "api.secret_file (<data>/access.secret)");
    }
}

void describe_curve(CLI::App& app, arguments& asked) {
    auto& words = asked.curve;
    app.add_option("--curve-key", words.own_file, "secret for the broker (<keys>/ctl.secret)");
    app.add_option("--broker-key", words.broker_key, "the broker's public key");
    app.add_option("--keys", words.folder, "folder of the keys of the links (<data>/keys)");
    CLI::App* curve =
        app.add_subcommand("curve", "keys of encrypted links: make, allow, remove, list");
    curve->require_subcommand(1);
    const auto add = adder(*curve, asked);
    CLI::App* make = add("make", "a new key; prints its public half", command::curve_make);
    CLI::App* allow =
        add("allow", "let somebody with this public key connect", command::curve_allow);
    CLI::App* remove =
        add("remove", "let nobody of this name connect any more", command::curve_remove);
    add("list", "who may connect, and which secrets are here", command::curve_list);
    for (CLI::App* sub : {make, allow, remove}) {
        sub->add_option("name", asked.subject)->required();
    }
    allow->add_option("key", words.key, "public, 64 hexadecimal digits")->required();
    make->add_option("--role", words.role, "broker, api or worker")->required();
    allow->add_option("--role", words.role, "api or worker")->required();
}

/// What a call to Redis failed with; if Redis is not there, where it was looked for.
int complain_of_call(const error& why, const arguments& asked, const redis_address& where) {
    if (why != error{errc::store_unavailable, "Redis is away."}) return complain(why, refused);
    const error found = why_away(asked, where);
    return complain(found, found.code == errc::malformed ? usage : refused);
}

int tail(const arguments& asked, const redis_address& where, redis_blocking& redis,
         const job_store& store) {
    stop_signal stop;
    follow_options options;
    options.from = asked.from;
    options.count = asked.count;
    options.stopped = [&] { return stop.asked() || !std::cout; };
    options.told = [&](const event& one) {
        std::cout << event_line(one, asked.json) << std::flush;
    };
    options.gap = [] {
        std::cerr
            << "vultusctl: events may be missing here: the stream was cut before they were read\n";
    };
    if (auto done = follow(redis, store, options); !done) {
        return complain_of_call(done.error(), asked, where);
    }
    return ended(ok);
}

/// Commands that put faces or photos into Redis or take them out, so that they need the key.
bool reads_faces(command what) {
    return what == command::save || what == command::restore || what == command::import ||
           what == command::encrypt;
}

/// $REDISCLI_AUTH, or what `./run --redis-port` has left in the data folder, or nothing.
/// errors    malformed: that file is not its user's alone
result<std::string> password(const std::string& file) {
    if (const char* given = std::getenv("REDISCLI_AUTH"); given != nullptr) return given;
    const auto text = read_private_file(file, password_file_bytes_max);
    if (!text && text.error().code == errc::not_found) return std::string();
    if (!text) return fail(text.error());
    std::string word;
    std::getline(std::istringstream(*text) >> std::ws, word);
    return word;
}

int run(const arguments& asked) {
    if (auto good = check(asked); !good) return complain(good.error(), usage);
    const std::string file = asked.data + "/run/redis.password";
    const auto word = password(file);
    if (!word) return complain(word.error(), refused);
    auto where = target_of(asked, *word);
    if (!where) return complain(where.error(), usage);
    auto key = read_encryption_key(asked.encryption_key, asked.data);
    if (!key) return complain(key.error(), usage);
    if (!is_curve(asked.what)) {
        auto keys = keys_for_broker(asked);
        if (!keys) return complain(keys.error(), usage);
        where->curve = std::move(*keys);
    }
    const job_store store(0, sealing(*std::move(key)));
    if (asked.explain) {
        if (!where->redis.password.empty() && std::getenv("REDISCLI_AUTH") == nullptr) {
            std::cout << "export REDISCLI_AUTH=$(cat " << shell_word(file) << ")\n";
        }
        for (const std::string& line : explain(asked, *where, store)) std::cout << line << "\n";
        return ended(ok);
    }
    redis_blocking redis(where->redis);
    if (asked.what == command::tail) return tail(asked, where->redis, redis, store);
    const bool opens = asked.what == command::fsck && !asked.encryption_key.empty();
    if (reads_faces(asked.what) || opens) {
        const auto opened = redis.call(store.open(1));
        if (!opened) return complain_of_call(opened.error(), asked, where->redis);
    }
    const bool watched = isatty(STDERR_FILENO) == 1;
    std::optional<stop_signal> stop;
    if (asked.what == command::import) stop.emplace();
    listener listening;
    listening.progress = [&](std::uint64_t done, std::uint64_t all, const char* things) {
        if (watched) std::cerr << "\r" << progress_bar(done, all, things) << "\x1b[K" << std::flush;
    };
    listening.line = [&](const std::string& line) {
        if (watched) std::cerr << "\r\x1b[K" << std::flush;
        if (!asked.json) std::cout << line << std::endl;  // of an import; ended() sees to errors
    };
    listening.stopped = [&] { return stop && stop->asked(); };
    const auto told = carry_out(asked, *where, redis, store, listening);
    if (watched) std::cerr << "\r\x1b[K";
    if (!told) return complain_of_call(told.error(), asked, where->redis);
    return tell(*told, asked.json);
}

}  // namespace

int main(int argc, char** argv) {
    keep_files_private();
    CLI::App app{"Inspect and operate a Vultus"};
    arguments asked;
    describe(app, asked);
    describe_clock(app, asked);
    describe_encryption(app, asked);
    describe_keys(app, asked);
    describe_users(app, asked);
    describe_curve(app, asked);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& why) {
        return app.exit(why) == 0 ? ended(ok) : usage;
    }
    if (asked.key.secret.empty()) asked.key.secret = asked.data + "/access.secret";
    if (asked.curve.folder.empty()) asked.curve.folder = asked.data + "/keys";
    return run(asked);
}

// vultusctl: inspects and operates a Vultus on the same machine. Reads the command line, prints a
// report. Exit codes: 0 done, 1 refused, failed, or problems found (the reason on stderr), 2 wrong
// usage.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "clients/ctl/cli/completion.hpp"
#include "clients/ctl/commands.hpp"
#include "clients/ctl/explain.hpp"
#include "clients/ctl/follow.hpp"
#include "clients/ctl/keys/curve.hpp"
#include "clients/ctl/options/compat_options.hpp"
#include "clients/ctl/options/import_options.hpp"
#include "clients/ctl/options/model_options.hpp"
#include "clients/ctl/output/text.hpp"
#include "clients/ctl/store_away.hpp"
#include "shared/base/privileges.hpp"
#include "shared/base/stop_signal.hpp"
#include "shared/model/job.hpp"
#include "shared/security/output_file.hpp"
#include "shared/security/private_file.hpp"
#include "shared/store/event_reader.hpp"
#include "shared/store/retention.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_schema.hpp"

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

/// `code`, or a failure if the output could not be written.
int ended(int code) {
    if (output_was_written()) return code;
    return complain({errc::internal, "output cannot be written"}, refused);
}

/// Prints the report; the exit code is 0 if it is good and was written.
int tell(const report& what, bool json) {
    (what.beside ? std::cerr : std::cout) << print(what, json);
    const int code = ended(what.bad ? refused : ok);
    if (what.lost && !output_was_written()) std::cerr << "vultusctl: " << what.lost() << "\n";
    return code;
}

/// Adds commands below `parent`.
auto adder(CLI::App& parent, arguments& asked) {
    return [&parent, &asked](const char* name, const char* text, command what) {
        CLI::App* sub = parent.add_subcommand(name, text);
        sub->callback([&asked, what] { asked.what = what; });
        return sub;
    };
}

void describe_kept(CLI::App& app, arguments& asked) {
    const auto add = adder(app, asked);
    CLI::App* kept = add("retention", "forget people not seen for N days", command::retention);
    kept->add_option("collection", asked.subject)->required();
    kept->add_option("--days", asked.days, "days without being seen until a person is forgotten")
        ->check(CLI::Range(1, retention_days_max));
    kept->add_flag("--off", asked.off, "keep people until they are removed");
    CLI::App* pictures = add("pictures", "whether a collection keeps pictures", command::pictures);
    pictures->add_option("collection", asked.subject)->required();
    pictures
        ->add_option("--keep", asked.keep,
                     "no also removes those that are stored; "
                     "default: as the workers are set")
        ->check(CLI::IsMember({"yes", "no", "default"}));
}

void describe(CLI::App& app, arguments& asked) {
    app.fallthrough();
    app.require_subcommand(1);
    app.add_option("--data", asked.data, "data folder of the service")->capture_default_str();
    app.add_option("--redis", asked.redis,
                   "Redis: unix:/path or host:port; password in $REDISCLI_AUTH");
    app.add_option("--broker", asked.broker, "broker endpoint for apis");
    app.add_flag("--json", asked.json, "print JSON instead of tables");
    app.add_flag("--explain", asked.explain, "only print the equivalent redis-cli commands");
    const auto add = adder(app, asked);
    const auto add_with = [&](const char* name, const char* text, command what,
                              const char* subject) {
        add(name, text, what)->add_option(subject, asked.subject)->required();
    };
    add("status", "queue, workers and collections", command::status);
    CLI::App* jobs = add("jobs", "the newest jobs", command::jobs);
    jobs->add_option("--state", asked.state, "only jobs in this state");
    jobs->add_option("--type", asked.type, "only jobs of this type");
    CLI::App* faces = add("faces", "the people of a collection", command::faces);
    asked.subject = "default";
    faces->add_option("collection", asked.subject)->capture_default_str();
    faces->add_option("--search", asked.search, "only names with a word that begins so");
    CLI::App* person =
        add("person", "a person with external_id, metadata and notes", command::person);
    person->add_option("person_id", asked.subject)->required();
    person->add_option("--collection", asked.collection, "default: default");
    person->add_flag("--external", asked.external, "person_id is an external_id");
    CLI::App* tail = add("tail", "follow events", command::tail);
    tail->add_option("--from", asked.from, "start after this stream id; 0-0: the oldest");
    CLI::App* audit = add("audit", "audit log, newest first", command::audit);
    for (CLI::App* sub : {jobs, faces, audit}) {
        sub->add_option("--page", asked.page, "page token printed by the last page");
        sub->add_option("--count", asked.count, "rows per page (50)");
    }
    audit->add_option("--label", asked.label, "only entries about this person");
    tail->add_option("--count", asked.count, "exit after this number of events");
    add_with("job", "all fields of a job", command::job, "id");
    add_with("cancel", "cancel a job", command::cancel, "id");
    add_with("kick", "retry a dead job", command::kick, "id");
    add_with("bury", "move a waiting job to dead", command::bury, "id");
    add_with("delete", "delete a dead or finished job", command::remove, "id");
    add_with("drain", "drain a worker", command::drain, "worker");
    CLI::App* save = add("export", "export the faces of a collection to a file", command::save);
    CLI::App* restore = add("restore", "restore the faces of an export", command::restore);
    for (CLI::App* sub : {save, restore}) {
        sub->add_option("file", asked.file, "file; -: standard output or input")->required();
    }
    save->add_option("--collection", asked.subject)->capture_default_str();
    restore->add_option("--collection", asked.subject, "collection instead of the one in the file");
    restore->preparse_callback([&asked](std::size_t) { asked.subject.clear(); });
    CLI::App* import = describe_import(app, asked);
    CLI::App* erasure = add("erasure", "check that nothing is left of a person", command::erasure);
    erasure->add_option("label", asked.subject, "the name");
    erasure->preparse_callback([&asked](std::size_t) { asked.subject.clear(); });
    erasure->add_option("--person-id", asked.person_id,
                        "only this person, where several have the name");
    erasure->add_option("--collection", asked.collection, "only this collection; default: all");
    erasure->add_flag("--purge", asked.purge, "first delete finished jobs and logs with the name");
    erasure->add_flag("--rewrite", asked.rewrite, "rewrite the append-only file of Redis and wait");
    CLI::App* old = add("names", "list names stored in an outdated form", command::names);
    old->add_flag("--fix", asked.fix, "rename each, or merge it if the new name exists");
    for (CLI::App* sub : {audit, restore, import, erasure, old}) {
        sub->add_option("--secret", asked.key.secret, "api.secret_file (<data>/access.secret)");
    }
    describe_kept(app, asked);
    CLI::App* fsck =
        add("fsck", "check that all keys in Redis agree; with --encryption-key, that faces decrypt",
            command::fsck);
    fsck->add_flag("--quiet", asked.quiet, "also compare sums; requires that nothing changes");
}

void describe_clock(CLI::App& app, arguments& asked) {
    CLI::App* clock = app.add_subcommand("clock", "show whether the Redis host's clock jumped");
    clock->require_subcommand(0, 1);
    clock->callback([&asked, clock] {
        asked.what = clock->get_subcommands().empty() ? command::clock_show : command::clock_accept;
    });
    clock->add_subcommand("accept", "confirm the clock; erasing by age resumes");
}

void describe_encryption(CLI::App& app, arguments& asked) {
    app.add_option("--encryption-key", asked.encryption_key, "common.encryption_key_file");
    const auto add = adder(app, asked);
    add("encrypt", "encrypt faces that are plain, or not bound to a collection", command::encrypt);
    add("encryption-key", "create an encryption key file", command::encryption_key)
        ->add_option("file", asked.file)
        ->required();
}

void describe_keys(CLI::App& app, arguments& asked) {
    CLI::App* key = app.add_subcommand("key", "API keys: create, list, revoke, rotate");
    key->require_subcommand(1);
    const auto add = adder(*key, asked);
    auto& words = asked.key;
    CLI::App* create = add("create", "create a key and print it once", command::key_create);
    create->add_option("--scopes", words.scopes, "scopes: read,recognise,train,admin")->required();
    create->add_option("--collections", words.collections, "a,b or *")->capture_default_str();
    create->add_option("--quota", words.quota, "request quota, such as 600/min; 0: no limit");
    create->add_option("--image-quota", words.image_quota, "photo byte quota, such as 100MiB/min");
    create->add_option("--jobs", words.jobs, "unfinished jobs at one time");
    create->add_option("--expires", words.expires, "lifetime, such as 90d");
    create->add_option("--note", words.note, "note, such as the owner");
    add("list", "list keys that are not revoked", command::key_list);
    CLI::App* revoke = add("revoke", "revoke a key at once", command::key_revoke);
    CLI::App* rotate = add("rotate", "replace a key", command::key_rotate);
    rotate->add_option("--overlap", words.overlap, "validity of the old key")
        ->capture_default_str();
    for (CLI::App* sub : {revoke, rotate}) sub->add_option("id", asked.subject)->required();
    for (CLI::App* sub : {create, rotate}) {
        sub->add_option("--secret", words.secret, "api.secret_file (<data>/access.secret)");
    }
}

void describe_users(CLI::App& app, arguments& asked) {
    CLI::App* user =
        app.add_subcommand("user", "users of the page: add, list, password, remove, setup");
    user->require_subcommand(1);
    const auto add = adder(*user, asked);
    CLI::App* made = add("add", "add a user; asks for the password", command::user_add);
    made->add_option("--role", asked.user.role, "viewer, operator or admin")->required();
    made->add_option("--collections", asked.user.collections, "a,b or *")->capture_default_str();
    add("list", "list users", command::user_list);
    CLI::App* password =
        add("password", "set a new password; ends the sessions", command::user_password);
    CLI::App* remove = add("remove", "remove a user; ends the sessions", command::user_remove);
    CLI::App* setup = add("setup", "print a link that makes the first user, once, within an hour",
                          command::user_setup);
    setup->add_option("--url", asked.user.url, "address of the page")->capture_default_str();
    for (CLI::App* sub : {made, password, remove}) {
        sub->add_option("name", asked.subject)->required();
    }
    for (CLI::App* sub : {made, password, setup}) {
        sub->add_option("--secret", asked.key.secret, "api.secret_file (<data>/access.secret)");
    }
}

void describe_curve(CLI::App& app, arguments& asked) {
    auto& words = asked.curve;
    app.add_option("--curve-key", words.own_file, "secret key for the broker (<keys>/ctl.secret)");
    app.add_option("--broker-key", words.broker_key, "the broker's public key");
    app.add_option("--keys", words.folder, "folder of the CURVE keys (<data>/keys)");
    CLI::App* curve =
        app.add_subcommand("curve", "CURVE keys of the links: make, allow, remove, list");
    curve->require_subcommand(1);
    const auto add = adder(*curve, asked);
    CLI::App* make = add("make", "create a key; prints its public key", command::curve_make);
    CLI::App* allow = add("allow", "allow a public key to connect", command::curve_allow);
    CLI::App* remove = add("remove", "remove a key from the list", command::curve_remove);
    add("list", "list allowed peers and local secret keys", command::curve_list);
    for (CLI::App* sub : {make, allow, remove}) {
        sub->add_option("name", asked.subject)->required();
    }
    allow->add_option("key", words.key, "public key, 64 hexadecimal digits")->required();
    make->add_option("--role", words.role, "role: broker, api or worker")->required();
    allow->add_option("--role", words.role, "role: api or worker")->required();
}

/// The error of a call to Redis; if Redis is unreachable, with the address.
int complain_of_call(const error& why, const arguments& asked, const redis_address& where) {
    if (why != error{errc::store_unavailable, "Redis unavailable"}) return complain(why, refused);
    const error found = why_away(asked, where);
    return complain(found, found.code == errc::malformed ? usage : refused);
}

int tail(const arguments& asked, const redis_address& where, redis_blocking& redis,
         const store_context& store) {
    stop_signal stop;
    follow_options options;
    options.from = asked.from;
    options.count = asked.count;
    options.stopped = [&] { return stop.asked() || !std::cout; };
    options.on_event = [&](const event& one) {
        std::cout << event_line(one, asked.json) << std::flush;
    };
    options.gap = [] {
        std::cerr << "vultusctl: events may be missing here: the stream was trimmed meanwhile\n";
    };
    if (auto done = follow(redis, store, options); !done) {
        return complain_of_call(done.error(), asked, where);
    }
    return ended(ok);
}

/// Commands that read or write faces or photos in Redis, and so need the encryption key.
bool reads_faces(command what) {
    return what == command::save || what == command::restore || what == command::import ||
           what == command::encrypt || what == command::person;
}

/// The password of Redis: $REDISCLI_AUTH, or the file that `./run --redis-port` wrote to the data
/// folder, or empty.
/// errors    malformed: others may read that file
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
    const store_context store(0, sealing(*std::move(key)));
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
        const auto opened = redis.call(store_schema(store).open(1));
        if (!opened) return complain_of_call(opened.error(), asked, where->redis);
    }
    const bool watched = isatty(STDERR_FILENO) == 1;
    std::optional<stop_signal> stop;
    if (asked.what == command::import || asked.wait) stop.emplace();
    listener listening;
    listening.progress = [&](std::uint64_t done, std::uint64_t all, const char* things) {
        if (watched) std::cerr << "\r" << progress_bar(done, all, things) << "\x1b[K" << std::flush;
    };
    listening.line = [&](const std::string& line) {
        if (watched) std::cerr << "\r\x1b[K" << std::flush;
        if (!asked.json) std::cout << line << std::endl;  // of an import; ended() reports errors
    };
    listening.stopped = [&] { return stop && stop->asked(); };
    const auto answer = carry_out(asked, *where, redis, store, listening);
    if (watched) std::cerr << "\r\x1b[K";
    if (!answer) return complain_of_call(answer.error(), asked, where->redis);
    return tell(*answer, asked.json);
}

}  // namespace

int main(int argc, char** argv) {
    keep_files_private();
    CLI::App app{"Inspect and operate a Vultus service", "vultusctl"};
    app.set_version_flag("--version", "vultusctl " VULTUS_VERSION, "Print the version and exit");
    arguments asked;
    std::optional<std::string> script;
    describe(app, asked);
    describe_clock(app, asked);
    describe_models(app, asked);
    describe_encryption(app, asked);
    describe_keys(app, asked);
    describe_compat(app, asked);
    describe_users(app, asked);
    describe_curve(app, asked);
    describe_completion(app, script);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& why) {
        return app.exit(why) == 0 ? ended(ok) : usage;
    }
    if (script) {
        std::cout << *script;
        return ended(ok);
    }
    if (asked.key.secret.empty()) asked.key.secret = asked.data + "/access.secret";
    if (asked.curve.folder.empty()) asked.curve.folder = asked.data + "/keys";
    return run(asked);
}

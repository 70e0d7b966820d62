// See arguments.hpp.
#include "clients/ctl/cli/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/stream_id.hpp"
#include "shared/model/access_key.hpp"
#include "shared/model/job.hpp"
#include "shared/model/model_names.hpp"
#include "shared/model/page_token.hpp"
#include "shared/model/person_key.hpp"
#include "shared/model/user.hpp"
#include "shared/net/allow_list.hpp"
#include "shared/store/retention.hpp"

namespace vultus::ctl {
namespace {

bool is_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && why == std::errc{} && end == text.data() + text.size();
}

bool is_worker_id(std::string_view text) {
    if (text.empty() || text.size() > limits::worker_id_bytes) return false;
    return text.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
               "-_.:") == std::string_view::npos;
}

result<void> check_id(bool good, const char* of, const arguments& asked) {
    if (good) return {};
    return fail(errc::malformed, "not a " + std::string(of) + " id: " + asked.subject);
}

result<void> check_filters(const arguments& asked) {
    if (!asked.state.empty() && !job_state_named(asked.state)) {
        return fail(errc::malformed, "unknown state " + asked.state +
                                         "; pending, running, delayed, publishing, succeeded, "
                                         "failed, dead or cancelled");
    }
    if (!asked.type.empty() && !job_type_named(asked.type)) {
        return fail(errc::malformed, "unknown type " + asked.type +
                                         "; recognize, train, calibrate, reembed, clear, forget, "
                                         "rename, merge or delete_collection");
    }
    if (asked.what != command::tail && asked.count > limits::page_size) {
        return fail(errc::malformed,
                    "--count must be at most " + std::to_string(limits::page_size));
    }
    if (!asked.from.empty() && !is_stream_id(asked.from)) {
        return fail(errc::malformed, "--from takes a stream id, such as 0-0");
    }
    if (asked.what == command::audit && !asked.page.empty() && !is_stream_id(asked.page)) {
        return fail(errc::malformed, "--page takes the id printed by the last page");
    }
    if (asked.what != command::audit && !asked.page.empty() && !cursor_in(asked.page)) {
        return fail(errc::malformed, "--page takes the token printed by the last page");
    }
    return {};
}

result<void> check_curve(const arguments& asked) {
    if (!is_peer_name(asked.subject)) {
        return fail(errc::malformed, "a name must be 1 to 64 letters, digits, '-', '_', '.'");
    }
    const bool broker = asked.curve.role == "broker" && asked.what == command::curve_make;
    if (broker || parse_peer_role(asked.curve.role)) return {};
    return fail(errc::malformed, asked.what == command::curve_make
                                     ? "--role must be broker, api or worker"
                                     : "--role must be api or worker");
}

result<void> check_models(const arguments& asked) {
    if (asked.detector.empty() && asked.embedder.empty()) {
        return fail(errc::malformed, "models default requires --detector or --embedder");
    }
    for (const std::string& name : {asked.detector, asked.embedder}) {
        if (!name.empty() && !is_model_name(name)) {
            return fail(errc::malformed, "not the name of a model: " + name);
        }
    }
    return {};
}

/// The numbers of a manifest; what else is wrong with a model its worker says.
result<void> check_new_model(const arguments& asked) {
    const model_words& words = asked.model;
    for (const auto& [option, value] : {std::pair{"--mean", &words.mean},
                                        {"--scale", &words.scale},
                                        {"--distance", &words.distance}}) {
        double number = 0;
        const char* end = value->data() + value->size();
        const auto [stop, bad] = std::from_chars(value->data(), end, number);
        if (value->empty() || (bad == std::errc{} && stop == end && std::isfinite(number)))
            continue;
        return fail(errc::malformed, std::string(option) + " takes a number, not " + *value);
    }
    return {};
}

/// A name as workers announce it.
result<void> check_model_change(const arguments& asked) {
    const std::string& name = asked.embedder;
    const bool good = is_model_name(name) && std::count(name.begin(), name.end(), '/') == 1 &&
                      name.front() != '/' && name.back() != '/';
    if (!good) return fail(errc::malformed, "not an embedder such as omz_0095/unit: " + name);
    return check_collection(asked.subject);
}

result<void> check_retention(const arguments& asked) {
    if (asked.days > static_cast<std::size_t>(retention_days_max) ||
        (asked.off && asked.days > 0)) {
        return fail(errc::malformed, "--days takes 1 to 36500, or --off");
    }
    return check_collection(asked.subject);
}

result<void> check_import(const arguments& asked) {
    if (asked.rotate && !asked.detector.empty() && !turns_pictures(asked.detector)) {
        return fail(errc::malformed, "--rotate requires --detector centerface or --detector yunet");
    }
    const import_words& words = asked.importing;
    const bool remote = words.from == "compreface";
    if (remote && words.key_file.empty()) {
        return fail(errc::malformed, "--from compreface requires --key-file FILE");
    }
    if (!remote && !(words.key_file.empty() && words.authorities.empty())) {
        return fail(errc::malformed, "--key-file and --ca are of --from compreface");
    }
    if (words.dry_run && !words.journal.empty()) {
        return fail(errc::malformed, "a --dry-run teaches nothing that a --journal could have");
    }
    return check_collection(asked.subject);
}

result<void> check_erasure(const arguments& asked) {
    if (asked.subject.empty() && asked.person_id.empty()) {
        return fail(errc::malformed, "erasure takes a name, --person-id, or both");
    }
    if (!asked.person_id.empty()) {
        if (auto good = check_person_id(asked.person_id); !good) return good;
    }
    if (!asked.subject.empty()) {
        if (auto good = check_label(asked.subject); !good) return good;
    }
    return asked.collection.empty() ? result<void>{} : check_collection(asked.collection);
}

result<void> check_faces(const arguments& asked) {
    if (auto good = check_collection(asked.subject); !good) return good;
    return check_filters(asked);
}

result<void> check_person(const arguments& asked) {
    auto good = asked.external ? check_external_id(asked.subject) : check_person_id(asked.subject);
    if (!good || asked.collection.empty()) return good;
    return check_collection(asked.collection);
}

}  // namespace

result<void> check(const arguments& asked) {
    switch (asked.what) {
        case command::job:
        case command::cancel:
        case command::kick:
        case command::bury:
        case command::remove:
            return check_id(is_job_id(asked.subject), "job", asked);
        case command::drain:
            return check_id(is_worker_id(asked.subject), "worker", asked);
        case command::key_revoke:
        case command::key_rotate:
            if (!is_key_id(asked.subject)) {
                return fail(errc::malformed, "not a key id: 12 hexadecimal digits");
            }
            return {};
        case command::encrypt:
            if (!asked.encryption_key.empty()) return {};
            return fail(errc::malformed, "encrypt requires --encryption-key FILE");
        case command::curve_remove:
        case command::curve_list:
        case command::encryption_key:
        case command::clock_show:
        case command::clock_accept:
        case command::models_list:
        case command::models_fetch:
        case command::models_check:
        case command::models_bench:
        case command::key_create:
        case command::key_list:
        case command::user_list:
        case command::user_setup:
            return {};
        case command::user_add:
        case command::user_password:
        case command::user_remove:
            return check_user_name(asked.subject);
        case command::erasure:
            return check_erasure(asked);
        case command::curve_make:
        case command::curve_allow:
            return check_curve(asked);
        case command::faces:
            return check_faces(asked);
        case command::person:
            return check_person(asked);
        case command::retention:
            return check_retention(asked);
        case command::models_default:
            return check_models(asked);
        case command::models_add:
            return check_new_model(asked);
        case command::collection_model:
            return check_model_change(asked);
        case command::import:
            return check_import(asked);
        case command::pictures:
        case command::save:
            return check_collection(asked.subject);
        case command::restore:  // empty: the collection in the file
            return asked.subject.empty() ? result<void>{} : check_collection(asked.subject);
        case command::status:
        case command::jobs:
        case command::audit:
        case command::names:
        case command::fsck:
        case command::tail:
            return check_filters(asked);
    }
    return fail(errc::malformed, "no such command");
}

result<target> target_of(const arguments& asked, std::string password) {
    target where;
    where.broker =
        asked.broker.empty() ? "ipc://" + asked.data + "/run/broker-api.sock" : asked.broker;
    where.redis.password = std::move(password);
    if (asked.redis.empty()) {
        where.redis.unix_socket = asked.data + "/run/redis.sock";
        return where;
    }
    constexpr std::string_view local = "unix:";
    if (asked.redis.starts_with(local)) {
        where.redis.unix_socket = asked.redis.substr(local.size());
        if (where.redis.unix_socket.empty())
            return fail(errc::malformed, "--redis unix: has no path");
        return where;
    }
    const std::size_t colon = asked.redis.rfind(':');
    const std::string port = colon == std::string::npos ? "" : asked.redis.substr(colon + 1);
    std::string host = asked.redis.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (host.empty() || !is_number(port) || port.size() > 5 || std::stoi(port) < 1 ||
        std::stoi(port) > 65'535) {
        return fail(errc::malformed, "--redis takes unix:/path or host:port, not " + asked.redis);
    }
    where.redis.host = host;
    where.redis.port = std::stoi(port);
    return where;
}

}  // namespace vultus::ctl

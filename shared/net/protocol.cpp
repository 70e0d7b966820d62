// Messages to bytes and back: one MessagePack map for each message. protocol_fields.hpp lists its
// keys once, for both directions. The only file with MessagePack; its exceptions end here.
#define MSGPACK_NO_BOOST
#include "shared/net/protocol.hpp"

#include <limits>
#include <msgpack.hpp>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/net/protocol_check.hpp"
#include "shared/net/protocol_fields.hpp"

namespace vultus::protocol {
namespace {

enum class command : unsigned char {
    ready = 0x01,
    heartbeat = 0x02,
    job = 0x03,
    done = 0x04,
    reload = 0x06,
    cancel = 0x08,
    drain = 0x09,
    bye = 0x0A,
    submit = 0x10,
    frame = 0x11,
    answer = 0x12,
    status = 0x13,
    drain_worker = 0x14,
    cancel_request = 0x15,
};

// ---- writing ----------------------------------------------------------------------------------

struct key_counter {
    std::uint32_t keys = 0;
    template <class T>
    void operator()(const char*, const T&) {
        ++keys;
    }
    template <class T>
    void id(const char*, const T&) {
        ++keys;
    }
};

class writer {
 public:
    explicit writer(msgpack::sbuffer& into) : out_(into) {}

    template <class T>
    void operator()(const char* key, const T& value) {
        put(std::string_view(key));
        put(value);
    }
    template <class T>
    void id(const char* key, const T& value) {
        (*this)(key, value);
    }

    template <class Message>
    void put_map(const Message& what) {
        key_counter counter;
        visit(counter, what);
        out_.pack_map(counter.keys);
        visit(*this, what);
    }

 private:
    void put(std::string_view text) {
        out_.pack_str(static_cast<std::uint32_t>(text.size()));
        out_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
    }
    void put(const std::string& text) { put(std::string_view(text)); }
    void put(bool value) { value ? out_.pack_true() : out_.pack_false(); }
    void put(std::uint32_t value) { out_.pack_uint64(value); }
    void put(std::uint64_t value) { out_.pack_uint64(value); }
    void put(std::int64_t value) { out_.pack_int64(value); }
    void put(double value) { out_.pack_double(value); }
    void put(unix_time value) { out_.pack_int64(value.count()); }
    void put(job_type value) { put(name_of(value)); }
    void put(const attempt_id& value) {
        out_.pack_array(2);
        put(value.job_id);
        put(value.attempt);
    }
    void put(const leased_job& value) { put_map(value); }
    void put(const worker_status& value) { put_map(value); }
    void put(const worker_load& value) { put_map(value); }
    template <class T>
    void put(const std::vector<T>& values) {
        out_.pack_array(static_cast<std::uint32_t>(values.size()));
        for (const T& value : values) put(value);
    }
    template <class T>
    void put(const std::map<std::string, T>& values) {
        out_.pack_map(static_cast<std::uint32_t>(values.size()));
        for (const auto& [key, value] : values) {
            put(key);
            put(value);
        }
    }

    msgpack::packer<msgpack::sbuffer> out_;
};

template <class Message>
std::string map_of(const Message& what) {
    msgpack::sbuffer bytes;
    writer(bytes).put_map(what);
    return {bytes.data(), bytes.size()};
}

// ---- reading ----------------------------------------------------------------------------------

class reader {
 public:
    explicit reader(const msgpack::object_map& map) : map_(map) {}

    template <class T>
    void operator()(const char* key, T& into) {
        take(key, into);
    }
    template <class T>
    void id(const char* key, T& into) {
        if (!take(key, into) && wrong_ == nullptr) wrong_ = key;
    }
    const char* wrong() const noexcept { return wrong_; }  ///< the first bad key, or null

 private:
    template <class T>
    bool take(const char* key, T& into) {
        for (std::uint32_t i = 0; i < map_.size; ++i) {
            const msgpack::object& name = map_.ptr[i].key;
            if (name.type != msgpack::type::STR || text_of(name) != key) continue;
            if (!get(map_.ptr[i].val, into) && wrong_ == nullptr) wrong_ = key;
            return true;
        }
        return false;
    }

    static std::string_view text_of(const msgpack::object& from) {
        return {from.via.str.ptr, from.via.str.size};
    }
    static bool get(const msgpack::object& from, std::string& into) {
        if (from.type != msgpack::type::STR) return false;
        into.assign(from.via.str.ptr, from.via.str.size);
        return true;
    }
    static bool get(const msgpack::object& from, bool& into) {
        if (from.type != msgpack::type::BOOLEAN) return false;
        into = from.via.boolean;
        return true;
    }
    static bool get(const msgpack::object& from, std::uint64_t& into) {
        if (from.type != msgpack::type::POSITIVE_INTEGER) return false;
        into = from.via.u64;
        return true;
    }
    static bool get(const msgpack::object& from, std::uint32_t& into) {
        std::uint64_t wide = 0;
        if (!get(from, wide) || wide > std::numeric_limits<std::uint32_t>::max()) return false;
        into = static_cast<std::uint32_t>(wide);
        return true;
    }
    static bool get(const msgpack::object& from, std::int64_t& into) {
        if (from.type == msgpack::type::NEGATIVE_INTEGER) {
            into = from.via.i64;
            return true;
        }
        std::uint64_t wide = 0;
        if (!get(from, wide) || wide > std::numeric_limits<std::int64_t>::max()) return false;
        into = static_cast<std::int64_t>(wide);
        return true;
    }
    static bool get(const msgpack::object& from, double& into) {
        const bool whole = from.type == msgpack::type::POSITIVE_INTEGER;  // msgpack-c writes 7.0 so
        into = whole ? static_cast<double>(from.via.u64) : from.via.f64;
        return whole || from.type == msgpack::type::FLOAT64 || from.type == msgpack::type::FLOAT32;
    }
    static bool get(const msgpack::object& from, unix_time& into) {
        std::int64_t ms = 0;
        if (!get(from, ms)) return false;
        into = unix_time(ms);
        return true;
    }
    static bool get(const msgpack::object& from, job_type& into) {
        if (from.type != msgpack::type::STR) return false;
        const auto named = job_type_named(text_of(from));
        if (named) into = *named;
        return named.has_value();
    }
    static bool get(const msgpack::object& from, attempt_id& into) {
        return from.type == msgpack::type::ARRAY && from.via.array.size == 2 &&
               get(from.via.array.ptr[0], into.job_id) && get(from.via.array.ptr[1], into.attempt);
    }
    static bool get(const msgpack::object& from, leased_job& into) { return get_map(from, into); }
    static bool get(const msgpack::object& from, worker_load& into) { return get_map(from, into); }
    static bool get(const msgpack::object& from, worker_status& into) {
        return get_map(from, into);
    }
    template <class T>
    static bool get_map(const msgpack::object& from, T& into) {
        if (from.type != msgpack::type::MAP) return false;
        reader inner(from.via.map);
        visit(inner, into);
        return inner.wrong() == nullptr;
    }
    template <class T>
    static bool get(const msgpack::object& from, std::vector<T>& into) {
        if (from.type != msgpack::type::ARRAY) return false;
        into.resize(from.via.array.size);
        for (std::uint32_t i = 0; i < from.via.array.size; ++i) {
            if (!get(from.via.array.ptr[i], into[i])) return false;
        }
        return true;
    }
    template <class T>
    static bool get(const msgpack::object& from, std::map<std::string, T>& into) {
        if (from.type != msgpack::type::MAP) return false;
        for (std::uint32_t i = 0; i < from.via.map.size; ++i) {
            std::string key;
            T value{};
            if (!get(from.via.map.ptr[i].key, key) || !get(from.via.map.ptr[i].val, value)) {
                return false;
            }
            into.insert_or_assign(std::move(key), value);
        }
        return true;
    }

    const msgpack::object_map& map_;
    const char* wrong_ = nullptr;
};

template <class Message>
result<message> read_map(std::string_view bytes) {
    // The library's own limits are 2^32 - 1: it would allocate what five bytes claim.
    const msgpack::unpack_limit limit(limits::map_elements, limits::map_elements, limits::map_bytes,
                                      0, 0, limits::map_depth);
    try {
        std::size_t end = 0;
        const msgpack::object_handle handle =
            msgpack::unpack(bytes.data(), bytes.size(), end, nullptr, nullptr, limit);
        if (end != bytes.size()) return fail(errc::malformed, "bytes after the map");
        if (handle.get().type != msgpack::type::MAP) return fail(errc::malformed, "not a map");
        reader from(handle.get().via.map);
        Message what;
        visit(from, what);
        if (from.wrong() != nullptr) {
            return fail(errc::malformed, std::string("key ") + from.wrong());
        }
        return message(std::move(what));
    } catch (const std::exception&) {
        return fail(errc::malformed, "not a MessagePack map within the limits");
    }
}

result<message> read_map_of(command what, direction which, std::string_view map) {
    const bool to_broker = which == direction::to_broker;
    const auto only = [&](bool right, result<message> (*read)(std::string_view)) {
        return right ? read(map) : result<message>(fail(errc::malformed, "wrong direction"));
    };
    switch (what) {
        case command::ready:
            return only(to_broker, read_map<ready>);
        case command::heartbeat:
            return to_broker ? read_map<worker_heartbeat>(map) : read_map<broker_heartbeat>(map);
        case command::job:
            return only(!to_broker, read_map<job>);
        case command::done:
            return only(to_broker, read_map<done>);
        case command::reload:
            return only(!to_broker, read_map<reload>);
        case command::cancel:
            return only(!to_broker, read_map<cancel>);
        case command::drain:
            return read_map<drain>(map);
        case command::bye:
            return read_map<bye>(map);
        case command::submit:
            return only(to_broker, read_map<submit>);
        case command::frame:
            return read_map<frame>(map);
        case command::answer:
            return read_map<answer>(map);
        case command::status:
            return to_broker ? read_map<status_request>(map) : read_map<status_reply>(map);
        case command::drain_worker:
            return only(to_broker, read_map<drain_worker>);
        case command::cancel_request:
            return only(to_broker, read_map<cancel_request>);
    }
    return fail(errc::wrong_version, "unknown command");
}

// ---- which command carries which message ------------------------------------------------------

struct command_of {
    command operator()(const ready&) const { return command::ready; }
    command operator()(const worker_heartbeat&) const { return command::heartbeat; }
    command operator()(const broker_heartbeat&) const { return command::heartbeat; }
    command operator()(const job&) const { return command::job; }
    command operator()(const done&) const { return command::done; }
    command operator()(const reload&) const { return command::reload; }
    command operator()(const cancel&) const { return command::cancel; }
    command operator()(const drain&) const { return command::drain; }
    command operator()(const bye&) const { return command::bye; }
    command operator()(const submit&) const { return command::submit; }
    command operator()(const frame&) const { return command::frame; }
    command operator()(const answer&) const { return command::answer; }
    command operator()(const status_request&) const { return command::status; }
    command operator()(const status_reply&) const { return command::status; }
    command operator()(const drain_worker&) const { return command::drain_worker; }
    command operator()(const cancel_request&) const { return command::cancel_request; }
};

/// Drops what does not fit into one message: first the galleries, then the names of models, then
/// workers from the end.
std::string map_of_status(status_reply reply) {
    std::string map = map_of(reply);
    if (map.size() <= limits::map_bytes) return map;
    for (worker_status& one : reply.workers) one.galleries.clear();
    map = map_of(reply);
    if (map.size() <= limits::map_bytes) return map;
    for (worker_status& one : reply.workers) one.detectors.clear(), one.embedders.clear();
    for (map = map_of(reply); map.size() > limits::map_bytes; map = map_of(reply)) {
        const std::size_t kept = reply.workers.size() * 7 / 8;
        reply.workers_left_out += reply.workers.size() - kept;
        reply.workers.resize(kept);
    }
    return map;
}

std::string encoded_map(const message& what) {
    if (const auto* reply = std::get_if<status_reply>(&what)) return map_of_status(*reply);
    return std::visit([](const auto& one) { return map_of(one); }, what);
}

}  // namespace

std::vector<shared_bytes> encode(const message& what) {
    const auto byte = static_cast<char>(std::visit(command_of{}, what));
    std::vector<shared_bytes> frames{shared_bytes(nullptr, magic), std::string(1, byte),
                                     encoded_map(what)};
    VULTUS_REQUIRE(frames[2].size() <= limits::map_bytes, "a message's map is within its limit");
    if (const auto* one = std::get_if<frame>(&what)) frames.push_back(one->image);
    if (const auto* one = std::get_if<answer>(&what)) frames.push_back(one->result);
    return frames;
}

result<message> decode(direction which, std::span<const shared_bytes> frames) {
    if (frames.empty() || frames[0].view() != magic)
        return fail(errc::wrong_version, "wrong magic");
    if (frames.size() < 3 || frames[1].size() != 1) return fail(errc::malformed, "frames");
    const auto what = static_cast<command>(static_cast<unsigned char>(frames[1].view().front()));
    if (frames[2].size() > limits::map_bytes) return fail(errc::malformed, "map is too long");
    result<message> read = read_map_of(what, which, frames[2]);
    if (!read) return read;
    auto* with_image = std::get_if<frame>(&*read);
    auto* with_result = std::get_if<answer>(&*read);
    const std::size_t wanted = with_image != nullptr || with_result != nullptr ? 4 : 3;
    if (frames.size() != wanted) return fail(errc::malformed, "wrong number of frames");
    if (wanted == 4 &&
        frames[3].size() > (with_image != nullptr ? limits::body_bytes : limits::result_bytes)) {
        return fail(errc::malformed, "payload is too long");
    }
    if (with_image != nullptr) with_image->image = frames[3];
    if (with_result != nullptr) with_result->result = frames[3].copied();
    if (const auto fine = check(*read); !fine) return fail(fine.error());
    return read;
}

}  // namespace vultus::protocol

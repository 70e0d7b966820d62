// The words of a job and the rules for the names in it. Part of the contract (job.hpp); pure.
#include "shared/model/job.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "shared/base/limits.hpp"

namespace vultus {
namespace {

constexpr std::array types{
    std::pair{job_type::recognize, "recognize"},
    std::pair{job_type::detect, "detect"},
    std::pair{job_type::embed, "embed"},
    std::pair{job_type::verify, "verify"},
    std::pair{job_type::train, "train"},
    std::pair{job_type::calibrate, "calibrate"},
    std::pair{job_type::reembed, "reembed"},
    std::pair{job_type::clear, "clear"},
    std::pair{job_type::forget, "forget"},
    std::pair{job_type::rename, "rename"},
    std::pair{job_type::merge, "merge"},
    std::pair{job_type::delete_collection, "delete_collection"},
};
constexpr std::array states{
    std::pair{job_state::pending, "pending"},     std::pair{job_state::running, "running"},
    std::pair{job_state::delayed, "delayed"},     std::pair{job_state::publishing, "publishing"},
    std::pair{job_state::succeeded, "succeeded"}, std::pair{job_state::failed, "failed"},
    std::pair{job_state::dead, "dead"},           std::pair{job_state::cancelled, "cancelled"},
};

constexpr std::array gates{
    std::pair{quality_gate::off, "off"},
    std::pair{quality_gate::standard, "standard"},
    std::pair{quality_gate::strict, "strict"},
};

template <class Names, class Value>
std::string_view name_in(const Names& names, Value wanted) noexcept {
    for (const auto& [value, name] : names) {
        if (value == wanted) return name;
    }
    return "";
}

template <class Value, class Names>
std::optional<Value> value_in(const Names& names, std::string_view wanted) noexcept {
    for (const auto& [value, name] : names) {
        if (wanted == name) return value;
    }
    return std::nullopt;
}

bool is_alphanumeric(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace

std::string_view name_of(device_kind kind) noexcept {
    return kind == device_kind::gpu ? "gpu" : "cpu";
}
device_kind preferred_device(std::string_view detector) noexcept {
    return detector == "cnn" ? device_kind::gpu : device_kind::cpu;
}
std::string_view name_of(job_type type) noexcept {
    return name_in(types, type);
}
std::string_view name_of(job_state state) noexcept {
    return name_in(states, state);
}
std::string_view name_of(job_priority priority) noexcept {
    return priority == job_priority::interactive ? "interactive" : "bulk";
}
std::optional<job_type> job_type_named(std::string_view name) noexcept {
    return value_in<job_type>(types, name);
}
std::optional<job_state> job_state_named(std::string_view name) noexcept {
    return value_in<job_state>(states, name);
}

bool is_terminal(job_state state) noexcept {
    return state == job_state::succeeded || state == job_state::failed ||
           state == job_state::dead || state == job_state::cancelled;
}

bool is_change(job_type type) noexcept {
    return !is_question(type) && type != job_type::train && type != job_type::calibrate &&
           type != job_type::reembed;
}

bool is_question(job_type type) noexcept {
    return type == job_type::recognize || may_lack_collection(type);
}

bool may_lack_collection(job_type type) noexcept {
    return type == job_type::detect || type == job_type::embed || type == job_type::verify;
}

result<void> check_detector(std::string_view name) {
    if (std::find(detector_names.begin(), detector_names.end(), name) != detector_names.end()) {
        return {};
    }
    return fail(errc::bad_option, "detector must be hog, cnn, centerface or yunet");
}

std::string_view name_of(quality_gate level) noexcept {
    return name_in(gates, level);
}
std::optional<quality_gate> quality_gate_named(std::string_view name) noexcept {
    return value_in<quality_gate>(gates, name);
}

result<quality_gate> check_quality_gate(std::string_view name) {
    if (const auto level = quality_gate_named(name)) return *level;
    return fail(errc::bad_option, "quality must be off, standard or strict");
}

bool turns_pictures(std::string_view detector) noexcept {
    return detector == "centerface" || detector == "yunet";
}

result<void> check_label(std::string_view label) {
    if (label.empty()) return fail(errc::bad_label, "The name is empty");
    if (label.size() > limits::label_bytes) {
        return fail(errc::bad_label, "The name is longer than 200 bytes of UTF-8");
    }
    if (label == "." || label == "..") {
        return fail(errc::bad_label, "The name must not be \".\" or \"..\"");
    }
    while (!label.empty()) {
        const auto character = take_character(label);
        if (!character) return fail(errc::bad_label, "The name is not valid UTF-8");
        if (is_control(*character)) {
            return fail(errc::bad_label, "The name contains a control character");
        }
        if (is_bidirectional_format(*character)) {
            return fail(errc::bad_label, "The name contains a text direction character");
        }
    }
    return {};
}

result<void> check_collection(std::string_view name) {
    constexpr const char* rule =
        "A collection name must be 1 to 64 of A-Z, a-z, 0-9, _ and -, and start with a letter or "
        "digit";
    if (name.empty() || name.size() > limits::collection_bytes || !is_alphanumeric(name.front())) {
        return fail(errc::bad_collection, rule);
    }
    for (const char c : name) {
        if (!is_alphanumeric(c) && c != '_' && c != '-') return fail(errc::bad_collection, rule);
    }
    return {};
}

}  // namespace vultus

// See import_report.hpp.
#include "clients/ctl/transfer/import_report.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"

namespace vultus::ctl {
namespace {

constexpr std::array states{file_state::imported,  file_state::would_import, file_state::known,
                            file_state::duplicate, file_state::refused,      file_state::unfinished,
                            file_state::skipped};
constexpr std::size_t state_width = 12;

bool is_there(file_state state) {
    return state == file_state::imported || state == file_state::would_import ||
           state == file_state::known;
}

std::size_t count_of(const std::vector<file_verdict>& files, file_state state) {
    std::size_t n = 0;
    for (const file_verdict& one : files) n += one.state == state ? 1 : 0;
    return n;
}

std::set<std::string> people_missed(const std::vector<file_verdict>& files) {
    std::set<std::string> missed;
    for (const file_verdict& one : files) {
        if (!one.label.empty()) missed.insert(one.label);
    }
    for (const file_verdict& one : files) {
        if (is_there(one.state)) missed.erase(one.label);
    }
    return missed;
}

void add_file(json_text& json, const file_verdict& one) {
    json.open_object().key("file").text(one.path).key("state").text(name_of(one.state));
    const std::array fields{std::pair{"label", &one.label}, std::pair{"reason", &one.reason},
                            std::pair{"detail", &one.detail}, std::pair{"job_id", &one.job_id}};
    for (const auto& [name, text] : fields) {
        if (!text->empty()) json.key(name).text(*text);
    }
    json.close_object();
}

}  // namespace

std::string_view name_of(file_state state) noexcept {
    switch (state) {
        case file_state::imported:
            return "imported";
        case file_state::would_import:
            return "would_import";
        case file_state::known:
            return "known";
        case file_state::duplicate:
            return "duplicate";
        case file_state::refused:
            return "refused";
        case file_state::unfinished:
            return "unfinished";
        case file_state::skipped:
            break;
    }
    return "skipped";
}

std::string line_of(const file_verdict& what) {
    std::string line(name_of(what.state));
    line.resize(std::max(line.size() + 1, state_width), ' ');
    line += visible(what.path);
    if (!what.reason.empty()) line += "  " + visible(what.reason);
    if (!what.detail.empty()) line += ": " + visible(what.detail);
    return line;
}

report import_report(const import_summary& about, const std::vector<file_verdict>& files) {
    json_text json;
    json.open_object().key("folder").text(about.source).key("collection").text(about.collection);
    if (!about.stopped.empty()) json.key("stopped").text(about.stopped);
    json.key("files").open_array();
    for (const file_verdict& one : files) add_file(json, one);
    json.close_array();
    std::string text = visible(about.source) + " into " + about.collection + ":";
    for (const file_state state : states) {
        const std::size_t n = count_of(files, state);
        json.key(name_of(state)).number(n);
        if (n == 0 && state != file_state::imported) continue;
        if (n == 0 && count_of(files, file_state::would_import) > 0) continue;
        text += std::string(text.back() == ':' ? " " : ", ") + std::to_string(n) + " " +
                std::string(name_of(state));
    }
    json.key("people_missed").open_array();
    std::string missed;
    for (const std::string& label : people_missed(files)) {
        json.text(label);
        missed += (missed.empty() ? "no photo imported for: " : ", ") + label;
    }
    json.close_array().close_object();
    report out{{{"", {}, text}}, json.str(), false};
    if (!missed.empty()) out.sections.push_back({"", {}, missed});
    if (!about.stopped.empty()) {
        out.sections.push_back({"", {}, "stopped before the end: " + visible(about.stopped)});
    }
    out.bad = !about.stopped.empty() || count_of(files, file_state::refused) > 0 ||
              count_of(files, file_state::unfinished) > 0 ||
              count_of(files, file_state::skipped) == files.size();
    return out;
}

error reason_of(std::string_view job_error) {
    const auto code = json_member(job_error, "code"), detail = json_member(job_error, "detail");
    if (const auto word = errc_named(detail.substr(detail.rfind(' ') + 1))) {
        return {*word, json_at(job_error, "/files/0/detail")};
    }
    return {errc_named(code).value_or(errc::internal), detail};
}

}  // namespace vultus::ctl

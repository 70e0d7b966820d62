// See model_files.hpp.
#include "clients/ctl/models/model_files.hpp"

#include <algorithm>
#include <string_view>

#include "clients/ctl/models/add_model.hpp"
#include "clients/ctl/models/program.hpp"
#include "clients/ctl/output/json_text.hpp"

namespace vultus::ctl {
namespace {

/// "omz_0095" stands for "omz_0095/unit", too.
bool is_asked(const std::vector<std::string>& names, const std::string& model) {
    return names.empty() || std::ranges::any_of(names, [&](const std::string& name) {
               return model == name || model.substr(0, model.find('/')) == name;
           });
}

/// Words that are numbers stay numbers.
void put(json_text& out, std::string_view key, const std::string& value) {
    if (value.empty()) return;
    out.key(key);
    if (value.find_first_not_of("0123456789.") == std::string::npos) {
        out.stored(value);
    } else {
        out.text(value);
    }
}

std::string json_of(const std::vector<model_line>& lines) {
    json_text out;
    out.open_object().key("models").open_array();
    for (const model_line& line : lines) {
        out.open_object();
        for (const char* key : {"model", "kind", "state", "why"}) {
            const std::string value = word_of(line, key);
            if (!value.empty()) out.key(key).text(value);
        }
        out.key("required").truth(word_of(line, "required") == "yes");
        for (const char* key : {"layers", "input", "dimension", "ms"}) {
            put(out, key, word_of(line, key));
        }
        for (const char* key : {"file", "licence", "training"}) {
            const std::string value = word_of(line, key);
            if (!value.empty()) out.key(key).text(value);
        }
        out.close_object();
    }
    return out.close_array().close_object().str();
}

table checked_table(const std::vector<model_line>& lines) {
    table shown{{{"model"},
                 {"kind"},
                 {"state"},
                 {"layers", side::right},
                 {"input"},
                 {"numbers", side::right},
                 {"licence"},
                 {"training data"}},
                {}};
    for (const model_line& line : lines) {
        shown.rows.push_back({word_of(line, "model"), word_of(line, "kind"), word_of(line, "state"),
                              word_of(line, "layers"), word_of(line, "input"),
                              word_of(line, "dimension"), word_of(line, "licence"),
                              word_of(line, "training")});
    }
    return shown;
}

table timed_table(const std::vector<model_line>& lines) {
    table shown{{{"model"}, {"kind"}, {"ms", side::right}, {"for one"}}, {}};
    for (const model_line& line : lines) {
        const std::string kind = word_of(line, "kind");
        if (word_of(line, "ms").empty()) continue;
        shown.rows.push_back({word_of(line, "model"), kind, word_of(line, "ms"),
                              kind == "detector" ? "picture of 640x480" : "face, in passes of 8"});
    }
    return shown;
}

/// A line for each model that does not run.
std::string faults_of(const std::vector<model_line>& lines) {
    std::string text;
    for (const model_line& line : lines) {
        if (word_of(line, "state") == "runs") continue;
        if (!text.empty()) text += '\n';
        text += word_of(line, "model") + ": " + word_of(line, "why");
    }
    return text;
}

result<report> checked(const arguments& asked, bool timed) {
    const auto worker = worker_program();
    if (!worker) return fail(worker.error());
    std::vector<std::string> words{*worker, "--check-models", asked.model.folder};
    if (timed) words.emplace_back("--timed");
    const auto end = run_to_end(words, true);
    if (!end) return fail(end.error());
    auto lines = model_lines(end->out);
    if (end->code > 1 || lines.empty()) {
        return fail(errc::internal,
                    "vultus-worker --check-models exited with " + std::to_string(end->code));
    }
    std::erase_if(lines, [&](const model_line& line) {
        return !is_asked(asked.model.names, word_of(line, "model"));
    });
    if (lines.empty()) return fail(errc::not_found, "no such model: " + asked.model.names.front());
    const bool named = !asked.model.names.empty();
    const bool bad = std::ranges::any_of(lines, [&](const model_line& line) {
        const std::string state = word_of(line, "state");
        return state == "refused" ||
               (state == "missing" && (named || word_of(line, "required") == "yes"));
    });
    return report{{{"", timed ? timed_table(lines) : checked_table(lines), faults_of(lines)}},
                  json_of(lines),
                  bad};
}

result<report> fetched(const arguments& asked) {
    const auto program = fetch_program();
    if (!program) return fail(program.error());
    std::vector<std::string> words{"python3", *program, "--folder", asked.model.folder};
    if (asked.model.names.empty()) words.emplace_back("models");
    words.insert(words.end(), asked.model.names.begin(), asked.model.names.end());
    const auto end = run_to_end(words, false);
    if (!end) return fail(end.error());
    if (end->code != 0) {
        return fail(errc::not_found, "a model could not be fetched; config/fetch.py says which");
    }
    arguments all = asked;
    // fetch.py takes names of manifests, of which dlib_resnet is another than its network's.
    all.model.names.clear();
    return checked(all, false);
}

}  // namespace

bool is_model_files(command what) noexcept {
    return what == command::models_fetch || what == command::models_check ||
           what == command::models_bench || what == command::models_add;
}

result<report> model_files(const arguments& asked) {
    if (asked.what == command::models_add) return add_model(asked);
    if (asked.what == command::models_fetch) return fetched(asked);
    return checked(asked, asked.what == command::models_bench);
}

}  // namespace vultus::ctl

// See add_model.hpp.
#include "clients/ctl/models/add_model.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "clients/ctl/models/program.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/config/known_models.hpp"
#include "shared/model/model_names.hpp"
#include "shared/security/output_file.hpp"

namespace vultus::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t onnx_bytes_max = std::uintmax_t{512} << 20;  // what workers read at most
constexpr std::size_t digits_in_name = 12;  // of the file's SHA-256: each version another file

/// A folder below that of the models, for what is not checked yet; removed at the end.
class staging_folder {
 public:
    staging_folder() = default;
    staging_folder(const staging_folder&) = delete;
    staging_folder& operator=(const staging_folder&) = delete;
    ~staging_folder() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    result<void> make(const std::string& folder) {
        std::string name = folder + "/.adding-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) {
            return fail(errc::not_found, folder + " cannot be written: " + std::strerror(errno));
        }
        path_ = name;
        return {};
    }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
    std::string path_;
};

/// A string of TOML.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    return out + "\"";
}

/// The number of an option as TOML has it, which knows no ".5".
std::string number_of(const std::string& text) {
    if (text.empty()) return text;
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    char number[40];
    const auto end = std::to_chars(number, number + sizeof number, value);
    return {number, end.ptr};
}

struct new_model {
    std::string name, file, sha256, dimension;  ///< the dimension empty while it is not known
};

std::string manifest_of(const new_model& model, const model_words& words) {
    std::string text = "# Made by vultusctl models add\n[embedder]\n";
    const auto line = [&](const char* key, const std::string& value) {
        if (!value.empty()) text += std::string(key) + " = " + value + "\n";
    };
    const auto words_line = [&](const char* key, const std::string& value) {
        if (!value.empty()) line(key, quoted(value));
    };
    line("name", quoted(model.name));
    line("file", quoted(model.file));
    line("sha256", quoted(model.sha256));
    line("alignment", quoted(words.alignment));
    line("order", quoted(words.channels));
    line("mean", number_of(words.mean));
    line("scale", number_of(words.scale));
    line("dimension", model.dimension);
    line("distance", number_of(words.distance));
    words_line("licence", words.licence);
    words_line("training", words.training);
    return text;
}

result<std::string> name_for(const arguments& asked) {
    const std::string name =
        asked.model.name.empty() ? fs::path(asked.file).stem().string() : asked.model.name;
    constexpr std::size_t longest = 32;
    if (!is_model_name(name) || name.size() > longest || name.find('/') != std::string::npos) {
        return fail(errc::malformed, name +
                                         " cannot be the name of a model: --name with 1 to 32 "
                                         "letters, digits, '-', '_' and '.'");
    }
    if (known_model_of(name) != nullptr) {
        return fail(errc::wrong_state,
                    name + " is a model that Vultus knows: choose another --name");
    }
    return name;
}

result<std::string> bytes_of(const std::string& path) {
    std::error_code why;
    if (!fs::is_regular_file(path, why)) {
        return fail(errc::not_found, path + " is no file that can be read");
    }
    if (fs::file_size(path, why) > onnx_bytes_max || why) {
        return fail(errc::too_large, path + " is larger than 512 MiB");
    }
    std::ifstream stream(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    if (!stream.bad() && !bytes.empty()) return bytes;
    return fail(errc::not_found, path + " is empty or cannot be read");
}

std::size_t manifests_in(const std::string& folder) {
    std::error_code why;
    std::size_t count = 0;
    for (fs::directory_iterator file(folder, why), end; !why && file != end; file.increment(why)) {
        if (file->path().extension() == ".toml") ++count;
    }
    return count;
}

/// What vultus-worker says of the manifest.
result<model_line> verdict_on(const std::string& manifest) {
    const auto worker = worker_program();
    if (!worker) return fail(worker.error());
    const auto end = run_to_end({*worker, "--check-model", manifest}, true);
    if (!end) return fail(end.error());
    auto lines = model_lines(end->out);
    if (lines.size() != 1 || end->code > 1) {
        return fail(errc::malformed, "the network ended vultus-worker (exit code " +
                                         std::to_string(end->code) + ") when it was tried");
    }
    if (word_of(lines.front(), "state") == "runs") return lines.front();
    return fail(errc::malformed, word_of(lines.front(), "why"));
}

result<void> give_name(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return fail(errc::internal, to + " cannot be written: " + std::strerror(errno));
}

/// What was renamed in it stays after a power failure.
void sync_folder(const std::string& folder) {
    const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0) return;
    ::fsync(handle);
    ::close(handle);
}

/// The files that `add` once made for a model of that name, but this one.
void remove_older(const std::string& folder, const new_model& model) {
    std::error_code why;
    std::vector<fs::path> old;
    const std::size_t bytes = model.file.size();
    for (fs::directory_iterator file(folder, why), end; !why && file != end; file.increment(why)) {
        const std::string name = file->path().filename().string();
        const bool made_here =
            name.size() == bytes && name.starts_with(model.name + ".") && name.ends_with(".onnx");
        if (made_here && name != model.file) old.push_back(file->path());
    }
    for (const fs::path& one : old) fs::remove(one, why);
}

report added(const new_model& model, const arguments& asked, const model_line& verdict) {
    const std::string full = model.name + "/unit";
    std::string text = full + " was added: " + word_of(verdict, "layers") + " layers, input " +
                       word_of(verdict, "input") + ", " + model.dimension + " numbers\n";
    if (asked.model.distance.empty()) {
        text +=
            "Workers offer it when they know its distance: measure it with\n"
            "  vultus-lfw --images DIR --pairs FILE --models " +
            asked.model.folder + " --embedder " + full +
            " --calibrate --table FILE\n"
            "and append FILE to that of worker.calibration, or give one with --distance or "
            "worker.distances\n";
    }
    text += "Restart the workers one after another: vultusctl drain WORKER";
    json_text out;
    out.open_object().key("model").text(full).key("manifest");
    out.text(asked.model.folder + "/" + model.name + ".toml").key("file").text(model.file);
    out.key("sha256").text(model.sha256).key("layers").stored(word_of(verdict, "layers"));
    out.key("dimension").stored(model.dimension).key("input").text(word_of(verdict, "input"));
    out.key("has_distance").truth(!asked.model.distance.empty());
    return report{{{"", {}, text}}, out.close_object().str()};
}

}  // namespace

result<report> add_model(const arguments& asked) {
    const std::string& folder = asked.model.folder;
    const auto name = name_for(asked);
    if (!name) return fail(name.error());
    const std::string manifest = folder + "/" + *name + ".toml";
    std::error_code why;
    const bool there = fs::exists(manifest, why);
    if (there && !asked.model.replace) {
        return fail(errc::wrong_state, manifest + " exists; --replace exchanges the model");
    }
    if (!there && manifests_in(folder) >= limits::own_models) {
        return fail(errc::wrong_state, folder + " has " + std::to_string(limits::own_models) +
                                           " manifests already, the most that workers read");
    }
    const auto bytes = bytes_of(asked.file);
    if (!bytes) return fail(bytes.error());
    staging_folder stage;
    if (auto made = stage.make(folder); !made) return fail(made.error());
    new_model model{*name, "", sha256_hex(*bytes), ""};
    model.file = *name + "." + model.sha256.substr(0, digits_in_name) + ".onnx";
    const std::string staged = stage.file(*name + ".toml");
    // Workers may run as another user, and vultusctl's files are private by default.
    const auto write = [&](const std::string& path, std::string_view text) -> result<void> {
        if (auto done = write_output_file(path, text, readers::all); !done) return done;
        fs::permissions(path, fs::perms{0644}, why);
        return {};
    };
    if (auto w = write(stage.file(model.file), *bytes); !w) return fail(w.error());
    if (auto w = write(staged, manifest_of(model, asked.model)); !w) return fail(w.error());
    const auto verdict = verdict_on(staged);
    if (!verdict) return fail(verdict.error());
    model.dimension = word_of(*verdict, "dimension");
    if (auto w = write(staged, manifest_of(model, asked.model)); !w) return fail(w.error());
    if (auto named = give_name(stage.file(model.file), folder + "/" + model.file); !named) {
        return fail(named.error());
    }
    if (auto named = give_name(staged, manifest); !named) return fail(named.error());
    remove_older(folder, model);
    sync_folder(folder);
    return added(model, asked, *verdict);
}

}  // namespace vultus::ctl

// OpenVINO's IR: XML and a file of weights to a graph. The only file that includes pugixml.
#include <immintrin.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <pugixml.hpp>
#include <set>

#include "workers/engine/importers/file_bytes.hpp"
#include "workers/engine/importers/graph.hpp"
#include "workers/engine/importers/importers.hpp"

namespace vultus {
namespace {

using namespace importers;

/// "1, 3,128" as numbers. errors  malformed
result<std::vector<long>> numbers_in(std::string_view text) {
    std::vector<long> made;
    while (!text.empty()) {
        const auto from = text.find_first_not_of(" \n\t");
        if (from == std::string_view::npos) break;
        long number = 0;
        const char* end = text.data() + text.size();
        const auto read = std::from_chars(text.data() + from, end, number);
        if (read.ec != std::errc()) return fail(errc::malformed, "has a list that is no numbers");
        made.push_back(number);
        text = std::string_view(read.ptr, static_cast<std::size_t>(end - read.ptr));
        const auto comma = text.find_first_not_of(" \n\t");
        if (comma == std::string_view::npos) break;
        if (text[comma] != ',') return fail(errc::malformed, "has a list that is no numbers");
        text.remove_prefix(comma + 1);
    }
    return made;
}

/// One layer of the file.
struct ir_layer {
    std::string id, name, type;
    std::map<std::string, std::string, std::less<>> data{};  ///< attributes, until they are read
    std::vector<std::string> inputs;                         ///< ports
    std::vector<std::string> outputs;                        ///< ports
    std::string output_name;  ///< that other tools know the first output by
    std::string label() const { return type + " layer \"" + name + "\""; }
};

std::string port_name(const std::string& layer, const std::string& port) {
    return layer + ":" + port;
}

class reader {
 public:
    explicit reader(std::string_view weights) : weights_(weights) {}

    result<graph> read(const pugi::xml_node& net) {
        const std::string version = net.attribute("version").value();
        if (version != "10" && version != "11") {
            return fail(errc::malformed, "not an OpenVINO IR of version 10 or 11");
        }
        for (const auto& one : net.child("layers")) take_layer(one);
        for (const auto& one : net.child("edges")) take_edge(one);
        if (fault_.empty()) sort();
        for (const std::size_t index : sorted_) {
            if (!fault_.empty()) break;
            now_ = &layers_[index];
            convert();
            if (fault_.empty() && !now_->data.empty()) {
                refuse("has an attribute that is not known: " + now_->data.begin()->first);
            }
        }
        if (fault_.empty() && made_.input.empty()) fault_ = "the file has no input";
        if (!fault_.empty()) return fail(errc::malformed, fault_);
        return std::move(made_);
    }

 private:
    void fault(const std::string& why) {
        if (fault_.empty()) fault_ = why;
    }
    void refuse(const std::string& why) { fault(now_->label() + " " + why); }

    // ---- the file's structure ----

    void take_layer(const pugi::xml_node& from) {
        ir_layer made;
        made.id = from.attribute("id").value();
        made.name = from.attribute("name").value();
        made.type = from.attribute("type").value();
        const std::string set = from.attribute("version").value();
        if (std::string(from.name()) != "layer" || made.id.empty() || set != "opset1") {
            return fault(made.label() + " is of the operator set \"" + set + "\", not opset1");
        }
        for (const auto& part : from.children()) {
            const std::string what = part.name();
            if (what == "data") {
                for (const auto& one : part.attributes()) made.data[one.name()] = one.value();
            } else if (what == "input" || what == "output") {
                auto& ports = what == "input" ? made.inputs : made.outputs;
                for (const auto& port : part.children("port")) {
                    ports.push_back(port.attribute("id").value());
                }
                if (what == "output") {
                    made.output_name = part.child("port").attribute("names").value();
                }
            } else if (what != "rt_info") {
                return fault(made.label() + " has a part that is not known: " + what);
            }
        }
        if (made.outputs.size() > 1) return fault(made.label() + " has several outputs");
        if (!by_id_.emplace(made.id, layers_.size()).second) {
            return fault("two layers have the id " + made.id);
        }
        layers_.push_back(std::move(made));
    }

    void take_edge(const pugi::xml_node& from) {
        const std::string layer = from.attribute("from-layer").value();
        const std::string port = from.attribute("from-port").value();
        const std::string to =
            port_name(from.attribute("to-layer").value(), from.attribute("to-port").value());
        const auto found = by_id_.find(layer);
        const bool is_port = found != by_id_.end() && layers_[found->second].outputs.size() == 1 &&
                             layers_[found->second].outputs[0] == port;
        if (!is_port) return fault("an edge begins at no output: " + port_name(layer, port));
        if (!sources_.emplace(to, found->second).second) {
            return fault("two edges end at " + to);
        }
    }

    /// Layers after those that they read.
    void sort() {
        std::vector<std::size_t> waits(layers_.size(), 0);
        std::vector<std::vector<std::size_t>> readers(layers_.size());
        std::size_t used = 0;
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            for (const std::string& port : layers_[i].inputs) {
                const auto found = sources_.find(port_name(layers_[i].id, port));
                if (found == sources_.end()) {
                    return fault(layers_[i].label() + " has no edge to its port " + port);
                }
                ++used;
                ++waits[i];
                readers[found->second].push_back(i);
            }
        }
        if (used != sources_.size()) return fault("an edge ends at no input");
        std::set<std::size_t> ready;  // the order of the file among those that can be next
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            if (waits[i] == 0) ready.insert(i);
        }
        while (!ready.empty()) {
            const std::size_t next = *ready.begin();
            ready.erase(ready.begin());
            sorted_.push_back(next);
            for (const std::size_t one : readers[next]) {
                if (--waits[one] == 0) ready.insert(one);
            }
        }
        if (sorted_.size() != layers_.size()) fault("the layers read one another in a circle");
    }

    // ---- one layer ----

    std::string text(const char* name, const char* otherwise = "") {
        const auto found = now_->data.find(name);
        if (found == now_->data.end()) return otherwise;
        std::string value = std::move(found->second);
        now_->data.erase(found);
        return value;
    }

    void only(const char* name, const char* value) {
        const std::string found = text(name, value);
        if (found != value) {
            refuse(std::string("has a value that is not supported: ") + name + "=\"" + found +
                   "\"");
        }
    }

    std::vector<long> list(const char* name) {
        auto numbers = numbers_in(text(name));
        if (!numbers) refuse(numbers.error().detail);
        return numbers ? *numbers : std::vector<long>{};
    }

    long whole(const char* name) {
        const auto numbers = list(name);
        if (numbers.size() != 1 || numbers[0] < 0) refuse(std::string("has no ") + name);
        return numbers.size() == 1 ? std::max(0L, numbers[0]) : 0;
    }

    void window(node& to) {
        only("auto_pad", "explicit");
        to.strides = list("strides");
        const auto begin = list("pads_begin"), end = list("pads_end");
        to.padding = begin;
        to.padding.insert(to.padding.end(), end.begin(), end.end());
        for (const long step : list("dilations")) {
            if (step != 1) refuse("has a dilated window");
        }
    }

    void pool(node& to) {
        window(to);
        to.kernel = list("kernel");
        only("rounding_type", "floor");
        text("exclude-pad");  // without padding it is all the same
    }

    void take_constant() {
        const std::string type = text("element_type");
        const std::map<std::string, std::size_t> sizes{{"f32", 4}, {"f16", 2}, {"i64", 8}};
        const auto size = sizes.find(type);
        if (size == sizes.end()) return refuse("has numbers of type " + type);
        constant made;
        made.dimensions = list("shape");
        const auto count = count_of(made.dimensions);
        const auto offset = static_cast<std::size_t>(whole("offset"));
        const auto bytes = static_cast<std::size_t>(whole("size"));
        if (!fault_.empty()) return;
        if (!count || bytes != *count * size->second || bytes > weights_.size() ||
            offset > weights_.size() - bytes) {
            return refuse("has not as many numbers in the file of weights as its shape says");
        }
        const char* from = weights_.data() + offset;
        if (type == "i64") {
            made.integers.resize(*count);
            if (bytes > 0) std::memcpy(made.integers.data(), from, bytes);
        } else {
            made.numbers.resize(*count);
            for (std::size_t i = 0; i < *count; ++i) {
                if (type == "f16") {
                    std::uint16_t half;
                    std::memcpy(&half, from + i * 2, 2);
                    made.numbers[i] = _cvtsh_ss(half);
                } else {
                    std::memcpy(&made.numbers[i], from + i * 4, 4);
                }
                if (!std::isfinite(made.numbers[i])) {
                    return refuse("has a number that is not finite");
                }
            }
        }
        made_.constants.emplace(output_of(*now_), std::move(made));
    }

    void take_parameter() {
        if (!made_.input.empty()) return refuse("is a second input");
        const std::string type = text("element_type");
        const auto shape = list("shape");
        if (!fault_.empty()) return;
        if (type != "f32" || shape.size() != 4 || shape[1] != 3) {
            return refuse("is not float32 [pictures][3][rows][columns]");
        }
        made_.input = output_of(*now_);
        made_.rows = std::max(0L, shape[2]);  // -1: any
        made_.columns = std::max(0L, shape[3]);
    }

    /// The value's name in the graph: its layer's id, of which there is one.
    static std::string output_of(const ir_layer& one) { return one.id; }

    std::vector<std::string> operands() {
        std::vector<std::string> names;
        for (const std::string& port : now_->inputs) {
            const std::string& id = layers_[sources_.at(port_name(now_->id, port))].id;
            const auto found = same_.find(id);
            names.push_back(found == same_.end() ? id : found->second);
        }
        return names;
    }

    void take_result() {
        const auto names = operands();
        if (names.size() != 1) return refuse("has not one operand");
        const ir_layer& from = layers_[by_id_.at(names[0])];
        made_.outputs.push_back(
            {from.output_name.empty() ? from.name : from.output_name, names[0]});
    }

    /// Half to single precision of a constant: done when the constant was read.
    void take_conversion() {
        const auto names = operands();
        only("destination_type", "f32");
        const auto found =
            names.size() == 1 ? made_.constants.find(names[0]) : made_.constants.end();
        if (found == made_.constants.end() || found->second.numbers.empty()) {
            return refuse("converts what is not a constant of floats");
        }
        same_[now_->id] = names[0];
    }

    void convert() {
        const std::string& type = now_->type;
        if (type == "Const") return take_constant();
        if (type == "Parameter") return take_parameter();
        if (type == "Result") return take_result();
        if (type == "Convert") return take_conversion();
        static const std::map<std::string, operation> known{
            {"Add", operation::add},
            {"AvgPool", operation::average_pool},
            {"Convolution", operation::convolution},
            {"GroupConvolution", operation::convolution},
            {"MatMul", operation::product},
            {"MaxPool", operation::max_pool},
            {"Multiply", operation::multiply},
            {"PReLU", operation::prelu},
            {"ReLU", operation::relu},
            {"Reshape", operation::reshape},
            {"Sigmoid", operation::sigmoid},
            {"Subtract", operation::subtract},
        };
        const auto found = known.find(type);
        if (found == known.end()) return refuse("is an operator that is not known");
        if (now_->outputs.size() != 1) return refuse("has no output");
        node made;
        made.label = now_->label();
        made.what = found->second;
        made.inputs = operands();
        made.output = output_of(*now_);
        take_attributes(made);
        made_.nodes.push_back(std::move(made));
    }

    void take_attributes(node& to) {
        switch (to.what) {
            case operation::convolution:
                window(to);
                to.group_dimension = now_->type == "GroupConvolution";
                return;
            case operation::average_pool:
            case operation::max_pool:
                return pool(to);
            case operation::add:
            case operation::multiply:
            case operation::subtract:
                return only("auto_broadcast", "numpy");
            case operation::prelu:
                to.slopes_by_channel = true;
                return;
            case operation::product:
                only("transpose_a", "false");
                to.transposed = text("transpose_b", "false") == "true";
                return;
            case operation::reshape:
                return only("special_zero", "true");
            default:
                return;
        }
    }

    std::string_view weights_;
    std::vector<ir_layer> layers_;
    std::map<std::string, std::size_t, std::less<>> by_id_{};
    std::map<std::string, std::size_t, std::less<>> sources_{};  ///< of an input port: whose output
    std::vector<std::size_t> sorted_;
    std::map<std::string, std::string, std::less<>> same_{};  ///< conversions: of which constant
    ir_layer* now_ = nullptr;
    graph made_;
    std::string fault_;
};

}  // namespace

result<network> parse_openvino(std::string_view xml, std::string_view weights,
                               const input_format& input) {
    if (xml.size() > model_bytes_max || weights.size() > model_bytes_max) {
        return fail(errc::malformed, "too long for a model");
    }
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_default)) {
        return fail(errc::malformed, "not an XML file, or one cut short");
    }
    auto made = reader(weights).read(document.child("net"));
    if (!made) return fail(made.error());
    return lowered(std::move(*made), input);
}

result<network> load_openvino(const std::string& xml_file, const std::string& bin_file,
                              const input_format& input) {
    const auto xml = file_bytes(xml_file);
    if (!xml) return fail(xml.error());
    const auto weights = file_bytes(bin_file);
    if (!weights) return fail(weights.error());
    auto list = parse_openvino(*xml, *weights, input);
    if (!list) return fail(list.error().code, xml_file + ": " + list.error().detail);
    return list;
}

}  // namespace vultus

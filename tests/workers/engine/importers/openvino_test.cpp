// OpenVINO's IR: what the importer makes of its layers, and what it refuses, by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "workers/engine/importers/importers.hpp"

namespace vultus {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A file, layer by layer; each reads the first outputs of others.
struct ir_file {
    std::string layers, edges, weights;
    std::string version = "11";

    void add(const std::string& id, const std::string& type, const std::string& data,
             const std::vector<std::string>& from = {}, const std::string& set = "opset1") {
        layers += "<layer id=\"" + id + "\" name=\"L" + id + "\" type=\"" + type + "\" version=\"" +
                  set + "\"><data " + data + "/>";
        if (!from.empty()) layers += "<input>";
        for (std::size_t i = 0; i < from.size(); ++i) {
            layers += "<port id=\"" + std::to_string(i) + "\"/>";
            edges += "<edge from-layer=\"" + from[i] + "\" from-port=\"9\" to-layer=\"" + id +
                     "\" to-port=\"" + std::to_string(i) + "\"/>";
        }
        if (!from.empty()) layers += "</input>";
        if (type != "Result") {
            layers += "<output><port id=\"9\" names=\"n" + id + "\"/></output>";
        }
        layers += "</layer>";
    }
    /// A constant of float32.
    void numbers(const std::string& id, const std::string& shape,
                 const std::vector<float>& values) {
        add(id, "Const",
            "element_type=\"f32\" shape=\"" + shape + "\" offset=\"" +
                std::to_string(weights.size()) + "\" size=\"" + std::to_string(values.size() * 4) +
                "\"");
        weights.append(reinterpret_cast<const char*>(values.data()), values.size() * 4);
    }
    void halves(const std::string& id, const std::string& shape,
                const std::vector<std::uint16_t>& values) {
        add(id, "Const",
            "element_type=\"f16\" shape=\"" + shape + "\" offset=\"" +
                std::to_string(weights.size()) + "\" size=\"" + std::to_string(values.size() * 2) +
                "\"");
        weights.append(reinterpret_cast<const char*>(values.data()), values.size() * 2);
    }
    std::string xml() const {
        return "<net name=\"t\" version=\"" + version + "\"><layers>" + layers +
               "</layers><edges>" + edges + "</edges><rt_info><odd/></rt_info></net>";
    }
};

const std::string window =
    R"(strides="1, 1" dilations="1, 1" pads_begin="0, 0" pads_end="0, 0" auto_pad="explicit")";
const std::string join = "auto_broadcast=\"numpy\"";

/// Layer c: a convolution of one pixel to two channels.
ir_file begin() {
    ir_file file;
    file.add("p", "Parameter", "shape=\"1,3,8,6\" element_type=\"f32\"");
    file.numbers("w", "2,3,1,1", {1, 2, 3, 4, 5, 6});
    file.add("c", "Convolution", window, {"p", "w"});
    return file;
}

network list_of(const ir_file& file) {
    const auto list = parse_openvino(file.xml(), file.weights, {});
    EXPECT_TRUE(list) << list.error().detail;
    return list ? *list : network{};
}

std::string refusal_of(const ir_file& file) {
    const auto list = parse_openvino(file.xml(), file.weights, {});
    if (list) return "none";
    EXPECT_EQ(list.error().code, errc::malformed);
    return list.error().detail;
}

/// What is said of a file that ends in that layer.
std::string refused(const std::string& type, const std::string& data,
                    const std::vector<std::string>& from = {"c"}) {
    ir_file file = begin();
    file.add("x", type, data, from);
    file.add("r", "Result", "", {"x"});
    return refusal_of(file);
}

TEST(openvino, a_convolution_takes_its_offset_and_half_precision_is_widened) {
    ir_file file = begin();
    file.halves("h", "1, 2, 1, 1", {0x3C00, 0xC000});  // 1, -2
    file.add("f", "Convert", "destination_type=\"f32\"", {"h"});
    file.add("a", "Add", join, {"c", "f"});
    file.numbers("s", "1", {0.25f});
    file.add("x", "PReLU", "", {"a", "s"});
    file.add("r", "Result", "", {"x"});
    const network net = list_of(file);
    ASSERT_EQ(net.layers.size(), 2u);
    EXPECT_THAT(net.layers[0].weights, ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(net.layers[0].bias, ElementsAre(1, -2));
    EXPECT_EQ(net.layers[1].kind, layer_kind::prelu);
    EXPECT_THAT(net.layers[1].weights, ElementsAre(0.25f));
    EXPECT_EQ(net.outputs, (std::vector<network_output>{{"nx", 2}}));
    EXPECT_EQ(net.input.rows, 8);
    EXPECT_EQ(net.input.columns, 6);
}

TEST(openvino, groups_pools_and_squeeze_and_excite) {
    ir_file file = begin();
    file.numbers("g", "2,1,1,3,3", std::vector<float>(18, 0.5f));
    file.add(
        "d", "GroupConvolution",
        R"(strides="2, 2" dilations="1, 1" pads_begin="1, 1" pads_end="1, 1" auto_pad="explicit")",
        {"c", "g"});
    file.add("m", "AvgPool",
             R"(kernel="4, 3" strides="4, 4" pads_begin="0, 0" pads_end="0, 0" exclude-pad="true" )"
             R"(auto_pad="explicit" rounding_type="floor")",
             {"d"});
    file.add("s", "Sigmoid", "", {"m"});
    file.add("x", "Multiply", join, {"d", "s"});
    file.add("r", "Result", "", {"x"});
    const network net = list_of(file);
    ASSERT_EQ(net.layers.size(), 5u);
    EXPECT_EQ(net.layers[1].groups, 2);
    EXPECT_EQ(net.layers[1].stride, 2);
    EXPECT_EQ(net.layers[2].kind, layer_kind::average_pool);
    EXPECT_EQ(net.layers[4].kind, layer_kind::multiply);
    EXPECT_EQ(net.layers[4].plus, 4u);
}

TEST(openvino, slopes_in_a_list_are_one_a_channel) {
    ir_file file = begin();
    file.numbers("s", "2", {0.25f, 0.5f});
    file.add("x", "PReLU", "", {"c", "s"});
    file.add("r", "Result", "", {"x"});
    EXPECT_THAT(list_of(file).layers.back().weights, ElementsAre(0.25f, 0.5f));
}

TEST(openvino, layers_may_stand_in_any_order) {
    ir_file file;
    file.add("r", "Result", "", {"x"});
    file.add("x", "ReLU", "", {"c"});
    file.add("c", "Convolution", window, {"p", "w"});
    file.numbers("w", "2,3,1,1", {1, 2, 3, 4, 5, 6});
    file.add("p", "Parameter", "shape=\"1,3,-1,-1\" element_type=\"f32\"");
    const network net = list_of(file);
    EXPECT_EQ(net.layers.size(), 2u);
    EXPECT_EQ(net.input.rows, 0);
}

TEST(openvino_refuses, layers_and_attributes_by_name) {
    EXPECT_EQ(refused("ReLU", ""), "none");
    EXPECT_THAT(refused("Softmax", ""),
                AllOf(HasSubstr("Softmax layer \"Lx\""), HasSubstr("not known")));
    EXPECT_THAT(refused("ReLU", "odd=\"1\""), HasSubstr("odd"));
    EXPECT_THAT(refused("Add", "auto_broadcast=\"pdpd\"", {"c", "c"}), HasSubstr("pdpd"));
    EXPECT_THAT(refused("Convolution", window, {"c", "w"}), HasSubstr("channels than 2"));
    EXPECT_THAT(refused("MaxPool", window + R"( kernel="2, 2" rounding_type="ceil")"),
                HasSubstr("rounding_type=\"ceil\""));
    EXPECT_THAT(refused("MaxPool", window + R"( kernel="2; 2")"), HasSubstr("no numbers"));
    EXPECT_THAT(refused("MaxPool", window + R"( kernel="99999999999999999999")"),
                HasSubstr("no numbers"));
    EXPECT_THAT(refused("Convert", "destination_type=\"f32\""), HasSubstr("not a constant"));
    ir_file newer = begin();
    newer.add("x", "ReLU", "", {"c"}, "opset9");
    EXPECT_THAT(refusal_of(newer), HasSubstr("opset9"));
}

TEST(openvino_refuses, edges_that_do_not_fit) {
    ir_file circle = begin();
    circle.add("x", "ReLU", "", {"y"});
    circle.add("y", "ReLU", "", {"x"});
    EXPECT_THAT(refusal_of(circle), HasSubstr("circle"));
    EXPECT_THAT(refused("ReLU", "", {"nowhere"}), HasSubstr("begins at no output"));
    ir_file missing = begin();
    missing.add("x", "ReLU", "", {"c"});
    missing.edges.erase(missing.edges.rfind("<edge"));
    EXPECT_THAT(refusal_of(missing), HasSubstr("no edge to its port"));
    ir_file twice = begin();
    twice.edges += twice.edges.substr(0, twice.edges.find("/>") + 2);
    EXPECT_THAT(refusal_of(twice), HasSubstr("two edges"));
    ir_file stray = begin();
    stray.edges += R"(<edge from-layer="c" from-port="9" to-layer="zz" to-port="0"/>)";
    EXPECT_THAT(refusal_of(stray), HasSubstr("ends at no input"));
    ir_file same = begin();
    same.numbers("w", "1", {1});
    EXPECT_THAT(refusal_of(same), HasSubstr("two layers have the id w"));
}

TEST(openvino_refuses, numbers_that_the_file_of_weights_does_not_have) {
    const auto constant = [](const std::string& type, const std::string& shape,
                             const std::string& offset, const std::string& size) {
        ir_file file = begin();
        file.add("k", "Const",
                 "element_type=\"" + type + "\" shape=\"" + shape + "\" offset=\"" + offset +
                     "\" size=\"" + size + "\"");
        file.add("x", "Add", join, {"c", "k"});
        file.add("r", "Result", "", {"x"});
        return refusal_of(file);
    };
    EXPECT_EQ(constant("f32", "1", "20", "4"), "none");
    EXPECT_THAT(constant("f32", "1", "21", "4"), HasSubstr("Const layer \"Lk\""));
    EXPECT_THAT(constant("f32", "1", "9223372036854775807", "4"), HasSubstr("as its shape says"));
    EXPECT_THAT(constant("f32", "2", "0", "4"), HasSubstr("as its shape says"));
    EXPECT_THAT(constant("f32", "1099511627776,1099511627776", "0", "4"),
                HasSubstr("as its shape"));
    EXPECT_THAT(constant("f32", "-1", "0", "4"), HasSubstr("as its shape says"));
    EXPECT_THAT(constant("f32", "1", "-4", "4"), HasSubstr("has no offset"));
    EXPECT_THAT(constant("u8", "4", "0", "4"), HasSubstr("type u8"));
    ir_file file = begin();
    file.halves("k", "1", {0x7C00});  // infinity
    EXPECT_THAT(refusal_of(file), HasSubstr("finite"));
}

TEST(openvino_refuses, other_files) {
    EXPECT_THAT(parse_openvino("", "", {}).error().detail, HasSubstr("not an XML file"));
    EXPECT_THAT(parse_openvino("<net", "", {}).error().detail, HasSubstr("not an XML file"));
    EXPECT_THAT(parse_openvino("<other/>", "", {}).error().detail, HasSubstr("version 10 or 11"));
    ir_file old = begin();
    old.version = "7";
    EXPECT_THAT(refusal_of(old), HasSubstr("version 10 or 11"));
    EXPECT_THAT(refusal_of(ir_file{}), HasSubstr("no input"));
    EXPECT_THAT(refusal_of(begin()), HasSubstr("no output"));
    ir_file whole = begin();
    whole.add("r", "Result", "", {"c"});
    EXPECT_EQ(refusal_of(whole), "none");
    const std::string xml = whole.xml();
    for (std::size_t kept = 0; kept < xml.size(); ++kept) {
        EXPECT_FALSE(parse_openvino(std::string_view(xml).substr(0, kept), whole.weights, {}))
            << kept;
    }
    EXPECT_FALSE(parse_openvino(xml, std::string_view(whole.weights).substr(1), {}));
    EXPECT_EQ(load_openvino("/nowhere.xml", "/nowhere.bin", {}).error().code, errc::not_found);
    ir_file gray;
    gray.add("p", "Parameter", "shape=\"1,1,8,8\" element_type=\"f32\"");
    EXPECT_THAT(refusal_of(gray), HasSubstr("[pictures][3][rows][columns]"));
    ir_file two = begin();
    two.add("q", "Parameter", "shape=\"1,3,8,6\" element_type=\"f32\"");
    EXPECT_THAT(refusal_of(two), HasSubstr("second input"));
}

}  // namespace
}  // namespace vultus

// The walk over a graph that makes a layer list: what is known of the values so far, and a refusal
// in words. Its parts lie in lower.cpp (the walk), lower_windows.cpp (convolutions and pools) and
// lower_numbers.cpp (constants, products, other shapes of the same numbers).
#pragma once

#include "workers/engine/importers/graph.hpp"

namespace vultus::importers {

/// How a value of the file has its numbers, beside those of the list, which are planes.
enum class order {
    planes,         ///< [picture][channel][row][column]
    channels_last,  ///< [picture][row][column][channel]
    pixels,         ///< [picture][pixel][channel]
    flat            ///< [picture][number], numbers as in planes
};

struct value {
    std::size_t number = 0;  ///< in the list
    tensor_shape shape;      ///< rows and columns 0 if unknown
    order lies = order::planes;
    bool size_known() const { return shape.rows > 0 && shape.columns > 0; }
    bool one_pixel() const { return shape.rows == 1 && shape.columns == 1; }
};

/// "[1,2]", for messages.
std::string text_of(const std::vector<long>& numbers);

/// threads   one; used once
class lowerer {
 public:
    lowerer(graph from, const input_format& input);
    result<network> list();

 private:
    // ---- refusals and operands ----

    void refuse(const std::string& why);

    /// The operand's name, or empty if it is left out.
    std::string name_of(std::size_t index) const;
    const constant* constant_at(std::size_t index) const;

    /// The operand, which has to be a value that is computed.
    value value_at(std::size_t index);
    value planes_at(std::size_t index);

    /// The operand's floats, which have to be constants.
    const constant& numbers_at(std::size_t index);
    void inputs_at_most(std::size_t count);

    // ---- results ----

    /// A layer that reads `from`, not yet in the list.
    static layer over(layer_kind kind, const value& from, std::size_t plus = 0);

    /// Adds the layer, and its value under the node's name.
    void put(layer one, const value& from, const tensor_shape& plus, long channels,
             order lies = order::planes);
    void put_same(layer one, const value& from);

    /// The operand under another name, its numbers lying otherwise.
    void rename(value from, order lies);

    // ---- the operations ----

    void lower(const node& one);
    void rename_same();
    void unary(layer_kind kind);

    /// The node's window onto a layer.
    void take_window(layer& one, const std::vector<long>& kernel);

    /// Weights [a][b][rows][columns], with the window.
    const constant& weights_at(std::size_t index, layer& one, std::size_t dimensions);

    /// One number for each of `count`, zeros if the operand is left out.
    std::vector<float> bias_at(std::size_t index, long count);
    void convolve();
    void convolve_back();
    void pool(layer_kind kind);
    void average_all();
    void repeat();

    // ---- factors and offsets ----

    /// A constant operand as one number a channel of `to`, by the rules of broadcasting.
    std::vector<float> by_channel(const constant& from, const value& to);
    void scale(const value& from, std::vector<float> factors, std::vector<float> offsets);
    std::vector<float> all(const value& of, float number) const;

    /// One constant operand: its index; else 2.
    std::size_t constant_index();
    void add(float sign);
    void subtract();
    void multiply();
    void divide();
    void normalize();
    void prelu();

    // ---- other shapes of the same numbers ----

    void flatten();
    void transpose();
    void reshape();
    void product();

    graph graph_;
    network net_;
    std::map<std::string, value, std::less<>> values_{};
    const node* now_ = nullptr;
    std::size_t numbers_ = 0;       ///< weights and biases of the list so far
    std::size_t numbers_most_ = 0;  ///< a constant may have many readers, but not any number
    std::string fault_;
};

}  // namespace vultus::importers

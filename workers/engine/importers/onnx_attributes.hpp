// The attributes of an ONNX node, as onnx.cpp asks for them.
#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <string>
#include <vector>

namespace vultus::importers {

/// The attributes of a node, each taken once; what nobody takes is not known.
class attributes {
 public:
    explicit attributes(const onnx::NodeProto& from) {
        for (const auto& one : from.attribute()) {
            if (!left_.emplace(one.name(), &one).second) wrong_ = one.name();
        }
    }

    std::vector<long> integers(const char* name, std::vector<long> otherwise) {
        const auto* one = take(name, onnx::AttributeProto::INTS);
        if (one == nullptr) return otherwise;
        return {one->ints().begin(), one->ints().end()};
    }
    long integer(const char* name, long otherwise) {
        const auto* one = take(name, onnx::AttributeProto::INT);
        return one == nullptr ? otherwise : one->i();
    }
    float number(const char* name, float otherwise) {
        const auto* one = take(name, onnx::AttributeProto::FLOAT);
        return one == nullptr ? otherwise : one->f();
    }
    std::string text(const char* name, std::string otherwise) {
        const auto* one = take(name, onnx::AttributeProto::STRING);
        return one == nullptr ? otherwise : one->s();
    }
    const onnx::TensorProto* tensor(const char* name) {
        const auto* one = take(name, onnx::AttributeProto::TENSOR);
        return one == nullptr ? nullptr : &one->t();
    }
    /// Notes it as a value that is not supported unless it is this one.
    void only(const char* name, long value, long otherwise) {
        if (integer(name, otherwise) != value) wrong_ = name;
    }

    /// The attribute that is not known, not of its type or not supported; empty if none is.
    std::string wrong() const {
        return wrong_.empty() && !left_.empty() ? left_.begin()->first : wrong_;
    }

 private:
    const onnx::AttributeProto* take(const char* name, onnx::AttributeProto::AttributeType type) {
        const auto found = left_.find(name);
        if (found == left_.end()) return nullptr;
        const onnx::AttributeProto* one = found->second;
        left_.erase(found);
        if (one->type() != type || !one->ref_attr_name().empty()) wrong_ = name;
        return one;
    }

    std::map<std::string, const onnx::AttributeProto*, std::less<>> left_{};
    std::string wrong_;
};

}  // namespace vultus::importers

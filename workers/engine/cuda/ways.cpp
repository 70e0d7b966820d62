// The heuristics' word on each engine, without those that are not wanted.
#include "workers/engine/cuda/ways.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace vultus::cuda {
namespace {

/// The notes of an engine; none if cuDNN does not say.
template <typename Note, std::size_t Most>
std::vector<Note> notes_of(cudnnBackendDescriptor_t engine, cudnnBackendAttributeName_t what,
                           cudnnBackendAttributeType_t type) {
    std::array<Note, Most> notes{};
    std::int64_t count = 0;
    const auto status = cudnnBackendGetAttribute(engine, what, type, Most, &count, notes.data());
    if (status != CUDNN_STATUS_SUCCESS) count = 0;
    return {notes.begin(), notes.begin() + std::min<std::int64_t>(count, Most)};
}

bool is_wanted(cudnnBackendDescriptor_t engine) {
    const auto numbers = notes_of<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT>(
        engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE);
    const auto behaviour = notes_of<cudnnBackendBehaviorNote_t, CUDNN_BEHAVIOR_NOTE_TYPE_COUNT>(
        engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE);
    const auto unwanted = [](cudnnBackendNumericalNote_t note) {
        return note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION ||
               note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC || note == CUDNN_NUMERICAL_NOTE_FFT ||
               (note >= CUDNN_NUMERICAL_NOTE_WINOGRAD &&
                note <= CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13);
    };
    return std::none_of(numbers.begin(), numbers.end(), unwanted) &&
           std::find(behaviour.begin(), behaviour.end(), CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) ==
               behaviour.end();
}

/// The engine of a configuration.
cudnnStatus_t engine_of(const part& config, part& engine) {
    std::int64_t count = 0;
    return calls()
        .then([&] { return engine.create(CUDNN_BACKEND_ENGINE_DESCRIPTOR); })
        .then([&] {
            cudnnBackendDescriptor_t to = engine.get();
            return cudnnBackendGetAttribute(config.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                            CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &to);
        })
        .status();
}

/// Engine and knobs: "32 2=9 13=1".
cudnnStatus_t describe_engine(const part& config, plan_info& info) {
    constexpr std::int64_t knobs_most = 16;
    part engine;
    std::int64_t number = 0, count = 0;
    const cudnnStatus_t status =
        calls()
            .then([&] { return engine_of(config, engine); })
            .then([&] {
                return cudnnBackendGetAttribute(engine.get(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX,
                                                CUDNN_TYPE_INT64, 1, &count, &number);
            })
            .status();
    if (status != CUDNN_STATUS_SUCCESS) return status;
    int written = std::snprintf(info.engine, sizeof info.engine, "%ld", static_cast<long>(number));
    std::array<part, knobs_most> knobs;
    std::array<cudnnBackendDescriptor_t, knobs_most> raw{};
    for (std::size_t i = 0; i < knobs.size(); ++i) {
        knobs[i].create(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
        raw[i] = knobs[i].get();
    }
    std::int64_t found = 0;
    if (cudnnBackendGetAttribute(config.get(), CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, knobs_most, &found,
                                 raw.data()) != CUDNN_STATUS_SUCCESS) {
        return CUDNN_STATUS_SUCCESS;  // an engine without knobs
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::min(found, knobs_most)); ++i) {
        cudnnBackendKnobType_t type{};
        std::int64_t value = 0;
        cudnnBackendGetAttribute(raw[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1,
                                 &count, &type);
        cudnnBackendGetAttribute(raw[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1,
                                 &count, &value);
        const std::size_t room = sizeof info.engine - static_cast<std::size_t>(written);
        const int more = std::snprintf(info.engine + written, room, " %d=%ld",
                                       static_cast<int>(type), static_cast<long>(value));
        if (more < 0 || static_cast<std::size_t>(more) >= room) break;
        written += more;
    }
    return CUDNN_STATUS_SUCCESS;
}

}  // namespace

/// What one mode of the heuristics names. That it knows nothing is no error.
cudnnStatus_t convolution_ways::ask(cudnnBackendHeurMode_t mode) {
    part heuristics;
    std::int64_t count = 0;
    const cudnnStatus_t asked =
        calls()
            .then([&] { return heuristics.create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR); })
            .then([&] {
                return set(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH,
                           CUDNN_TYPE_BACKEND_DESCRIPTOR, graph_.get());
            })
            .then([&] {
                return set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
            })
#if CUDNN_VERSION >= 90800
            .then([&] {
                return whom_.properties == nullptr
                           ? CUDNN_STATUS_SUCCESS
                           : set(heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, whom_.properties);
            })
#endif
            .then([&] { return heuristics.finalize(); })
            .then([&] {
                return cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr);
            })
            .status();
    if (asked != CUDNN_STATUS_SUCCESS) return asked;
    std::vector<part> found(static_cast<std::size_t>(count));
    std::vector<cudnnBackendDescriptor_t> raw;
    for (part& one : found) {
        const auto created = one.create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
        if (created != CUDNN_STATUS_SUCCESS) return created;
        raw.push_back(one.get());
    }
    const auto got =
        cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, raw.data());
    if (got != CUDNN_STATUS_SUCCESS) return got;
    found.resize(static_cast<std::size_t>(count));
    for (part& one : found) {
        part engine;
        if (engine_of(one, engine) != CUDNN_STATUS_SUCCESS || !is_wanted(engine.get())) continue;
        configs_.push_back(std::move(one));
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t convolution_ways::find(const convolution& what, const planned_for& whom) {
    whom_ = whom;
    if (const auto status = convolution_graph(what, whom.handle, pieces_, graph_);
        status != CUDNN_STATUS_SUCCESS)
        return status;
    const cudnnStatus_t chosen = ask(CUDNN_HEUR_MODE_A), always = ask(CUDNN_HEUR_MODE_FALLBACK);
    return configs_.empty() && chosen != CUDNN_STATUS_SUCCESS ? chosen
           : configs_.empty()                                 ? always
                                                              : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t convolution_ways::plan(std::size_t rank, part& made, plan_info& info) const {
    std::int64_t count = 0, workspace = 0;
    const auto status =
        calls()
            .then([&] { return made.create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR); })
            .then([&] {
                return set(made, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                           CUDNN_TYPE_BACKEND_DESCRIPTOR, configs_[rank].get());
            })
            .then([&] {
                return whom_.handle == nullptr ? CUDNN_STATUS_SUCCESS
                                               : set(made, CUDNN_ATTR_EXECUTION_PLAN_HANDLE,
                                                     CUDNN_TYPE_HANDLE, whom_.handle);
            })
#if CUDNN_VERSION >= 90800
            .then([&] {
                return whom_.properties == nullptr
                           ? CUDNN_STATUS_SUCCESS
                           : set(made, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, whom_.properties);
            })
#endif
            .then([&] { return made.finalize(); })
            .then([&] {
                return cudnnBackendGetAttribute(made.get(),
                                                CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                                CUDNN_TYPE_INT64, 1, &count, &workspace);
            })
            .then([&] { return describe_engine(configs_[rank], info); })
            .status();
    info.workspace_bytes = static_cast<std::size_t>(workspace);
    return status;
}

}  // namespace vultus::cuda

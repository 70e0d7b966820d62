// See metrics.hpp. The only file with prometheus-cpp. Only its registry and text serializer are
// used; the api's own server serves /metrics.
#include "shared/base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

namespace vultus {
namespace {

prometheus::Histogram::BucketBoundaries boundaries() {
    return {1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 30'000};
}

}  // namespace

struct metrics::state {
    using label_map = std::map<std::string, std::string>;

    prometheus::Registry registry;
    std::mutex families;  ///< guards the three maps; the values themselves are atomic
    std::map<std::string, prometheus::Family<prometheus::Counter>*> counters;
    std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauges;
    std::map<std::string, prometheus::Family<prometheus::Histogram>*> histograms;

    /// The first use of a name fixes its kind (counter, gauge, histogram); the library refuses
    /// another.
    template <class Kind, class Build>
    prometheus::Family<Kind>& family(std::map<std::string, prometheus::Family<Kind>*>& known,
                                     std::string_view name, Build build) {
        const std::lock_guard lock(families);
        auto*& one = known[std::string(name)];
        if (one == nullptr) one = &build().Name(std::string(name)).Register(registry);
        return *one;
    }

    static label_map converted(labels from) {
        label_map map;
        for (const auto& [key, value] : from) map.emplace(key, value);
        return map;
    }
};

metrics::metrics() : state_(std::make_unique<state>()) {}
metrics::~metrics() = default;

void metrics::count(std::string_view name, labels with, double by) {
    state_->family(state_->counters, name, prometheus::BuildCounter)
        .Add(state::converted(with))
        .Increment(by);
}

void metrics::set(std::string_view name, double value, labels with) {
    state_->family(state_->gauges, name, prometheus::BuildGauge)
        .Add(state::converted(with))
        .Set(value);
}

void metrics::observe_ms(std::string_view name, double milliseconds, labels with) {
    state_->family(state_->histograms, name, prometheus::BuildHistogram)
        .Add(state::converted(with), boundaries())
        .Observe(milliseconds);
}

std::string metrics::text() const {
    return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace vultus

// Counters, gauges and histograms of one process, and their Prometheus text. prometheus-cpp lives
// in metrics.cpp. Names are vultus_<noun>_<unit>; labels have few values (never a person's name).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace vultus {

/// threads   any
class metrics {
 public:
    metrics();
    ~metrics();
    using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
    void count(std::string_view name, labels = {}, double by = 1);
    void set(std::string_view name, double value, labels = {});
    void observe_ms(std::string_view name, double milliseconds, labels = {});
    std::string text() const;

 private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace vultus

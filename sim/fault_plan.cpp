#include "sim/fault_plan.h"

#include <cmath>
#include <functional>

#include "starling/rng.h"

namespace starling::sim {

namespace {

Duration seconds(double count) {
  return Duration(static_cast<Duration::rep>(count * 1e9));
}

}  // namespace

std::vector<Fault> draw_faults(const RandomFaults& rule, std::uint32_t nodes, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Fault> faults;
  const auto any_node = [&] { return static_cast<std::uint32_t>(rng.below(nodes)); };
  const auto arrive = [&](double per_s, const std::function<Fault(Instant)>& make) {
    if (per_s <= 0) return;
    const auto gap = [&] { return seconds(-std::log(1.0 - rng.uniform()) / per_s); };
    for (Instant at = rule.from + gap(); at < rule.until; at = at + gap()) {
      faults.push_back(make(at));
    }
  };
  arrive(rule.crashes_per_s, [&](Instant at) { return Fault{at, Crash{any_node(), rule.down}}; });
  arrive(rule.pauses_per_s, [&](Instant at) { return Fault{at, Pause{any_node(), rule.pause}}; });
  arrive(rule.cuts_per_s, [&](Instant at) {
    const std::uint32_t a = any_node();
    const auto step = static_cast<std::uint32_t>(1 + rng.below(nodes - 1));
    return Fault{at, Cut{a, (a + step) % nodes}};
  });
  return faults;
}

}  // namespace starling::sim

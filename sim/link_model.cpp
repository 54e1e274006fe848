#include "sim/link_model.h"

#include <algorithm>

namespace starling::sim {

Duration LinkModel::travel_time() {
  const auto spread = static_cast<double>(rule_.jitter.count());
  return rule_.latency + Duration(static_cast<Duration::rep>(spread * rng_.uniform()));
}

Duration LinkModel::sending_time(std::size_t bytes) const {
  const double bits = static_cast<double>(bytes) * 8;
  const double nanoseconds = bits / rule_.uplink_mbit_s * 1e3;
  return Duration(static_cast<Duration::rep>(nanoseconds));
}

Instant LinkModel::control_arrival(std::uint32_t from, std::size_t bytes, Instant now) {
  const Duration time = sending_time(bytes);
  Instant& free = control_free_[from];
  free = std::max(free, now) + time;
  uplink_free_[from] = std::max(uplink_free_[from], now) + time;
  return free + travel_time();
}

Instant LinkModel::bulk_arrival(std::uint32_t from, std::size_t bytes, Instant now) {
  Instant& free = uplink_free_[from];
  free = std::max(free, now) + sending_time(bytes);
  return free + travel_time();
}

}  // namespace starling::sim

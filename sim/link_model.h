#pragma once
// How long bytes travel. All that a node sends shares its uplink, first come first served; control
// messages overtake bulk that waits, as a session's priorities let them, and take its time.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "starling/instant.h"
#include "starling/rng.h"

namespace starling::sim {

struct LinkRule {
  Duration latency = std::chrono::milliseconds(20);
  Duration jitter = std::chrono::milliseconds(5);  ///< Uniform in [0, jitter] on top, per message.
  double uplink_mbit_s = 10;
};

class LinkModel {
 public:
  LinkModel(LinkRule rule, std::uint32_t nodes, std::uint64_t seed)
      : rule_(rule), rng_(seed), control_free_(nodes), uplink_free_(nodes) {}

  /// One way, without the sender's uplink.
  [[nodiscard]] Duration travel_time();
  /// When a message sent now has left and arrived.
  [[nodiscard]] Instant control_arrival(std::uint32_t from, std::size_t bytes, Instant now);
  [[nodiscard]] Instant bulk_arrival(std::uint32_t from, std::size_t bytes, Instant now);

 private:
  [[nodiscard]] Duration sending_time(std::size_t bytes) const;

  LinkRule rule_;
  Rng rng_;
  std::vector<Instant> control_free_;  ///< By node: when its queue of control messages is empty.
  std::vector<Instant> uplink_free_;   ///< By node: when all its queues are empty.
};

}  // namespace starling::sim

#pragma once
// What a node tells programs about itself, as JSON: an event per line, the status, the manifest.
// Field names are a contract with scripts; numbers that do not exist yet are null.

#include <cstddef>
#include <cstdint>
#include <string>

#include "node/runtime/store.h"
#include "protocol/token_bucket.h"
#include "starling/event.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling::runtime {

/// Where a node stands at an event; part of every line, so that each line can be plotted alone.
struct EventContext {
  Duration since_start{0};
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::size_t neighbours = 0;
  std::uint64_t exchanges = 1;  ///< How many the line of an exchange stands for.
};

/// {"event": name, "time_s", "bytes_sent", "bytes_received", "neighbours", and the event's own
/// fields}, without a line break.
[[nodiscard]] std::string event_json(const Event& event, const EventContext& context);

/// That line on standard output, at once.
void print_event(const Event& event, const EventContext& context);

[[nodiscard]] std::string status_json(const NodeStatus& status);

/// Members, slices, digests and attestations of a merge; indented, for people and programs.
[[nodiscard]] std::string manifest_json(const Manifest& manifest);

/// Writes events where they are wanted. Of exchanges a line for each, and at most
/// `exchange_lines_per_second_max`: "count" says for how many. Thread: the network thread.
class Telemetry {
 public:
  // Beyond it a small model on a fast network writes more events than parameters (our guess).
  static constexpr int exchange_lines_per_second_max = 10;

  /// store: may be null (an embedded node without a directory); borrowed.
  Telemetry(Store* store, bool events_to_standard_output)
      : store_(store), events_to_standard_output_(events_to_standard_output) {}

  /// Error: the disk refused the line; the node can go on without it.
  [[nodiscard]] Result<void> record(const Event& event, const EventContext& context);
  [[nodiscard]] Result<void> publish(const NodeStatus& status);

 private:
  [[nodiscard]] bool is_thinned_out(const Event& event, Instant at);

  Store* store_;
  protocol::TokenBucket exchange_lines_{exchange_lines_per_second_max};
  std::uint64_t exchanges_untold_ = 0;
  bool events_to_standard_output_;
};

}  // namespace starling::runtime

#pragma once
// When to ask the router for an open port again, and what that changes. Pure: time is an argument.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "starling/instant.h"

namespace starling::runtime {

/// The port at `address` leads here from now on, or does no longer.
struct MappingNews {
  std::string address;
  bool is_up = true;
  friend bool operator==(const MappingNews&, const MappingNews&) = default;
};

class MappingLease {
 public:
  // A router that has been restarted, or a lost datagram.
  static constexpr Duration retry_pause_held = std::chrono::seconds(30);
  // Nobody here opens ports: the router may still be starting, be told to, or be another one later.
  // Doubles with every refusal; our guesses.
  static constexpr Duration retry_pause_first = std::chrono::seconds(15);
  static constexpr Duration retry_pause_max = std::chrono::minutes(10);

  /// The router leads `address` to us for `lease`.
  [[nodiscard]] std::vector<MappingNews> granted(const std::string& address, Duration lease,
                                                 Instant now);
  /// No router does at the moment. What was granted before stays until its lease is over.
  [[nodiscard]] std::vector<MappingNews> refused(Instant now);
  /// This machine is in another network, or needs no open port any more.
  [[nodiscard]] std::vector<MappingNews> moved(Instant now);

  [[nodiscard]] Instant ask_at() const { return ask_at_; }
  [[nodiscard]] bool is_held() const { return held_.has_value(); }

 private:
  struct Held {
    std::string address;
    Instant expires;
  };
  std::optional<Held> held_;
  Duration retry_pause_ = retry_pause_first;
  Instant ask_at_{};
};

}  // namespace starling::runtime

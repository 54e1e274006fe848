#pragma once
// What a person sees while a node runs.

#include <cstdint>
#include <string>

#include "starling/event.h"
#include "starling/instant.h"

namespace starling::cli {

enum class ProgressStyle {
  silent,
  lines,    ///< A line for each thing worth keeping: for logs.
  updating  ///< Also one line that is rewritten in place: for terminals.
};

class Progress {
 public:
  explicit Progress(ProgressStyle style) : style_(style) {}

  void say(const std::string& line);
  void show(const Event& event, const NodeStatus& status);
  /// Leaves the last updating line on the screen.
  void finish();

 private:
  void print_line(const std::string& line);
  void update_line(const NodeStatus& status);

  ProgressStyle style_;
  bool line_is_open_ = false;
};

/// "3.2 MB"; powers of 1000.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// "cannot reach 192.0.2.7:4747: nothing listens there; ...; trying again".
[[nodiscard]] std::string contact_failed_text(const ContactFailed& failed);

/// "2026-11-26T04:38:53Z" (RFC 3339).
[[nodiscard]] std::string time_text(UnixSeconds time);

/// "12 s ago", "5 min ago", "3 h ago", "2 days ago".
[[nodiscard]] std::string ago_text(UnixSeconds time, UnixSeconds now);

/// "caught up by replay at step 400 in 1.2 s, predicted 0.9 s; snapshot would have taken 3.1 s".
[[nodiscard]] std::string catch_up_text(const CaughtUp& caught_up);

/// "step 400/2000, loss 0.51, accuracy 83.2 %, 3 neighbours, 1.2 MB sent, 1.1 MB received".
[[nodiscard]] std::string progress_text(const NodeStatus& status);

}  // namespace starling::cli

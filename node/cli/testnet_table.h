#pragma once
// The swarm on a screen: a live table on a terminal, a line now and then elsewhere.

#include <cstdio>
#include <span>
#include <string>

#include "node/cli/testnet_watch.h"
#include "starling/instant.h"

namespace starling::cli {

/// One line per node under a headline, and a progress bar; each line ends with a line break.
[[nodiscard]] std::string swarm_table(std::span<const NodeWatch> nodes, Step steps);

class LiveTable {
 public:
  /// out: borrowed.
  LiveTable(std::FILE* out, Step steps);

  /// Redraws at most five times a second; without a terminal a line every tenth of the run.
  void show(std::span<const NodeWatch> nodes);
  /// Draws the last state.
  void finish(std::span<const NodeWatch> nodes);

 private:
  void redraw(std::span<const NodeWatch> nodes);
  void print_line(std::span<const NodeWatch> nodes);

  std::FILE* out_;
  Step steps_;
  bool is_terminal_;
  Instant drawn_at_;
  std::size_t lines_drawn_ = 0;
  Step tenths_printed_ = 0;
};

}  // namespace starling::cli

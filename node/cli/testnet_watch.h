#pragma once
// What the parent knows of one node of a testnet, from the JSON lines that the node prints.

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "node/cli/run_record.h"
#include "starling/event.h"
#include "starling/ids.h"

namespace starling::cli {

struct NodeWatch {
  NodeRecord record;
  std::string phase = "starting";
  Step step = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();
  double accuracy = std::numeric_limits<double>::quiet_NaN();
  std::size_t neighbour_count = 0;
  double started_s = 0;          ///< After the swarm's start; the node's own times begin here.
  std::optional<Merged> merged;  ///< Set once the node holds the merged model.
};

/// Takes in one line of `starling join --json-events`; a line that is not one changes nothing.
void note_event(NodeWatch& node, std::string_view line);

/// Takes in the node's status.json: what only it tells (votes, neighbours).
void note_status(NodeWatch& node, std::string_view json);

}  // namespace starling::cli

#pragma once
// The swarm as a picture: who talked to whom, who held how much of what.

#include <span>
#include <string>

#include "node/cli/run_record.h"

namespace starling::cli {

/// Whether a node ended before the run did, and not by leaving.
[[nodiscard]] bool broke_off(const NodeRecord& node);

/// An SVG element: nodes on a circle in their order, the area of each as the samples it holds, its
/// ring as the labels of its share, edges between neighbours.
[[nodiscard]] std::string render_topology(std::span<const NodeRecord> nodes);

/// A label's counts as a bar of coloured parts; empty without counts.
[[nodiscard]] std::string render_label_bar(const NodeRecord& node);

/// Which colour is which label; empty without counts.
[[nodiscard]] std::string render_label_legend(std::span<const NodeRecord> nodes);

}  // namespace starling::cli

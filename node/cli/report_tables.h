#pragma once
// The report's tables: every figure that its pictures show.

#include <string>

#include "node/cli/run_record.h"

namespace starling::cli {

[[nodiscard]] std::string render_node_table(const RunRecord& run);

/// Members, weights and digests; each digest is shortened, with the whole of it in its title and in
/// a list that unfolds.
[[nodiscard]] std::string render_manifest(const RunRecord& run);

}  // namespace starling::cli

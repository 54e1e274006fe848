#pragma once
// The page a run leaves behind: one file, no network, readable without scripts.

#include <string>

#include "node/cli/run_record.h"

namespace starling::cli {

/// A complete HTML page. Every text of the record is escaped; figures that are not finite appear as
/// a dash.
[[nodiscard]] std::string render_report(const RunRecord& run);

}  // namespace starling::cli

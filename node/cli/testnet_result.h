#pragma once
// From what was watched to what is told: the record, one JSON object, a summary, the run folder.

#include <string>

#include "node/cli/run_record.h"
#include "node/cli/testnet_baseline.h"
#include "node/cli/testnet_plan.h"
#include "node/cli/testnet_swarm.h"
#include "starling/result.h"

namespace starling::cli {

/// Everything but curve and baseline. parameters: of the model. Error: no node holds a merged
/// model.
[[nodiscard]] Result<RunRecord> make_record(const TestnetPlan& plan, const Swarm& swarm,
                                            std::uint64_t parameters);

/// What the nodes have kept becomes record.curve. Error: a kept model that cannot be read.
[[nodiscard]] Result<void> add_curve(const TestnetPlan& plan, const Swarm& swarm,
                                     RunRecord& record);

/// One line; the keys are a contract with scripts. Figures that do not exist are null.
[[nodiscard]] std::string result_json(const RunRecord& record);

[[nodiscard]] std::string result_text(const RunRecord& record);

/// Fills plan.folder: metrics.jsonl of all nodes, model.safetensors, manifest.json, result.json.
[[nodiscard]] Result<void> write_run_folder(const TestnetPlan& plan, const Swarm& swarm,
                                            const RunRecord& record);

}  // namespace starling::cli

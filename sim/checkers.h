#pragma once
// The laws that hold in every run, whatever went wrong in it (LEARNING.md section 4): looked at
// from outside, with an arithmetic of their own.

#include <vector>

#include "sim/observation.h"
#include "sim/scenario.h"
#include "sim/world.h"

namespace starling::sim {

/// Every law below. What a law needs and a run did not have (a merge, a correction) is not missed.
[[nodiscard]] std::vector<Violation> check_all(const Scenario& scenario, const Record& record);

/// Every living node has ended cleanly, with the merged model.
[[nodiscard]] std::vector<Violation> check_liveness(const Record& record);

/// A copy of a node's disk that runs beside it has stopped, and says why; the node has not (that is
/// for check_liveness).
[[nodiscard]] std::vector<Violation> check_copies(const Record& record);

/// What an edge brought to one end it took from the other, for every edge between living processes
/// with nothing unreconciled. Tolerance: rounding of float parameters.
[[nodiscard]] std::vector<Violation> check_flows(const Record& record);

/// Every correction is the sum of what came over its edges, and the two ends of an edge cancel: so
/// the corrections of all nodes sum to zero once no edge is lost or unreconciled.
[[nodiscard]] std::vector<Violation> check_corrections(const Record& record);

/// Nodes that hold the same votes hold the same model, bit for bit; in the end all hold the same.
[[nodiscard]] std::vector<Violation> check_votes(const Record& record);

/// One merge: all name the same model, the weighted mean of what its members committed to; whoever
/// gave a vector is a member. Exempt: processes that started after the merge.
[[nodiscard]] std::vector<Violation> check_merge(const Record& record);

/// No node that trains stands still for longer than `longest`, whatever has become of others.
[[nodiscard]] std::vector<Violation> check_stalls(const Record& record, Duration longest);

/// Nothing is half exchanged at a node that has come to its end.
[[nodiscard]] std::vector<Violation> check_reconciliation(const Record& record);

}  // namespace starling::sim

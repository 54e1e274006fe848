#pragma once
// Votes computed again from the data that their author held. Forward passes need not be the same to
// the bit, and how many of the newest votes an author's replica held is known to a few steps only:
// so votes are not compared one by one, but correlated.

#include <cstdint>
#include <memory>
#include <vector>

#include "node/cli/ledger_directory.h"
#include "starling/ids.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::cli {

/// Below it an author is flagged. Honest votes reach 0.9 and more, random ones about 0.
inline constexpr double audit_correlation_min = 0.5;

struct AuditedAuthor {
  NodeId author;
  std::size_t packets = 0;    ///< Looked at.
  std::size_t votes = 0;      ///< In them.
  double correlation = 0;     ///< Of the scalars claimed and computed.
  double sign_agreement = 0;  ///< Share of votes whose signs agree.
  [[nodiscard]] bool is_flagged() const { return !(correlation >= audit_correlation_min); }
};

struct AuditOptions {
  std::size_t packets = 8;  ///< Of each author.
  std::uint64_t seed = 1;   ///< Of the choice: secret, if authors must not know it beforehand.
};

/// Everyone who has cast votes in the ledger's packets, ascending.
[[nodiscard]] std::vector<NodeId> authors_of(const LedgerDirectory& ledger);

/// task: with the data that `author` held. Error: the task does not fit the ledger's model.
[[nodiscard]] Result<AuditedAuthor> audit(const LedgerDirectory& ledger, const NodeId& author,
                                          std::unique_ptr<Task> task, const AuditOptions& options);

}  // namespace starling::cli

#pragma once
// What a node's own votes may have told about its data, and when it must stop. The ledger keeps the
// account: every packet of this node that is in it was one release, whichever process cast it.

#include <cstdint>
#include <optional>
#include <string>

#include "node/core/config.h"
#include "optim/privacy/rdp_accountant.h"
#include "starling/event.h"

namespace starling::node {

class VotePrivacy {
 public:
  explicit VotePrivacy(const Config& config);

  /// After `packets` of this node; nothing if votes carry no noise.
  [[nodiscard]] std::optional<PrivacyStatus> status(std::uint64_t packets) const;
  /// One packet more would spend more than the recipe allows.
  [[nodiscard]] bool is_spent(std::uint64_t packets) const;
  /// What the owner is told then.
  [[nodiscard]] std::string farewell(std::uint64_t packets) const;

 private:
  const optim::LedgerRecipe& rule_;
  std::optional<optim::RdpAccountant> accountant_;
};

}  // namespace starling::node

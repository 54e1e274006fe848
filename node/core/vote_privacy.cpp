#include "node/core/vote_privacy.h"

#include <array>
#include <cstdio>

namespace starling::node {

VotePrivacy::VotePrivacy(const Config& config) : rule_(config.recipe.ledger()) {
  if (rule_.noise > 0) accountant_.emplace(config.sampling_rate, rule_.noise);
}

std::optional<PrivacyStatus> VotePrivacy::status(std::uint64_t packets) const {
  if (!accountant_) return std::nullopt;
  return PrivacyStatus{.epsilon = accountant_->epsilon(packets, rule_.delta),
                       .epsilon_max = rule_.epsilon_max,
                       .delta = rule_.delta};
}

bool VotePrivacy::is_spent(std::uint64_t packets) const {
  return rule_.epsilon_max > 0 &&
         accountant_->epsilon(packets + 1, rule_.delta) > rule_.epsilon_max;
}

std::string VotePrivacy::farewell(std::uint64_t packets) const {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(),
                "privacy is spent: epsilon %.3g of at most %.3g at delta %.3g; this node votes no "
                "more and goes on adding the votes of others",
                accountant_->epsilon(packets, rule_.delta), rule_.epsilon_max, rule_.delta);
  return text.data();
}

}  // namespace starling::node

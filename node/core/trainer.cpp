#include "node/core/trainer.h"

#include "node/core/pair_trainer.h"
#include "node/core/round_trainer.h"
#include "node/core/vote_trainer.h"
#include "optim/clock/clock.h"

namespace starling::node {

void Trainer::want_evaluation(Turn& turn) {
  evaluate_if_wanted(turn);
  wants_evaluation_ = true;
  if (!awaits_exchange()) evaluate_if_wanted(turn);
}

void Trainer::evaluate_if_wanted(Turn& turn) {
  if (std::exchange(wants_evaluation_, false)) turn.jobs.emplace_back(EvaluateJob{model_step()});
}

std::unique_ptr<Trainer> make_trainer(const Config& config, const Roll& roll) {
  if (config.recipe.as_ledger() != nullptr) return std::make_unique<VoteTrainer>(config, roll);
  if (config.recipe.gossip().clock.traits().meeting == optim::MeetingKind::round) {
    return std::make_unique<RoundTrainer>(config);
  }
  return std::make_unique<PairTrainer>(config);
}

}  // namespace starling::node

// NodeParts: what follows from a finished computation.

#include <utility>

#include "node/core/node_parts.h"

namespace starling::node {

void NodeParts::on_result(LearnerResult&& result, Turn& turn) {
  if (auto* saved = std::get_if<SaveStateDone>(&result)) return on_saved(std::move(*saved), turn);
  if (const auto* loaded = std::get_if<LoadStateDone>(&result)) return on_loaded(*loaded, turn);
  if (const auto* adopted = std::get_if<AdoptDone>(&result)) return on_adopted(*adopted, turn);
  if (auto* contributed = std::get_if<ContributeDone>(&result)) {
    return on_contributed(std::move(*contributed), turn);
  }
  if (std::holds_alternative<NameModelDone>(result)) return;  // the learner remembers it
  if (auto* sum = std::get_if<SumSliceDone>(&result)) {
    return merge_.on_summed(sum->merge, sum->slice, sum->root, std::move(sum->blocks),
                            merge_output(turn));
  }
  if (auto* own = std::get_if<OwnSliceDone>(&result)) {
    return merge_.on_own_part(own->merge, own->slice, own->root, std::move(own->blocks),
                              merge_output(turn));
  }
  if (auto* average = std::get_if<AverageSliceDone>(&result)) {
    return merge_.on_averaged(average->merge, average->slice, std::move(average->data),
                              average->digest, turn.now, merge_output(turn));
  }
  if (const auto* evaluated = std::get_if<EvaluateDone>(&result)) {
    if (!evaluated->evaluation) return;
    quality_ = evaluated->evaluation;
    turn.events.emplace_back(Evaluated{evaluated->step, *quality_, evaluated->model});
    return;
  }
  if (const auto* failed = std::get_if<LearnerFailed>(&result)) {
    turn.events.emplace_back(Warned{failed->message});
    stop_reason_ = failed->message;
    return leave(turn);
  }
  const bool is_training =
      std::holds_alternative<TrainDone>(result) || std::holds_alternative<ProbeDone>(result);
  if (phase_ == Phase::waiting && std::holds_alternative<MixDone>(result)) {
    turn.jobs.emplace_back(NameModelJob{});
  }
  trainer_->finished(result, turn);
  if (is_training) after_steps(turn);
}

void NodeParts::after_steps(Turn& turn) {
  const Step step = trainer_->step();
  const auto crossed = [step](Step every, Step& last) {
    if (every == 0 || step / every == last / every) return false;
    last = step;
    return true;
  };
  if (const auto* done = std::get_if<StepsDone>(&turn.events.back())) loss_ = done->loss;
  if (crossed(config_.evaluate_every, evaluated_at_)) trainer_->want_evaluation(turn);
  if (trainer_->needs_state() && crossed(config_.checkpoint_every, saved_at_)) {
    turn.stores_state = true;
  }
}

void NodeParts::on_loaded(const LoadStateDone& done, Turn& turn) {
  if (done.error) turn.events.emplace_back(Warned{"state refused: " + *done.error});
  trainer_->loaded(done, turn);
  if (done.error || !trainer_->needs_state()) {
    if (phase_ == Phase::restoring) enter(Phase::joining);
    return;
  }
  if (phase_ == Phase::restoring) {
    restored_step_ = done.step;
    enter(Phase::joining);
  } else if (phase_ == Phase::catching_up) {
    turn.events.emplace_back(CaughtUp{.step = done.step});
    begin_training(done.step, turn);
  }
}

void NodeParts::on_saved(SaveStateDone&& done, Turn& turn) {
  if (!trainer_->needs_state()) return trainer_->saved(done, turn);
  catch_up_.saved(std::move(done), turn);
}

void NodeParts::on_adopted(const AdoptDone& done, Turn& turn) {
  adopted_ = done;
  // Of the very model whose distance to the merged one is told.
  if (done.own && trainer_->step() > 0) {
    turn.events.emplace_back(Evaluated{trainer_->step(), *done.own, done.own_model});
  }
  if (done.evaluation) quality_ = done.evaluation;
  merge_.on_adopted(done.merge, done.model, turn.now, merge_output(turn));
}

}  // namespace starling::node

// Driver: what of a node outlives its process. All of it is written on the worker, in order with
// the computation.

#include <functional>
#include <utility>

#include "node/runtime/driver_node.h"

namespace starling::runtime {

void Driver::Node::perform(node::SaveCheckpoint& output) {
  if (!options_.store) return;
  save_on_worker(
      [this, state = std::move(output.state)] { return options_.store->save_checkpoint(state); },
      [this](const Result<void>& saved) { note_checkpoint(saved); });
}

void Driver::Node::perform(node::StoreState&) {
  save_on_worker(
      [this]() -> Result<void> {
        if (!options_.store) return {};
        return options_.store->save_checkpoint([this](const std::function<void(ByteSpan)>& write) {
          static_cast<void>(options_.learner.write_state(write));
        });
      },
      [this](const Result<void>& saved) {
        note_checkpoint(saved);
        deliver(node::StateStored{});
      });
}

/// What is not saved when leaving is lost; in the middle of a run the next one may succeed.
void Driver::Node::note_checkpoint(const Result<void>& saved) {
  leaving_ && !saved ? fail(saved.error()) : note_disk("the checkpoint", saved);
}

void Driver::Node::perform(node::AppendVotes& output) {
  if (!options_.store) return;
  const Result<void> appended = options_.store->append_votes(output.packet);
  if (!appended) fail(appended.error());
}

void Driver::Node::perform(node::SavePeers& output) {
  if (!options_.store) return;
  save_on_worker(
      [this, peers = std::move(output.peers)] { return options_.store->save_peers(peers); },
      [this](const Result<void>& saved) { note_disk("the address book", saved); });
}

void Driver::Node::perform(node::SaveMergedModel& output) {
  if (options_.on_merged_model) give_merged_model();
  if (!options_.store) return;
  save_on_worker(
      [this, manifest = std::move(output.manifest)] {
        const Bytes model = options_.encode_model(options_.learner.parameters());
        return options_.store->save_model(model, manifest_json(manifest));
      },
      [this](const Result<void>& saved) {
        if (!saved) fail(saved.error());
      });
}

/// Taken on the worker, which alone touches the learner.
void Driver::Node::give_merged_model() {
  run_on_worker([this]() -> ComputePool::Completion {
    return [this, pieces = options_.learner.parameter_pieces()]() mutable {
      options_.on_merged_model(std::move(pieces));
    };
  });
}

void Driver::Node::save_on_worker(std::move_only_function<Result<void>()> save,
                                  std::function<void(const Result<void>&)> done) {
  run_on_worker([save = std::move(save), done = std::move(done)]() mutable {
    return ComputePool::Completion([saved = save(), done = std::move(done)] { done(saved); });
  });
}

void Driver::Node::note_disk(const std::string& what, const Result<void>& written) {
  if (const auto news = disk_troubles_.note(what, written)) notify(*news);
}

}  // namespace starling::runtime

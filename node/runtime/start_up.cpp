#include "node/runtime/start_up.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "node/core/bulk_bounds_of.h"
#include "node/runtime/own_address.h"
#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

// For files, name lookups, scripts that ask for the status, and dials that race (our guess).
constexpr std::size_t descriptors_reserved = 32;

}  // namespace

Result<SavedState> load_saved_state(std::optional<Store>& store) {
  if (!store) return SavedState{};
  Result<LoadedCheckpoint> checkpoint = store->load_checkpoint();
  if (!checkpoint) return std::unexpected(checkpoint.error());
  Result<std::vector<Bytes>> votes = store->load_votes();
  if (!votes) return std::unexpected(votes.error());
  SavedState saved{std::move(checkpoint->state), std::move(*votes), {}};
  if (!checkpoint->warning.empty()) saved.warnings.push_back(std::move(checkpoint->warning));
  return saved;
}

Result<void> recall_peers(const Store& store, node::Config& config, SavedState& saved) {
  Result<LoadedPeers> loaded = store.load_peers();
  if (!loaded) return std::unexpected(loaded.error());
  std::ranges::move(loaded->peers.records, std::back_inserter(config.bootstrap));
  config.nodes_seen = std::move(loaded->peers.seen);
  if (!loaded->warning.empty()) saved.warnings.push_back(std::move(loaded->warning));
  return {};
}

Result<void> keep_start(Store& store, node::Learner& learner) {
  if (store.has_start()) return {};
  const auto saved = learner.run(node::SaveStateJob{});
  return store.save_start(std::get<node::SaveStateDone>(saved).state);
}

Result<void> keep_port(Store& store, const Listener& listener) {
  const auto listened_on = parse_host_port(listener.address);
  if (!listened_on) return std::unexpected(listened_on.error());
  const std::uint16_t port = listened_on->port_number();
  return store.load_port() == port ? Result<void>{} : store.save_port(port);
}

node::Config completed(node::Config config, const node::Learner& learner,
                       const Listener& listener) {
  config.parameter_count = learner.parameters().size();
  config.payload_bytes_max = learner.payload_bytes_max();
  config.segments = learner.task().segments();
  config.data_form = learner.task().data_form();
  config.sampling_rate = learner.sampling_rate();
  config.sample_count = learner.task().sample_count();
  config.self.id = config.key.id();
  if (config.self.address.empty()) config.self.address = announced_address(listener, {});
  if (config.incarnation == 0) config.incarnation = new_incarnation();
  if (config.seed == 0) config.seed = random_nonzero();
  return config;
}

EndpointOptions endpoint_options(const node::Config& config,
                                 const std::optional<crypto::Secret<32>>& psk) {
  const std::size_t free = descriptors_free();
  const std::size_t reserve = std::min(descriptors_reserved, free / 2);
  return {.run = config.run,
          .key = config.key,
          .incarnation = config.incarnation,
          .psk = psk,
          .bulk = node::bulk_bounds_of(config),
          .sockets_max = std::max<std::size_t>(free - reserve, 1)};
}

}  // namespace starling::runtime

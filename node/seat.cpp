#include "node/seat.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "model/safetensors.h"
#include "node/runtime/platform.h"
#include "starling/rng.h"

namespace starling {
namespace {

using runtime::DriverOptions;

auto model_encoder(const Invitation& invitation, std::vector<Segment> segments) {
  std::map<std::string, std::string> metadata = {{"run", invitation.ticket.run.hex()},
                                                 {"task", invitation.run.task},
                                                 {"recipe", invitation.run.recipe.name}};
  return [metadata = std::move(metadata),
          segments = std::move(segments)](std::span<const float> parameters) {
    return model::encode_safetensors({segments, {parameters.begin(), parameters.end()}, metadata});
  };
}

node::Config core_config(const Invitation& invitation, const Seat& seat) {
  const RunDescription& run = invitation.run;
  const std::string& description = invitation.description;
  node::Config config{.run = invitation.ticket.run,
                      .description = {description.begin(), description.end()},
                      .key = seat.key,
                      .self = {seat.key.id(), {}},
                      .bootstrap = {},
                      .pinned_neighbours = seat.pinned_neighbours,
                      .recipe = run.recipe};
  for (const std::string& address : invitation.ticket.addresses) {
    const bool is_own = address == seat.address || address == seat.listener.address;
    if (!is_own) config.bootstrap.push_back({.id = {}, .address = address});
  }
  config.steps_total = run.steps;
  config.nodes_expected = run.nodes;
  config.interval_scale = run.interval_scale;
  config.quorum = run.quorum;
  config.evaluate_every = run.evaluate_every;
  config.checkpoint_every = run.checkpoint_every;
  return config;
}

/// The loopback host to listen on if nobody but this machine is meant; nothing otherwise.
std::string loopback_of(const std::vector<runtime::HostPort>& addresses) {
  const auto is_loopback = [](const runtime::HostPort& address) {
    return address.host.starts_with("127.") || address.host == "localhost" || address.host == "::1";
  };
  if (!std::ranges::all_of(addresses, is_loopback)) return {};
  return addresses.front().host == "::1" ? "::1" : "127.0.0.1";
}

std::vector<std::string> warnings_of(const Seat& seat) {
  if (seat.listener_warning.empty()) return {};
  return {seat.listener_warning};
}

}  // namespace

std::uint64_t data_seed(std::uint64_t run_seed, const NodeId& self) {
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < sizeof id; ++i) id = id << 8U | self.bytes[i];
  return split_mix(run_seed ^ id);
}

Result<Place> usual_place(const Invitation& invitation, const NodeId& self) {
  constexpr std::string_view every_interface = "*";
  const std::vector<std::string>& addresses = invitation.ticket.addresses;
  if (addresses.empty()) return Place{runtime::address_text(every_interface, "0"), {}};
  const std::string& first = addresses.front();
  const auto own = runtime::parse_addresses(first);
  if (!own) return std::unexpected(own.error());
  const std::string loopback = loopback_of(*own);
  const std::string_view host = loopback.empty() ? every_interface : std::string_view(loopback);
  if (invitation.run.owner != self) return Place{runtime::address_text(host, "0"), {}};
  return Place{runtime::address_text(host, own->front().port), first};
}

Result<DriverOptions> take_seat(const Invitation& invitation, Seat seat) {
  const RunDescription& run = invitation.run;
  if (!seat.address.empty()) {
    if (auto usable = runtime::check_dialable(seat.address); !usable) {
      return std::unexpected(usable.error());
    }
  }
  const runtime::AnnouncedAddress announced{seat.address, seat.address_is_final};
  node::Config core = core_config(invitation, seat);
  core.self.address =
      runtime::address_now(seat.listener.address, announced, invitation.ticket.addresses);
  // Of a fixed topology all neighbours are known.
  const bool is_pinned = !seat.pinned_neighbours.empty();
  const auto home_network = is_pinned ? runtime::HomeNetworkUse{} : seat.home_network;
  auto encode_model = model_encoder(invitation, seat.task->segments());
  auto start = starting_parameters(run, std::move(seat.start), *seat.task);
  if (!start) return std::unexpected(start.error());
  auto learner = node::Learner::create({.recipe = run.recipe,
                                        .run = invitation.ticket.run,
                                        .self = seat.key.id(),
                                        .steps_total = run.steps,
                                        .model_seed = run.seed,
                                        .data_seed = data_seed(run.seed, seat.key.id()),
                                        .start = std::move(*start),
                                        .privacy_secret = runtime::random_secret(),
                                        .task_name = run.task,
                                        .memory_bytes = runtime::memory_bytes()},
                                       std::move(seat.task));
  if (!learner) return std::unexpected(learner.error());
  return DriverOptions{.core = std::move(core),
                       .learner = std::move(*learner),
                       .listener = std::move(seat.listener),
                       .store = std::move(seat.store),
                       .announced = announced,
                       .warnings = warnings_of(seat),
                       .home_network = home_network,
                       .psk = crypto::pre_shared_key(invitation.ticket),
                       .encode_model = std::move(encode_model)};
}

}  // namespace starling

#include "node/cli/testnet_swarm.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <variant>

#include "crypto/digest.h"
#include "crypto/identity.h"
#include "node/invitation.h"
#include "node/runtime/file.h"
#include "node/runtime/platform.h"
#include "node/runtime/store.h"

namespace starling::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration refresh_interval = 200ms;  // five times a second
// Our guesses: longer than any evaluation or merge; as long as a node may take to leave.
constexpr Duration silence_max = 120s;
constexpr Duration leave_time_max = 10s;
// Enough that a joiner finds one although some were killed.
constexpr std::size_t ticket_nodes_max = 3;

/// The same seed gives the same nodes.
crypto::Secret<32> key_seed(std::uint64_t seed, std::size_t node) {
  const std::string text = std::to_string(seed) + "/" + std::to_string(node);
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return crypto::Secret<32>(crypto::digest_in("starling testnet", bytes).bytes);
}

NodeId node_id(std::uint64_t seed, std::size_t node) {
  return crypto::SigningKey::from_seed(key_seed(seed, node)).id();
}

std::string last_line(const std::filesystem::path& path) {
  const Result<Bytes> bytes = runtime::read_file(path);
  if (!bytes) return "";
  std::string text(bytes->begin(), bytes->end());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

std::string describe(const runtime::ExitStatus& status) {
  return status.signal != 0 ? "ended by signal " + std::to_string(status.signal)
                            : "ended with status " + std::to_string(status.code);
}

}  // namespace

std::filesystem::path Swarm::directory_of(std::size_t node) const {
  return plan_.folder / ("node-" + std::to_string(node));
}

Result<runtime::Listener> Swarm::prepare_node(std::size_t node) const {
  auto listener = runtime::listen_on("127.0.0.1:0");
  if (!listener) return listener;
  const auto store = runtime::Store::open(directory_of(node));
  if (!store) return std::unexpected(store.error());
  const std::string key = crypto::node_key_text(key_seed(plan_.run.seed, node));
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
  auto saved = runtime::write_atomically(directory_of(node) / "identity", bytes,
                                         {.mode = runtime::private_file});
  if (!saved) return std::unexpected(saved.error());
  return listener;
}

std::string Swarm::pinned_neighbours(std::size_t node) const {
  std::string list;
  const auto index = static_cast<std::uint32_t>(node);
  for (const std::uint32_t other : fixed_neighbours(plan_.topology, index, plan_.run.nodes)) {
    list +=
        (list.empty() ? "" : ",") + node_id(plan_.run.seed, other).hex() + "@" + addresses_[other];
  }
  return list;
}

ShardMap Swarm::shard_map() const {
  ShardMap map{.data = plan_.data, .skew = plan_.skew, .shards = plan_.shards(), .shard_of = {}};
  for (std::uint32_t node = 0; node < plan_.shards(); ++node) {
    map.shard_of.emplace(node_id(plan_.run.seed, node), node);
  }
  return map;
}

Result<void> Swarm::start() {
  started_ = runtime::monotonic_now();
  std::vector<runtime::Listener> listeners;
  for (std::size_t node = 0; node < plan_.run.nodes; ++node) {
    auto listener = prepare_node(node);
    if (!listener) return std::unexpected(listener.error());
    addresses_.push_back(listener->address);
    listeners.push_back(std::move(*listener));
  }
  const std::size_t named = std::min(addresses_.size(), ticket_nodes_max);
  auto made = create_run({.run = plan_.run},
                         {addresses_.begin(), addresses_.begin() + static_cast<long>(named)},
                         crypto::SigningKey::from_seed(key_seed(plan_.run.seed, 0)));
  if (!made) return std::unexpected(made.error());
  made_ = std::move(*made);
  if (auto written = write_shard_map(plan_.folder / shard_map_name, shard_map()); !written) {
    return written;
  }
  for (std::size_t node = 0; node < listeners.size(); ++node) {
    if (auto spawned = spawn(node, listeners[node]); !spawned) return spawned;
  }
  return {};
}

Result<void> Swarm::spawn(std::size_t node, const runtime::Listener& listener) {
  {
    auto store = runtime::Store::open(directory_of(node));  // locked only until the child's
    if (!store) return std::unexpected(store.error());
    if (auto saved = store->save_description(made_.description); !saved) return saved;
    if (auto saved = store->save_ticket(made_.ticket); !saved) return saved;
  }
  const int socket = listener.socket.get();
  runtime::SpawnOptions options{
      .program = "/proc/self/exe",
      .arguments = {"join", "--dir", directory_of(node).native(), "--shard",
                    std::to_string(node) + "/" + std::to_string(plan_.shards()), "--skew",
                    plan_.skew, "--listen-fd", std::to_string(socket), "--json-events",
                    "--end-with-input"},
      .inherited_descriptors = {socket},
      .error_output = directory_of(node) / "errors.log"};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) options.arguments.insert(options.arguments.end(), {option, value});
  };
  add("--data", plan_.data);
  if (plan_.models_kept > 0) add("--keep-evaluated", std::to_string(plan_.models_kept));
  add("--from", plan_.start_file.native());
  if (node < plan_.run.nodes) {
    add("--neighbours", pinned_neighbours(node));
  } else {
    add("--catch-up", plan_.catch_up);
  }
  auto child = runtime::ChildProcess::spawn(options);
  if (!child) return std::unexpected(child.error());
  children_->add(std::move(*child));
  NodeWatch& watch = nodes_.emplace_back();
  watch.record.id = node_id(plan_.run.seed, node);
  watch.started_s = to_seconds(runtime::monotonic_now() - started_);
  return {};
}

Step Swarm::median_step() const {
  std::vector<Step> steps;
  for (const NodeWatch& node : nodes_) {
    if (node.phase != "killed") steps.push_back(node.step);
  }
  if (steps.empty()) return 0;
  std::ranges::nth_element(steps, steps.begin() + static_cast<long>(steps.size() / 2));
  return steps[steps.size() / 2];
}

Result<void> Swarm::apply_changes() {
  if (plan_.kill.nodes > 0 && !has_killed_ && median_step() >= plan_.kill.at) kill_some();
  if (plan_.join.nodes == 0 || has_joined_ || median_step() < plan_.join.at) return {};
  return start_joiners();
}

void Swarm::kill_some() {
  has_killed_ = true;
  for (std::uint32_t i = 1; i <= plan_.kill.nodes; ++i) {
    const std::size_t node = plan_.run.nodes - i;
    children_->child(node).send_signal(SIGKILL);
    nodes_[node].phase = nodes_[node].record.fate = "killed";
  }
}

Result<void> Swarm::start_joiners() {
  has_joined_ = true;
  for (std::uint32_t i = 0; i < plan_.join.nodes; ++i) {
    const std::size_t node = nodes_.size();
    const auto listener = prepare_node(node);
    if (!listener) return std::unexpected(listener.error());
    if (auto spawned = spawn(node, *listener); !spawned) return spawned;
  }
  return {};
}

Result<void> Swarm::note(const runtime::ChildEvent& event) {
  if (const auto* line = std::get_if<runtime::ChildLine>(&event)) {
    if (nodes_[line->child].phase != "killed") note_event(nodes_[line->child], line->text);
    return {};
  }
  if (const auto* exit = std::get_if<runtime::ChildExited>(&event)) return note_exit(*exit);
  return failure("interrupted; every node has been told to leave");
}

Result<void> Swarm::note_exit(const runtime::ChildExited& exit) {
  NodeWatch& node = nodes_[exit.child];
  const std::filesystem::path directory = directory_of(exit.child);
  if (const auto status = runtime::read_file(directory / "status.json")) {
    note_status(node, {reinterpret_cast<const char*>(status->data()), status->size()});
  }
  if (node.merged || node.phase == "killed") return {};
  node.phase = node.record.fate = "failed";
  const std::string reason = last_line(directory / "errors.log");
  return failure("node " + std::to_string(exit.child) + " " + describe(exit.status) +
                 " before the merge" + (reason.empty() ? "" : ": " + reason));
}

void Swarm::end_all() {
  for (std::size_t i = 0; i < children_->size(); ++i) {
    if (children_->child(i).is_running()) children_->child(i).send_signal(SIGINT);
  }
  const Instant end = runtime::monotonic_now() + leave_time_max;
  while (children_->running() > 0 && runtime::monotonic_now() < end) {
    static_cast<void>(children_->wait(refresh_interval));
  }
}

Result<void> Swarm::run(const std::function<void()>& show) {
  Instant heard = runtime::monotonic_now();
  Result<void> going = {};
  while (going && children_->running() > 0) {
    const auto events = children_->wait(refresh_interval);
    if (!events.empty()) heard = runtime::monotonic_now();
    for (const runtime::ChildEvent& event : events) {
      if (auto noted = note(event); going && !noted) going = noted;
    }
    if (going && runtime::monotonic_now() - heard > silence_max) {
      going = failure("no node has reported anything for 120 s");
    }
    if (going) going = apply_changes();
    show();
  }
  if (!going) end_all();
  children_.reset();
  return going;
}

}  // namespace starling::cli

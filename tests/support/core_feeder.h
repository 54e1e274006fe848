#pragma once
// A NodeCore fed a byte string: each byte chooses what happens to it next. For the fuzz target, and
// for a test that feeds it random bytes. Three peers of the run, with keys of their own, connect,
// leave, and say whatever the bytes code; the learner is a real one.

#include <array>
#include <deque>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "node/core/learner.h"
#include "node/core/model_form.h"
#include "node/core/node_core.h"
#include "protocol/limits.h"
#include "protocol/wire/wire.h"
#include "starling/check.h"
#include "tests/support/node_config.h"
#include "tests/support/random_message.h"

namespace starling::testing {

/// Half the squared distance to the vector of ones; eight parameters keep jobs short.
class TinyTask final : public Task {
 public:
  std::size_t parameter_count() const override { return 8; }
  double loss(std::span<const float> parameters, const BatchKey&) override {
    double sum = 0;
    for (const float value : parameters) sum += 0.5 * (value - 1.0) * (value - 1.0);
    return sum;
  }
  bool has_gradient() const override { return true; }
  double gradient(std::span<const float> parameters, const BatchKey& batch,
                  std::span<float> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = parameters[i] - 1.0F;
    return loss(parameters, batch);
  }
};

class CoreFeeder {
 public:
  static constexpr std::array recipes = {"gossip", "dsgd", "tracking", "choco", "votes"};

  /// recipe: an index of recipes.
  explicit CoreFeeder(std::size_t recipe)
      : config_(config(recipe)), learner_(learner()), core_(config_) {
    take(core_.start(now_, {}, {}));
  }

  /// Feeds all of `bytes`. Aborts if the core asks for what no core may ask for.
  void feed(ByteSpan bytes) {
    left_ = bytes;
    while (!left_.empty() && !stopped_) {
      const std::uint8_t kind = next();
      const std::size_t peer = next() % peers;
      act(kind, peer);
    }
  }

 private:
  static constexpr std::size_t peers = 3;
  static constexpr std::uint8_t own_key = 9;
  static constexpr std::uint8_t silent_from = 240;  ///< Of these 16 few say what they train.
  /// Far above what any input may lead to: a whole view told of everything that is kept.
  static constexpr std::size_t outputs_max = 20'000;
  static constexpr int timers_per_instant_max = 1'000;
  static constexpr std::size_t jobs_max = 10'000;

  static node::Config config(std::size_t recipe) {
    node::Config config = node_config(own_key, *optim::builtin_recipe(recipes[recipe]));
    config.bootstrap = {{{}, "127.0.0.1:2"}};
    config.parameter_count = TinyTask().parameter_count();
    config.steps_total = 40;
    config.nodes_expected = 2;
    config.checkpoint_every = 8;
    config.evaluate_every = 16;
    config.incarnation = 1'000'000;
    config.seed = 7;
    if (config.recipe.as_ledger() != nullptr)
      config.recipe.ledger().digest_interval = 4;  // cuts come about in 40 steps
    return config;
  }

  node::Learner learner() const {
    auto made = node::Learner::create({.recipe = config_.recipe,
                                       .run = config_.run,
                                       .self = config_.self.id,
                                       .steps_total = config_.steps_total},
                                      std::make_unique<TinyTask>());
    STARLING_CHECK(made.has_value());
    return std::move(*made);
  }

  // --- What the bytes code ---

  std::uint8_t next() {
    if (left_.empty()) return 0;
    const std::uint8_t byte = left_.front();
    left_ = left_.subspan(1);
    return byte;
  }
  ByteSpan next_bytes() {
    const std::size_t wanted = next();  // first: it takes a byte itself
    const std::size_t size = std::min(wanted, left_.size());
    const ByteSpan piece = left_.first(size);
    left_ = left_.subspan(size);
    return piece;
  }
  static crypto::SigningKey key_of(std::size_t peer) {
    return crypto::node_key(static_cast<std::uint8_t>(peer + 1));
  }
  static NodeId id_of(std::size_t peer) { return key_of(peer).id(); }
  static protocol::PeerRecord record_of(std::size_t peer) {
    return {id_of(peer), "127.0.0.1:" + std::to_string(peer + 2)};
  }

  void act(std::uint8_t kind, std::size_t peer) {
    switch (kind % 16) {
      case 0:
        return connect(peer, next() % 2 == 0);
      case 1:
        return disconnect(peer);
      case 2:
        return give(node::ConnectFailed{
            .peer = record_of(peer),
            .path = static_cast<protocol::PathKind>(next() % protocol::path_kind_names.size())});
      case 3:
        return say_raw(peer);
      case 4:
        return say_random(peer);
      case 5:
      case 6:
        return announce(peer);
      case 7:
        return say_votes(peer);
      case 8:
      case 9:
        return pass_time(std::chrono::milliseconds(1U << (next() % 14)));
      case 10:
      case 11:
      case 12:
        return finish_jobs(1 + next() % 8);
      case 13:
        return echo(peer);
      case 14:
        return give_rarely(next(), peer);
      default:
        return agree_to_everything(peer);
    }
  }

  void connect(std::size_t peer, bool dialled_by_us) {
    if (!linked_.insert(id_of(peer)).second) return;
    protocol::PeerRecord record = record_of(peer);
    if (!dialled_by_us) record.address.clear();
    const std::uint8_t chosen = next();
    const auto path = static_cast<protocol::PathKind>(chosen % protocol::path_kind_names.size());
    give(node::PeerConnected{.peer = std::move(record),
                             .dialled_by_us = dialled_by_us,
                             .path = path,
                             .seen_at = "198.51.100.4:" + std::to_string(peer)});
    if (chosen < silent_from) say(peer, node::form_of(config_));
  }

  void disconnect(std::size_t peer) {
    if (linked_.erase(id_of(peer)) == 0) return;
    give(node::PeerDisconnected{id_of(peer), static_cast<protocol::CloseReason>(
                                                 next() % protocol::close_reason_names.size())});
  }

  void say(std::size_t peer, protocol::Message message) {
    if (!linked_.contains(id_of(peer))) return;
    give(node::MessageReceived{id_of(peer), std::move(message)});
  }

  void say_raw(std::size_t peer) {
    auto message = protocol::decode(next_bytes());
    if (message && *message) say(peer, std::move(**message));
  }

  void say_random(std::size_t peer) {
    const std::size_t kind = next() % std::variant_size_v<protocol::Message>;
    say(peer, RandomValues(next()).message(kind));
  }

  /// By any of the peers, or by a process with our own key.
  void announce(std::size_t peer) {
    const std::size_t author = next() % (peers + 1);
    const crypto::SigningKey key = author == peers ? config_.key : key_of(author);
    const std::size_t kind = next() % std::variant_size_v<protocol::Announcement>;
    protocol::SignedAnnouncement announcement{key.id(), next(), {}};
    if (kind == 0) {
      announcement.content = protocol::Presence{.address = record_of(author).address,
                                                .incarnation = 999'998U + next() % 5U,
                                                .step = next() % 64U,
                                                .finished = next() % 4 == 0,
                                                .leaving = next() % 8 == 0,
                                                .rival = 999'998U + next() % 5U};
    } else if (kind == 1) {
      announcement.content = votes();
    } else {
      announcement.content = RandomValues(next()).announcement(kind);
    }
    if (std::holds_alternative<protocol::UnknownAnnouncement>(announcement.content)) return;
    gossip(peer, protocol::sign_announcement(announcement, config_.run, key));
  }

  void gossip(std::size_t peer, Bytes body) {
    const auto id = protocol::broadcast_id_of(body);
    protocol::Gossip gossip{.id = id, .hops = next() % 4U, .body = std::move(body)};
    if (next() % 2U == 0) return say(peer, std::move(gossip));
    protocol::GossipBatch batch;
    batch.bodies.resize(1 + next() % 3U, gossip);  // the same body again is no crime
    say(peer, std::move(batch));
  }

  protocol::VotePacket votes() {
    const Step step = next() % 64U;
    return {.packet = next() % 16U,
            .step = step,
            .replica_step = step - std::min<Step>(step, next() % 4U),
            .first_probe = 0,
            .codes = {next(), next()}};
  }

  void say_votes(std::size_t peer) {
    protocol::VoteRange range;
    for (std::size_t count = next() % 8; count > 0; --count) {
      const crypto::SigningKey key = key_of(next() % peers);
      range.packets.push_back(
          protocol::sign_announcement({key.id(), 0, votes()}, config_.run, key));
    }
    say(peer, std::move(range));
  }

  /// What the core has sent to anyone, from a peer.
  void echo(std::size_t peer) {
    if (sent_.empty()) return;
    say(peer, sent_[next() % sent_.size()]);
  }

  /// As an eager neighbour would: links, becomes one, offers and accepts.
  void agree_to_everything(std::size_t peer) {
    connect(peer, true);
    say(peer, protocol::NeighbourRequest{record_of(peer), true});
    say(peer, protocol::NeighbourReply{true});
    say(peer, protocol::EdgeHello{.incarnation = 1U + next() % 2U,
                                  .peer_incarnation = next() % 2 == 0 ? 0 : config_.incarnation,
                                  .applied = next() % 4U,
                                  .step = next() % 64U});
  }

  void give_rarely(std::uint8_t kind, std::size_t peer) {
    switch (kind % 32) {
      case 0:
        return give(node::MergeRequested{});
      case 1:
        return give(node::LeaveRequested{});
      case 2:
        return give(node::InputRejected{protocol::RejectReason::bad_frame});
      case 4:
        return give(node::AddressMapped{"198.51.100.4:" + std::to_string(next()), next() % 2 == 0});
      case 5:
        return give(node::LanContact{record_of(peer)});
      case 6:
        return give(node::AddressProbed{id_of(peer), next() % 4U, next() % 2 == 0});
      case 9:
        return progress(peer);
      case 10:
        if (!linked_.contains(id_of(peer))) return;
        return give(node::BulkRefused{id_of(peer), {bulk_kind(), next(), next()}, next() % 2 == 0});
      case 8:
        return give(node::AddressChanged{"198.51.100.4:" + std::to_string(next())});
      default:
        return knock(kind % 4 == 3 ? config_.self.id : id_of(peer), 999'998U + next() % 5U);
    }
  }

  protocol::BulkKind bulk_kind() {
    return static_cast<protocol::BulkKind>(next() % protocol::bulk_kind_names.size());
  }
  void progress(std::size_t peer) {
    if (!linked_.contains(id_of(peer))) return;
    const protocol::BulkKind kind = bulk_kind();
    give(node::BulkProgressed{id_of(peer), kind, next() % 4U});
  }

  /// Our own process is no second one.
  void knock(const NodeId& peer, std::uint64_t incarnation) {
    if (peer == config_.self.id && incarnation == config_.incarnation) return;
    give(node::SecondProcess{.peer = peer, .incarnation = incarnation, .address = "127.0.0.1:5"});
  }

  void pass_time(Duration time) {
    const Instant until = now_ + time;
    int at_one_instant = 0;
    while (timer_ <= until && !stopped_) {
      at_one_instant = timer_ > now_ ? 0 : at_one_instant + 1;
      STARLING_CHECK(at_one_instant < timers_per_instant_max);  // or time stands still
      now_ = std::max(now_, timer_);
      timer_ = Instant::never();
      give(node::TimerFired{});
    }
    now_ = until;
  }

  /// What the core asks to be stored is on the disk when all jobs before it are done.
  void finish_stores() {
    for (; stores_ > 0 && jobs_.empty() && !stopped_; --stores_) give(node::StateStored{});
  }

  void finish_jobs(std::size_t count) {
    for (; count > 0 && !jobs_.empty() && !stopped_; --count) {
      node::LearnerResult result = learner_.run(std::move(jobs_.front()));
      jobs_.pop_front();
      give(node::LearnerFinished{std::move(result)});
    }
    finish_stores();
  }

  // --- What the core asks for ---

  void give(node::Input input) {
    take(core_.handle(std::move(input), now_));
    while (!ended_.empty() && !stopped_) {
      const NodeId peer = *ended_.begin();
      ended_.erase(ended_.begin());
      take(core_.handle(node::PeerDisconnected{peer, protocol::CloseReason::normal}, now_));
    }
    static_cast<void>(core_.status(now_));
  }

  void take(std::vector<node::Output> outputs) {
    STARLING_CHECK(!stopped_ || outputs.empty());
    STARLING_CHECK(outputs.size() <= outputs_max);
    for (node::Output& output : outputs) {
      std::visit([this](auto& kind) { perform(kind); }, output);
    }
    STARLING_CHECK(jobs_.size() <= jobs_max);
  }

  void perform(node::Connect& output) {
    STARLING_CHECK(!output.peer.address.empty());
    STARLING_CHECK(output.peer.address.size() <= protocol::limits::address_characters_max);
    STARLING_CHECK(output.peer.id != config_.self.id);
  }
  void perform(node::ProbeAddress& output) {
    STARLING_CHECK(output.peer.id != config_.self.id && !output.peer.address.empty());
  }
  void perform(node::Disconnect& output) {
    if (linked_.erase(output.peer) > 0) ended_.insert(output.peer);
  }
  void perform(node::Send& output) {
    STARLING_CHECK(output.peer != config_.self.id);
    if (std::holds_alternative<protocol::Bulk>(output.message)) return;
    const auto decoded = protocol::decode(protocol::encode(output.message));
    STARLING_CHECK(decoded && *decoded && **decoded == output.message);
    if (sent_.size() < sent_max) sent_.push_back(std::move(output.message));
  }
  void perform(node::Admit& output) { STARLING_CHECK(output.peer != config_.self.id); }
  void perform(node::Refuse& output) { STARLING_CHECK(output.incarnation != config_.incarnation); }
  void perform(node::StartTimer& output) { timer_ = output.at; }
  void perform(node::RunLearner& output) { jobs_.push_back(std::move(output.job)); }
  void perform(node::SaveCheckpoint&) {}
  void perform(node::StoreState&) { stores_ += 1; }
  void perform(node::AppendVotes&) {}
  void perform(node::SavePeers&) {}
  void perform(node::SaveMergedModel&) {}
  void perform(node::Notify& output) {
    if (std::holds_alternative<Stopped>(output.event)) stopped_ = true;
  }

  static constexpr std::size_t sent_max = 256;

  node::Config config_;
  node::Learner learner_;
  Instant now_{std::chrono::seconds(1)};
  Instant timer_ = Instant::never();
  bool stopped_ = false;
  ByteSpan left_;
  std::set<NodeId> linked_;
  std::set<NodeId> ended_;  ///< Hung up on; the core is yet to be told.
  std::deque<node::LearnerJob> jobs_;
  std::size_t stores_ = 0;  ///< Asked for, not done.
  std::vector<protocol::Message> sent_;
  node::NodeCore core_;  // last: it is fed as soon as it is made
};

}  // namespace starling::testing

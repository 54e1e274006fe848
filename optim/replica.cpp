#include "optim/replica.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "optim/byte_io.h"
#include "optim/lane.h"
#include "optim/payload.h"
#include "optim/recipe_axes.h"
#include "starling/check.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

[[nodiscard]] CodecKey lane_key(const PayloadHeader& header, std::size_t lane, std::uint64_t seed) {
  const std::uint64_t shared = split_mix(split_mix(header.step) + lane);
  return {.shared = shared, .own = split_mix(split_mix(seed ^ split_mix(header.sequence)) + lane)};
}

template <class Scalar>
[[nodiscard]] bool all_finite(ByteSpan bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Scalar)) {
    if (!std::isfinite(fetch<Scalar>(bytes.data() + at))) return false;
  }
  return true;
}

}  // namespace

template <class Scalar>
struct BasicReplica<Scalar>::State {
  State(const Recipe& from, std::vector<Scalar> parameters, std::uint64_t rounding_seed, Step total,
        Layout cut);

  void add_lane(std::string name, VectorId source, VectorId target,
                const Chosen<OuterEntry>& outer_step);
  /// The header, if the payload has this recipe's form and length.
  [[nodiscard]] std::optional<PayloadHeader> accept_form(ByteSpan payload) const;
  /// True if the lanes hold finite values.
  [[nodiscard]] bool accepts_lanes(const PayloadHeader& header, ByteSpan payload) const;
  [[nodiscard]] bool is_next(const PayloadHeader& header, const EdgeKey& edge) const;
  /// Checks the payload against `own` and takes it into copies. False: refused, nothing changed.
  [[nodiscard]] bool receive(const PayloadHeader& own, const EdgeKey& edge, ByteSpan payload);
  void take_resync(const EdgeKey& edge, ByteSpan payload);
  void mix_lane(std::size_t lane, ByteSpan own, std::span<const WeightedPayload> peers);

  [[nodiscard]] LaneBytes lane_bytes(ByteSpan payload, std::size_t lane) const;
  [[nodiscard]] std::size_t payload_bytes() const;
  [[nodiscard]] std::size_t resync_bytes() const;
  [[nodiscard]] PayloadHeader own_header(bool resync) const;
  [[nodiscard]] std::span<Scalar> edge_change(std::size_t lane, const EdgeKey& edge);
  [[nodiscard]] std::span<double> flow(std::size_t lane, const EdgeKey& edge);
  [[nodiscard]] bool load(ByteReader& in);

  Recipe recipe;
  const GossipRecipe& gossip;
  bool copies_peers;
  bool draws_from_shared_key;
  Layout layout;
  std::uint64_t seed;
  Step steps_total;
  Vectors<Scalar> vectors;
  VectorId x;
  std::unique_ptr<Oracle<Scalar>> oracle;
  std::unique_ptr<Correction<Scalar>> correction;
  std::unique_ptr<InnerStep<Scalar>> inner;
  std::vector<Lane<Scalar>> lanes;  // x; then the correction's, if it has one
  std::vector<Scalar> direction;    // of a step; no state
  std::uint64_t sequence = 0;       // of the next payload
  Step last_step = 0;
  std::map<EdgeKey, std::uint64_t> expected;  // copied peers: the neighbour's next sequence
  bool watching = false;
  std::map<EdgeKey, std::vector<double>> flows;
};

template <class Scalar>
BasicReplica<Scalar>::State::State(const Recipe& from, std::vector<Scalar> parameters,
                                   std::uint64_t rounding_seed, Step total, Layout cut)
    : recipe(from),
      gossip(recipe.gossip()),
      copies_peers(gossip.memory.traits().copies_peers),
      draws_from_shared_key(gossip.codec.traits().draws_from_shared_key),
      layout(std::move(cut)),
      seed(rounding_seed),
      steps_total(total),
      vectors(parameters.size()),
      x(vectors.add("parameters", std::move(parameters))),
      oracle(gossip.oracle.make<Scalar>(typename Oracle<Scalar>::Site{vectors})),
      correction(gossip.correction.make<Scalar>(typename Correction<Scalar>::Site{vectors})),
      inner(gossip.inner.make<Scalar>(typename InnerStep<Scalar>::Site{vectors})) {
  add_lane("parameters", x, x, gossip.outer);
  if (const auto extra = correction->lane()) {
    add_lane("correction", extra->source, extra->target,
             outer_steps().choose(outer_steps().preset()));
  }
}

template <class Scalar>
void BasicReplica<Scalar>::State::add_lane(std::string name, VectorId source, VectorId target,
                                           const Chosen<OuterEntry>& outer_step) {
  const LaneSite<Scalar> site{.layout = layout,
                              .vectors = vectors,
                              .name = std::move(name),
                              .source = source,
                              .target = target};
  lanes.emplace_back(gossip, outer_step, site);
}

template <class Scalar>
PayloadHeader BasicReplica<Scalar>::State::own_header(bool resync) const {
  return {.lanes = static_cast<std::uint8_t>(lanes.size()),
          .codec = gossip.codec.part->id,
          .resync = resync,
          .sequence = sequence,
          .step = last_step};
}

template <class Scalar>
std::size_t BasicReplica<Scalar>::State::payload_bytes() const {
  return payload_header_bytes + lanes.size() * lanes.front().encoded_bytes();
}

template <class Scalar>
std::size_t BasicReplica<Scalar>::State::resync_bytes() const {
  return payload_header_bytes + lanes.size() * vectors.length() * sizeof(Scalar);
}

template <class Scalar>
LaneBytes BasicReplica<Scalar>::State::lane_bytes(ByteSpan payload, std::size_t lane) const {
  const auto header = read_header(payload);
  const std::size_t size = lanes.front().encoded_bytes();
  return {payload.subspan(payload_header_bytes + lane * size, size),
          lane_key(header.value(), lane, seed)};
}

template <class Scalar>
std::optional<PayloadHeader> BasicReplica<Scalar>::State::accept_form(ByteSpan payload) const {
  const auto header = read_header(payload);
  if (!header || header->lanes != lanes.size() || header->codec != gossip.codec.part->id) {
    return std::nullopt;
  }
  if (header->resync && !copies_peers) return std::nullopt;
  return payload.size() == (header->resync ? resync_bytes() : payload_bytes()) ? header
                                                                               : std::nullopt;
}

template <class Scalar>
bool BasicReplica<Scalar>::State::accepts_lanes(const PayloadHeader& header,
                                                ByteSpan payload) const {
  if (header.resync) return all_finite<Scalar>(payload.subspan(payload_header_bytes));
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    if (!lanes[lane].accepts(lane_bytes(payload, lane))) return false;
  }
  return true;
}

template <class Scalar>
bool BasicReplica<Scalar>::State::is_next(const PayloadHeader& header, const EdgeKey& edge) const {
  const auto known = expected.find(edge);
  if (known != expected.end()) return header.sequence == known->second;
  return header.sequence == 0 && lanes.front().memory().has_start();
}

template <class Scalar>
bool BasicReplica<Scalar>::State::receive(const PayloadHeader& own, const EdgeKey& edge,
                                          ByteSpan payload) {
  const auto header = accept_form(payload);
  if (!header) return false;
  if (copies_peers && !header->resync && !is_next(*header, edge)) return false;
  // Without copies both ends must have drawn the same positions, or values would meet zeros.
  const bool positions_differ = draws_from_shared_key && !copies_peers && header->step != own.step;
  if (positions_differ || !accepts_lanes(*header, payload)) return false;
  if (!copies_peers) return true;
  expected[edge] = header->resync ? header->sequence : header->sequence + 1;
  if (header->resync) {
    take_resync(edge, payload);
    return true;
  }
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    lanes[lane].hear(edge, lane_bytes(payload, lane));
  }
  return true;
}

template <class Scalar>
void BasicReplica<Scalar>::State::take_resync(const EdgeKey& edge, ByteSpan payload) {
  std::vector<Scalar> copy(vectors.length());
  const std::size_t size = copy.size() * sizeof(Scalar);
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    std::memcpy(copy.data(), payload.data() + payload_header_bytes + lane * size, size);
    lanes[lane].memory().set_copy(edge, copy);
  }
}

template <class Scalar>
std::span<Scalar> BasicReplica<Scalar>::State::edge_change(std::size_t lane, const EdgeKey& edge) {
  if (lane == 0) return {};
  return vectors.at(correction->lane()->counters, edge);
}

template <class Scalar>
std::span<double> BasicReplica<Scalar>::State::flow(std::size_t lane, const EdgeKey& edge) {
  if (lane > 0 || !watching) return {};
  return flows.try_emplace(edge, vectors.length()).first->second;
}

template <class Scalar>
void BasicReplica<Scalar>::State::mix_lane(std::size_t lane, ByteSpan own,
                                           std::span<const WeightedPayload> peers) {
  std::vector<LanePeer<Scalar>> parts;
  for (const WeightedPayload& peer : peers) {
    const double weight = gossip.consensus_step * static_cast<double>(peer.weight);
    parts.push_back({.edge = peer.edge,
                     .weight = static_cast<Scalar>(weight),
                     .payload = copies_peers ? LaneBytes{} : lane_bytes(peer.payload, lane),
                     .edge_change = edge_change(lane, peer.edge),
                     .flow = flow(lane, peer.edge)});
  }
  lanes[lane].mix(lane_bytes(own, lane), parts);
}

template <class Scalar>
bool BasicReplica<Scalar>::State::load(ByteReader& in) {
  const auto text = in.get_all<char>();
  if (std::string(text.begin(), text.end()) != recipe.canonical_text()) return false;
  seed = in.get<std::uint64_t>();
  steps_total = in.get<Step>();
  if (!vectors.load(in) || vectors.at(x).empty()) return false;
  sequence = in.get<std::uint64_t>();
  last_step = in.get<Step>();
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    const auto edge = in.get<EdgeKey>();
    expected[edge] = in.get<std::uint64_t>();
  }
  watching = in.get<std::uint8_t>() != 0;
  flows = in.get_map<double>(vectors.length());
  return in.at_end();
}

template <class Scalar>
BasicReplica<Scalar>::BasicReplica(const Recipe& recipe, std::vector<Scalar> parameters,
                                   std::uint64_t seed, Step steps_total,
                                   std::span<const Segment> segments) {
  Layout layout(parameters.size(), segments);
  state_ =
      std::make_unique<State>(recipe, std::move(parameters), seed, steps_total, std::move(layout));
}

template <class Scalar>
BasicReplica<Scalar>::~BasicReplica() = default;
template <class Scalar>
BasicReplica<Scalar>::BasicReplica(BasicReplica&&) noexcept = default;
template <class Scalar>
BasicReplica<Scalar>& BasicReplica<Scalar>::operator=(BasicReplica&&) noexcept = default;

template <class Scalar>
double BasicReplica<Scalar>::local_step(Step step, const Objective<Scalar>& objective) {
  State& state = *state_;
  const std::span<Scalar> x = state.vectors.at(state.x);
  state.direction.resize(x.size());
  const double loss = state.oracle->direction(objective, x, state.direction);
  state.correction->on_gradient(state.direction);
  state.inner->apply(state.direction,
                     step_size_at(state.gossip.inner.settings, step, state.steps_total), x);
  state.last_step = step;
  return loss;
}

template <class Scalar>
Bytes BasicReplica<Scalar>::encode() {
  State& state = *state_;
  const PayloadHeader header = state.own_header(false);
  Bytes payload(state.payload_bytes());
  write_header(header, payload.data());
  state.correction->before_encode();
  const std::span<std::uint8_t> body = std::span(payload).subspan(payload_header_bytes);
  const std::size_t size = state.lanes.front().encoded_bytes();
  for (std::size_t lane = 0; lane < state.lanes.size(); ++lane) {
    state.lanes[lane].encode(lane_key(header, lane, state.seed), body.subspan(lane * size, size));
  }
  ++state.sequence;
  return payload;
}

template <class Scalar>
std::vector<EdgeKey> BasicReplica<Scalar>::mix(ByteSpan own,
                                               std::span<const WeightedPayload> peers) {
  State& state = *state_;
  const auto header = state.accept_form(own);
  const bool usable = header && !header->resync && state.accepts_lanes(*header, own) &&
                      (!state.copies_peers || header->sequence + 1 == state.sequence);
  std::vector<EdgeKey> refused;
  std::vector<WeightedPayload> taken;
  for (const WeightedPayload& peer : peers) {
    if (usable && state.receive(*header, peer.edge, peer.payload)) {
      taken.push_back(peer);
    } else {
      refused.push_back(peer.edge);
    }
  }
  for (std::size_t lane = 0; lane < state.lanes.size() && !taken.empty(); ++lane) {
    state.mix_lane(lane, own, taken);
  }
  return refused;
}

template <class Scalar>
bool BasicReplica<Scalar>::resync(const EdgeKey& edge, ByteSpan payload) {
  const auto header = state_->accept_form(payload);
  if (!header || !header->resync || !state_->accepts_lanes(*header, payload)) return false;
  state_->expected[edge] = header->sequence;
  state_->take_resync(edge, payload);
  return true;
}

template <class Scalar>
Bytes BasicReplica<Scalar>::resync_payload() const {
  const State& state = *state_;
  if (!state.copies_peers) return {};
  Bytes payload(state.resync_bytes());
  write_header(state.own_header(true), payload.data());
  std::uint8_t* out = payload.data() + payload_header_bytes;
  for (const Lane<Scalar>& lane : state.lanes) {
    const auto copy = lane.memory().own_copy();
    std::memcpy(out, copy.data(), copy.size_bytes());
    out += copy.size_bytes();
  }
  return payload;
}

template <class Scalar>
void BasicReplica<Scalar>::drop_edge(const EdgeKey& edge) {
  state_->correction->drop(edge);
  for (Lane<Scalar>& lane : state_->lanes) lane.memory().drop(edge);
  state_->expected.erase(edge);
}

template <class Scalar>
std::span<const Scalar> BasicReplica<Scalar>::parameters() const {
  return state_->vectors.at(state_->x);
}

template <class Scalar>
void BasicReplica<Scalar>::set_parameters(std::span<const Scalar> parameters) {
  State& state = *state_;
  state.vectors.assign(state.x, parameters);
  state.inner->restart();
  state.correction->restart();
  for (Lane<Scalar>& lane : state.lanes) lane.restart();
  state.expected.clear();
  // The gap makes every neighbour that holds a copy of the old lanes ask for the new one.
  ++state.sequence;
}

template <class Scalar>
std::span<const Scalar> BasicReplica<Scalar>::correction() const {
  const auto lane = state_->correction->lane();
  return lane ? state_->vectors.at(lane->target) : std::span<const Scalar>();
}

template <class Scalar>
const std::map<EdgeKey, std::vector<Scalar>>& BasicReplica<Scalar>::counters() const {
  static const std::map<EdgeKey, std::vector<Scalar>> none;
  const auto lane = state_->correction->lane();
  return lane ? state_->vectors.per_edge(lane->counters) : none;
}

template <class Scalar>
std::size_t BasicReplica<Scalar>::payload_bytes_max() const {
  const std::size_t regular = state_->payload_bytes();
  return state_->copies_peers ? std::max(regular, state_->resync_bytes()) : regular;
}

template <class Scalar>
void BasicReplica<Scalar>::watch_flows() {
  state_->watching = true;
}

template <class Scalar>
const std::map<EdgeKey, std::vector<double>>& BasicReplica<Scalar>::flows() const {
  return state_->flows;
}

template <class Scalar>
Bytes BasicReplica<Scalar>::save() const {
  const State& state = *state_;
  ByteWriter out;
  const std::string text = state.recipe.canonical_text();
  out.put_all(std::span(text));
  out.put(state.seed);
  out.put(state.steps_total);
  state.vectors.save(out);
  out.put(state.sequence);
  out.put(state.last_step);
  out.put(static_cast<std::uint64_t>(state.expected.size()));
  for (const auto& [edge, next] : state.expected) {
    out.put(edge);
    out.put(next);
  }
  out.put(state.watching);
  out.put_map(state.flows);
  return out.take();
}

template <class Scalar>
Result<void> BasicReplica<Scalar>::load(ByteSpan saved) {
  const State& state = *state_;
  auto fresh = std::make_unique<State>(state.recipe, std::vector<Scalar>(state.vectors.length()),
                                       state.seed, state.steps_total, state.layout);
  ByteReader in(saved);
  if (!fresh->load(in)) {
    return failure("saved training state of " + std::to_string(saved.size()) +
                   " bytes does not belong to recipe '" + state.recipe.name + "' with " +
                   std::to_string(state.vectors.length()) + " parameters, or is damaged");
  }
  state_ = std::move(fresh);
  return {};
}

template class BasicReplica<float>;
template class BasicReplica<double>;

}  // namespace starling::optim

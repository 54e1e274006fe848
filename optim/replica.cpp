#include "optim/replica.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "optim/byte_io.h"
#include "optim/correction/gradient_tracking.h"
#include "optim/inner/inner_step.h"
#include "optim/lane.h"
#include "optim/payload.h"
#include "starling/check.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

[[nodiscard]] CodecKey lane_key(const PayloadHeader& header, std::size_t lane, std::uint64_t seed) {
  const std::uint64_t shared = split_mix(split_mix(header.step) + lane);
  return {.shared = shared, .own = split_mix(split_mix(seed ^ split_mix(header.sequence)) + lane)};
}

}  // namespace

template <class Scalar>
struct BasicReplica<Scalar>::State {
  State(const Recipe& from, std::vector<Scalar> parameters, std::uint64_t rounding_seed,
        Step total);

  /// The header, if the payload has this recipe's form and length.
  [[nodiscard]] std::optional<PayloadHeader> accept_form(ByteSpan payload) const;
  /// True if the lanes hold finite values.
  [[nodiscard]] bool has_valid_lanes(const PayloadHeader& header, ByteSpan payload) const;
  [[nodiscard]] bool is_next(const PayloadHeader& header, const EdgeKey& edge) const;
  /// Checks the payload against `own` and takes it into the hats. False: refused, nothing changed.
  [[nodiscard]] bool receive(const PayloadHeader& own, const EdgeKey& edge, ByteSpan payload);
  void take_resync(const EdgeKey& edge, ByteSpan payload);
  void mix_edge(ByteSpan own, const WeightedPayload& peer);

  [[nodiscard]] LaneBytes lane_bytes(ByteSpan payload, std::size_t lane) const;
  [[nodiscard]] ByteSpan dense_lane(ByteSpan payload, std::size_t lane) const;
  [[nodiscard]] std::size_t resync_bytes() const;
  [[nodiscard]] PayloadHeader own_header(bool resync) const;
  [[nodiscard]] MixTargets<Scalar> targets(std::size_t lane, const EdgeKey& edge);
  [[nodiscard]] bool load(ByteReader& in);

  Recipe recipe;
  std::uint64_t seed;
  Step steps_total;
  std::vector<Scalar> x;
  std::vector<Scalar> scratch;  // the direction of a step; z while encoding
  InnerStep<Scalar> inner;
  std::optional<GradientTracking<Scalar>> tracking;
  std::vector<Lane<Scalar>> lanes;  // x; with tracking also z
  std::size_t lane_size;            // encoded bytes of one lane
  std::uint64_t sequence = 0;       // of the next payload
  Step last_step = 0;
  std::map<EdgeKey, std::uint64_t> expected;  // hat_copy: the neighbour's next sequence
  bool watching = false;
  std::map<EdgeKey, std::vector<double>> flows;
};

template <class Scalar>
BasicReplica<Scalar>::State::State(const Recipe& from, std::vector<Scalar> parameters,
                                   std::uint64_t rounding_seed, Step total)
    : recipe(from),
      seed(rounding_seed),
      steps_total(total),
      x(std::move(parameters)),
      scratch(x.size()),
      inner(recipe.inner, x.size(), total) {
  lanes.emplace_back(recipe, x);
  if (recipe.correction == CorrectionKind::gradient_tracking) {
    tracking.emplace(x.size());
    lanes.emplace_back(recipe, scratch);
  }
  lane_size = lanes.front().encoded_bytes();
}

template <class Scalar>
PayloadHeader BasicReplica<Scalar>::State::own_header(bool resync) const {
  return {.lanes = static_cast<std::uint8_t>(lanes.size()),
          .codec = recipe.codec.kind,
          .resync = resync,
          .sequence = sequence,
          .step = last_step};
}

template <class Scalar>
std::size_t BasicReplica<Scalar>::State::resync_bytes() const {
  return payload_header_bytes + lanes.size() * x.size() * sizeof(Scalar);
}

template <class Scalar>
LaneBytes BasicReplica<Scalar>::State::lane_bytes(ByteSpan payload, std::size_t lane) const {
  const auto header = read_header(payload);
  return {payload.subspan(payload_header_bytes + lane * lane_size, lane_size),
          lane_key(header.value(), lane, seed)};
}

template <class Scalar>
ByteSpan BasicReplica<Scalar>::State::dense_lane(ByteSpan payload, std::size_t lane) const {
  const std::size_t size = x.size() * sizeof(Scalar);
  return payload.subspan(payload_header_bytes + lane * size, size);
}

template <class Scalar>
std::optional<PayloadHeader> BasicReplica<Scalar>::State::accept_form(ByteSpan payload) const {
  const auto header = read_header(payload);
  if (!header || header->lanes != lanes.size() || header->codec != recipe.codec.kind) {
    return std::nullopt;
  }
  if (header->resync && recipe.memory != MemoryKind::hat_copy) return std::nullopt;
  const std::size_t size =
      header->resync ? resync_bytes() : payload_header_bytes + lanes.size() * lane_size;
  return payload.size() == size ? header : std::nullopt;
}

template <class Scalar>
bool BasicReplica<Scalar>::State::has_valid_lanes(const PayloadHeader& header,
                                                  ByteSpan payload) const {
  if (header.resync) {
    const ByteSpan dense = payload.subspan(payload_header_bytes);
    for (std::size_t at = 0; at < dense.size(); at += sizeof(Scalar)) {
      if (!std::isfinite(fetch<Scalar>(dense.data() + at))) return false;
    }
    return true;
  }
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    if (!lanes[lane].is_valid(lane_bytes(payload, lane))) return false;
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
  const bool hats = recipe.memory == MemoryKind::hat_copy;
  if (hats && !header->resync && !is_next(*header, edge)) return false;
  // Without hats both ends must have drawn the same positions, or values would meet zeros.
  const bool positions_differ =
      recipe.codec.kind == CodecKind::random_k && !hats && header->step != own.step;
  if (positions_differ || !has_valid_lanes(*header, payload)) return false;
  if (!hats) return true;
  expected[edge] = header->resync ? header->sequence : header->sequence + 1;
  if (header->resync) {
    take_resync(edge, payload);
    return true;
  }
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    lanes[lane].advance_hat(edge, lane_bytes(payload, lane));
  }
  return true;
}

template <class Scalar>
void BasicReplica<Scalar>::State::take_resync(const EdgeKey& edge, ByteSpan payload) {
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    std::vector<Scalar> hat(x.size());
    std::memcpy(hat.data(), dense_lane(payload, lane).data(), hat.size() * sizeof(Scalar));
    lanes[lane].memory().set_neighbour_hat(edge, std::move(hat));
  }
}

template <class Scalar>
MixTargets<Scalar> BasicReplica<Scalar>::State::targets(std::size_t lane, const EdgeKey& edge) {
  if (lane == 0) {
    const auto flow =
        watching ? std::span(flows.try_emplace(edge, x.size()).first->second) : std::span<double>();
    return {.target = x, .counter = {}, .flow = flow};
  }
  return {.target = tracking->correction(), .counter = tracking->counter(edge), .flow = {}};
}

template <class Scalar>
void BasicReplica<Scalar>::State::mix_edge(ByteSpan own, const WeightedPayload& peer) {
  const auto rate = static_cast<Scalar>(recipe.consensus_step * static_cast<double>(peer.weight));
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    const bool hats = recipe.memory == MemoryKind::hat_copy;
    const LaneBytes theirs = hats ? LaneBytes{} : lane_bytes(peer.payload, lane);
    lanes[lane].mix(peer.edge, lane_bytes(own, lane), theirs, targets(lane, peer.edge), rate);
  }
}

template <class Scalar>
bool BasicReplica<Scalar>::State::load(ByteReader& in) {
  const auto text = in.get_all<char>();
  if (std::string(text.begin(), text.end()) != recipe.canonical_text()) return false;
  seed = in.get<std::uint64_t>();
  steps_total = in.get<Step>();
  inner = InnerStep<Scalar>(recipe.inner, x.size(), steps_total);
  const std::size_t length = x.size();
  x = in.get_all<Scalar>();
  if (x.size() != length || !inner.load(in)) return false;
  if (tracking && !tracking->load(in)) return false;
  for (Lane<Scalar>& lane : lanes) {
    if (!lane.memory().load(in)) return false;
  }
  sequence = in.get<std::uint64_t>();
  last_step = in.get<Step>();
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    const auto edge = in.get<EdgeKey>();
    expected[edge] = in.get<std::uint64_t>();
  }
  watching = in.get<std::uint8_t>() != 0;
  flows = in.get_map<double>(length);
  return in.at_end();
}

template <class Scalar>
BasicReplica<Scalar>::BasicReplica(const Recipe& recipe, std::vector<Scalar> parameters,
                                   std::uint64_t seed, Step steps_total)
    : state_(std::make_unique<State>(recipe, std::move(parameters), seed, steps_total)) {}

template <class Scalar>
BasicReplica<Scalar>::~BasicReplica() = default;
template <class Scalar>
BasicReplica<Scalar>::BasicReplica(BasicReplica&&) noexcept = default;
template <class Scalar>
BasicReplica<Scalar>& BasicReplica<Scalar>::operator=(BasicReplica&&) noexcept = default;

template <class Scalar>
double BasicReplica<Scalar>::local_step(Step step, const BasicGradientOracle<Scalar>& oracle) {
  State& state = *state_;
  state.scratch.resize(state.x.size());  // it may have been released
  const double loss = oracle(state.x, state.scratch);
  if (state.tracking) state.tracking->correct(state.scratch);
  state.inner.apply(step, state.scratch, state.x);
  state.last_step = step;
  return loss;
}

template <class Scalar>
Bytes BasicReplica<Scalar>::encode() {
  State& state = *state_;
  const PayloadHeader header = state.own_header(false);
  Bytes payload(payload_header_bytes + state.lanes.size() * state.lane_size);
  write_header(header, payload.data());
  if (state.tracking) state.tracking->begin_exchange(state.scratch);
  const std::span<std::uint8_t> body = std::span(payload).subspan(payload_header_bytes);
  for (std::size_t lane = 0; lane < state.lanes.size(); ++lane) {
    state.lanes[lane].encode(lane == 0 ? state.x : state.scratch,
                             lane_key(header, lane, state.seed),
                             body.subspan(lane * state.lane_size, state.lane_size));
  }
  ++state.sequence;
  return payload;
}

template <class Scalar>
std::vector<EdgeKey> BasicReplica<Scalar>::mix(ByteSpan own,
                                               std::span<const WeightedPayload> peers) {
  State& state = *state_;
  const auto header = state.accept_form(own);
  const bool hats = state.recipe.memory == MemoryKind::hat_copy;
  const bool usable = header && !header->resync && state.has_valid_lanes(*header, own) &&
                      (!hats || header->sequence + 1 == state.sequence);
  std::vector<EdgeKey> refused;
  for (const WeightedPayload& peer : peers) {
    if (usable && state.receive(*header, peer.edge, peer.payload)) {
      state.mix_edge(own, peer);
    } else {
      refused.push_back(peer.edge);
    }
  }
  return refused;
}

template <class Scalar>
bool BasicReplica<Scalar>::resync(const EdgeKey& edge, ByteSpan payload) {
  const auto header = state_->accept_form(payload);
  if (!header || !header->resync || !state_->has_valid_lanes(*header, payload)) return false;
  state_->expected[edge] = header->sequence;
  state_->take_resync(edge, payload);
  return true;
}

template <class Scalar>
Bytes BasicReplica<Scalar>::resync_payload() const {
  const State& state = *state_;
  if (state.recipe.memory != MemoryKind::hat_copy) return {};
  Bytes payload(state.resync_bytes());
  write_header(state.own_header(true), payload.data());
  std::uint8_t* out = payload.data() + payload_header_bytes;
  for (const Lane<Scalar>& lane : state.lanes) {
    const auto hat = lane.memory().own_hat();
    std::memcpy(out, hat.data(), hat.size_bytes());
    out += hat.size_bytes();
  }
  return payload;
}

template <class Scalar>
void BasicReplica<Scalar>::drop_edge(const EdgeKey& edge) {
  if (state_->tracking) state_->tracking->drop(edge);
  for (Lane<Scalar>& lane : state_->lanes) lane.memory().drop(edge);
  state_->expected.erase(edge);
}

template <class Scalar>
std::span<const Scalar> BasicReplica<Scalar>::parameters() const {
  return state_->x;
}

template <class Scalar>
void BasicReplica<Scalar>::set_parameters(std::span<const Scalar> parameters) {
  STARLING_CHECK(parameters.size() == state_->x.size());
  set_parameters([&](std::span<Scalar> x) { std::ranges::copy(parameters, x.begin()); });
}

template <class Scalar>
void BasicReplica<Scalar>::set_parameters(const std::function<void(std::span<Scalar>)>& write) {
  State& state = *state_;
  write(state.x);
  state.inner.restart();
  std::ranges::fill(state.scratch, Scalar{0});
  state.lanes[0].memory().restart(state.x);
  if (state.tracking) {
    state.tracking.emplace(state.x.size());
    state.lanes[1].memory().restart(state.scratch);
  }
  state.expected.clear();
  // The gap makes every neighbour that holds a hat of the old lanes ask for the new one.
  ++state.sequence;
}

template <class Scalar>
void BasicReplica<Scalar>::release_working_memory() {
  if (state_->tracking) return;  // its second lane is what encoding needs them for
  state_->inner.release();
  state_->scratch = std::vector<Scalar>();
}

template <class Scalar>
std::span<const Scalar> BasicReplica<Scalar>::correction() const {
  const State& state = *state_;
  return state.tracking ? state.tracking->correction() : std::span<const Scalar>();
}

template <class Scalar>
const std::map<EdgeKey, std::vector<Scalar>>& BasicReplica<Scalar>::counters() const {
  static const std::map<EdgeKey, std::vector<Scalar>> none;
  return state_->tracking ? state_->tracking->counters() : none;
}

template <class Scalar>
std::size_t BasicReplica<Scalar>::payload_bytes_max() const {
  const State& state = *state_;
  const std::size_t regular = payload_header_bytes + state.lanes.size() * state.lane_size;
  const bool hats = state.recipe.memory == MemoryKind::hat_copy;
  return hats ? std::max(regular, state.resync_bytes()) : regular;
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
  out.put_all(std::span(state.x));
  state.inner.save(out);
  if (state.tracking) state.tracking->save(out);
  for (const Lane<Scalar>& lane : state.lanes) lane.memory().save(out);
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
  auto fresh = std::make_unique<State>(state_->recipe, std::vector<Scalar>(state_->x.size()),
                                       state_->seed, state_->steps_total);
  ByteReader in(saved);
  if (!fresh->load(in)) {
    return failure("saved training state of " + std::to_string(saved.size()) +
                   " bytes does not belong to recipe '" + state_->recipe.name + "' with " +
                   std::to_string(state_->x.size()) + " parameters, or is damaged");
  }
  state_ = std::move(fresh);
  return {};
}

template class BasicReplica<float>;
template class BasicReplica<double>;

}  // namespace starling::optim

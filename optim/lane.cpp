#include "optim/lane.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "optim/mixer/difference.h"
#include "starling/check.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

[[nodiscard]] CodecKey chunk_key(CodecKey lane, std::uint64_t index) {
  return {.shared = split_mix(lane.shared + index), .own = split_mix(lane.own + index)};
}

template <class T>
[[nodiscard]] std::span<T> part(std::span<T> whole, std::size_t offset, std::size_t count) {
  return whole.empty() ? whole : whole.subspan(offset, count);
}

}  // namespace

template <class Scalar>
Lane<Scalar>::Lane(const Recipe& recipe, std::span<const Scalar> start)
    : length_(start.size()),
      codec_(make_codec<Scalar>(recipe.codec)),
      memory_(recipe.memory, start) {}

template <class Scalar>
template <class Visit>
bool Lane<Scalar>::for_chunks(Visit visit) const {
  Chunk chunk{.offset = 0, .count = 0, .byte_offset = 0, .index = 0};
  while (chunk.offset < length_) {
    chunk.count = std::min(chunk_values, length_ - chunk.offset);
    if (!visit(chunk)) return false;
    chunk.byte_offset += codec_->encoded_bytes(chunk.count);
    chunk.offset += chunk.count;
    ++chunk.index;
  }
  return true;
}

template <class Scalar>
bool Lane<Scalar>::decode(const Chunk& chunk, const LaneBytes& from, std::span<Scalar> out) const {
  const auto bytes = from.bytes.subspan(chunk.byte_offset, codec_->encoded_bytes(chunk.count));
  return codec_->decode(bytes, chunk_key(from.key, chunk.index), out);
}

template <class Scalar>
std::size_t Lane<Scalar>::encoded_bytes() const {
  std::size_t total = 0;
  for_chunks([&](const Chunk& chunk) {
    total += codec_->encoded_bytes(chunk.count);
    return true;
  });
  return total;
}

template <class Scalar>
void Lane<Scalar>::encode(std::span<const Scalar> vector, CodecKey key,
                          std::span<std::uint8_t> out) {
  std::vector<Scalar> pending_buffer(std::min(chunk_values, length_));
  std::vector<Scalar> decoded_buffer(pending_buffer.size());
  for_chunks([&](const Chunk& chunk) {
    const auto pending = std::span(pending_buffer).first(chunk.count);
    const auto decoded = std::span(decoded_buffer).first(chunk.count);
    memory_.pending(vector.subspan(chunk.offset, chunk.count), chunk.offset, pending);
    codec_->encode(pending, chunk_key(key, chunk.index),
                   out.subspan(chunk.byte_offset, codec_->encoded_bytes(chunk.count)));
    // A diverged vector does not decode, here or anywhere else; nobody's memory takes it in.
    if (memory_.learns_from_sending() && decode(chunk, {out, key}, decoded)) {
      memory_.settle(pending, decoded, chunk.offset);
    }
    return true;
  });
}

template <class Scalar>
bool Lane<Scalar>::is_valid(const LaneBytes& from) const {
  return for_chunks([&](const Chunk& chunk) {
    const auto bytes = from.bytes.subspan(chunk.byte_offset, codec_->encoded_bytes(chunk.count));
    return codec_->is_valid(bytes, chunk_key(from.key, chunk.index), chunk.count);
  });
}

template <class Scalar>
void Lane<Scalar>::advance_hat(const NodeId& edge, const LaneBytes& from) {
  std::vector<Scalar> buffer(std::min(chunk_values, length_));
  const std::span<Scalar> hat = memory_.neighbour_hat(edge);
  const bool valid = for_chunks([&](const Chunk& chunk) {
    const auto decoded = std::span(buffer).first(chunk.count);
    if (!decode(chunk, from, decoded)) return false;
    const auto into = hat.subspan(chunk.offset, chunk.count);
    std::ranges::transform(into, decoded, into.begin(), std::plus{});
    return true;
  });
  STARLING_CHECK(valid);
}

template <class Scalar>
void Lane<Scalar>::mix(const NodeId& edge, const LaneBytes& own, const LaneBytes& theirs,
                       const MixTargets<Scalar>& to, Scalar rate) {
  const bool hats = memory_.kind() == MemoryKind::hat_copy;
  const std::span<const Scalar> own_hat = memory_.own_hat();
  const std::span<const Scalar> their_hat =
      hats ? memory_.neighbour_hat(edge) : std::span<Scalar>();
  std::vector<Scalar> own_buffer(hats ? 0 : std::min(chunk_values, length_));
  std::vector<Scalar> their_buffer(own_buffer.size());
  const bool valid = for_chunks([&](const Chunk& chunk) {
    std::span<const Scalar> own_values;
    std::span<const Scalar> their_values;
    if (hats) {
      own_values = own_hat.subspan(chunk.offset, chunk.count);
      their_values = their_hat.subspan(chunk.offset, chunk.count);
    } else {
      const auto own_out = std::span(own_buffer).first(chunk.count);
      const auto their_out = std::span(their_buffer).first(chunk.count);
      if (!decode(chunk, own, own_out) || !decode(chunk, theirs, their_out)) return false;
      own_values = own_out;
      their_values = their_out;
    }
    const auto add_to = [&](auto whole) {
      add_difference(rate, their_values, own_values, part(whole, chunk.offset, chunk.count));
    };
    add_to(to.target);
    add_to(to.counter);
    add_to(to.flow);
    return true;
  });
  STARLING_CHECK(valid);
}

template class Lane<float>;
template class Lane<double>;

}  // namespace starling::optim

#include "optim/ledger/direction.h"

#include <span>

namespace starling::optim {
namespace {

/// CBC-MAC with Philox as the block function: absorbs four words.
PhiloxCounter absorb(PhiloxCounter state, const PhiloxCounter& words, const PhiloxKey& key) {
  for (std::size_t i = 0; i < state.size(); ++i) state[i] ^= words[i];
  return philox4x32(state, key);
}

/// Words `first` to `first + 3` of 32 bytes, little endian.
PhiloxCounter words_of(std::span<const std::uint8_t, 32> bytes, std::size_t first) {
  PhiloxCounter words{};
  for (std::size_t i = 0; i < 16; ++i) {
    words[i / 4] |= std::uint32_t{bytes[first * 4 + i]} << (8 * (i % 4));
  }
  return words;
}

PhiloxCounter absorb_id(std::span<const std::uint8_t, 32> id, const PhiloxKey& key) {
  return absorb(absorb({}, words_of(id, 0), key), words_of(id, 4), key);
}

}  // namespace

StepKeys step_keys(const RunId& run, Step step) {
  const PhiloxKey zero{};
  const PhiloxCounter step_words{static_cast<std::uint32_t>(step),
                                 static_cast<std::uint32_t>(step >> 32U), 0, 0};
  const PhiloxCounter out = absorb(absorb_id(run.bytes, zero), step_words, zero);
  return {.signs = {out[0], out[1]}, .votes = {out[2], out[3]}};
}

AuthorStream::AuthorStream(const StepKeys& keys, const NodeId& author, Directions directions) {
  const PhiloxCounter own = absorb_id(author.bytes, keys.votes);
  const bool is_shared = directions == Directions::shared;
  const PhiloxCounter rows = is_shared ? absorb_id(NodeId{}.bytes, keys.votes) : own;
  stride_ = rows[0] | 1U;
  start_ = rows[1];
  rounding_ = {own[2], own[3]};
}

std::uint64_t AuthorStream::rounding_bits(std::uint32_t probe) const {
  const PhiloxCounter out = philox4x32({probe, 0, 0, 0}, rounding_);
  return out[0] | std::uint64_t{out[1]} << 32U;
}

}  // namespace starling::optim

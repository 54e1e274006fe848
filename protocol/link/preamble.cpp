#include "protocol/link/preamble.h"

#include <algorithm>
#include <utility>

#include "crypto/digest.h"

namespace starling::protocol {

namespace {

constexpr std::array<std::uint8_t, 4> magic = {'S', 'T', 'A', 'R'};
constexpr std::uint8_t flag_private = 1;
constexpr std::size_t flags_at = preamble_version_bytes;
constexpr std::size_t tag_at = flags_at + 1;
static_assert(tag_at + std::tuple_size_v<RunTag> == preamble_bytes);

}  // namespace

RunTag run_tag(const RunId& run, ByteSpan first_message) {
  const Digest digest = crypto::keyed_digest(run.bytes, "starling run tag", first_message);
  RunTag tag;
  std::copy_n(digest.bytes.begin(), tag.size(), tag.begin());
  return tag;
}

std::array<std::uint8_t, preamble_bytes> encode_preamble(const Preamble& preamble) {
  std::array<std::uint8_t, preamble_bytes> bytes{};
  std::ranges::copy(magic, bytes.begin());
  bytes[magic.size()] = preamble.version;
  bytes[flags_at] = preamble.is_private ? flag_private : 0;
  std::ranges::copy(preamble.tag, bytes.begin() + tag_at);
  return bytes;
}

std::optional<std::uint8_t> preamble_version(
    std::span<const std::uint8_t, preamble_version_bytes> bytes) {
  if (!std::ranges::equal(bytes.first(magic.size()), magic)) return std::nullopt;
  return bytes[magic.size()];
}

std::optional<Preamble> decode_preamble(std::span<const std::uint8_t, preamble_bytes> bytes) {
  const auto version = preamble_version(bytes.first<preamble_version_bytes>());
  if (!version || bytes[flags_at] > flag_private) return std::nullopt;
  Preamble preamble{.version = *version, .is_private = bytes[flags_at] == flag_private};
  std::ranges::copy(bytes.subspan(tag_at), preamble.tag.begin());
  return preamble;
}

std::array<std::uint8_t, refusal_bytes> encode_refusal(const Refusal& refusal) {
  return {static_cast<std::uint8_t>(refusal.reason), refusal.version};
}

std::optional<Refusal> decode_refusal(ByteSpan body) {
  if (body.size() != refusal_bytes) return std::nullopt;
  const auto reason = static_cast<RefusalReason>(body[0]);
  if (reason < RefusalReason::other_version || reason > RefusalReason::wrong_key) {
    return std::nullopt;
  }
  return Refusal{reason, body[1]};
}

}  // namespace starling::protocol

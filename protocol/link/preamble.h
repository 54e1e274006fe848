#pragma once
// What a dialer says in the clear before its handshake, and the two bytes with which a listener
// refuses: so that two versions, two runs and two keys are told apart by the one who has to act.
//
//   preamble = "STAR" ‖ protocol version (8) ‖ flags (8; bit 0: a private run) ‖ run tag (32)
//   refusal  = reason (8) ‖ the listener's protocol version (8), as the only frame it sends
//
// Every version begins with the first five bytes, whatever follows them. The run tag is the front
// of BLAKE2b["starling run tag"](run id; message 1): whoever does not know the run learns nothing
// from it, and it is another one in every handshake. A refusal is shorter than what it answers. It
// is not authenticated: it only explains, and decides nothing.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "starling/ids.h"

namespace starling::protocol {

inline constexpr std::size_t preamble_version_bytes = 5;
inline constexpr std::size_t preamble_bytes = 10;
inline constexpr std::size_t refusal_bytes = 2;

using RunTag = std::array<std::uint8_t, 4>;
[[nodiscard]] RunTag run_tag(const RunId& run, ByteSpan first_message);

struct Preamble {
  std::uint8_t version = 0;
  bool is_private = false;
  RunTag tag{};
  friend bool operator==(const Preamble&, const Preamble&) = default;
};
[[nodiscard]] std::array<std::uint8_t, preamble_bytes> encode_preamble(const Preamble& preamble);
/// The version that the first bytes of a stream name; nothing: this is no dialer of the protocol.
[[nodiscard]] std::optional<std::uint8_t> preamble_version(
    std::span<const std::uint8_t, preamble_version_bytes> bytes);
/// Nothing: not as encode_preamble() writes it.
[[nodiscard]] std::optional<Preamble> decode_preamble(
    std::span<const std::uint8_t, preamble_bytes> bytes);

enum class RefusalReason : std::uint8_t {
  other_version = 1,
  other_run = 2,
  wrong_key = 3,  ///< The run is the same, but not the ticket's secret.
};
struct Refusal {
  RefusalReason reason = RefusalReason::other_version;
  std::uint8_t version = 0;  ///< The listener's.
  friend bool operator==(const Refusal&, const Refusal&) = default;
};
[[nodiscard]] std::array<std::uint8_t, refusal_bytes> encode_refusal(const Refusal& refusal);
/// Nothing: not a refusal, or for a reason that this version does not know.
[[nodiscard]] std::optional<Refusal> decode_refusal(ByteSpan body);

}  // namespace starling::protocol

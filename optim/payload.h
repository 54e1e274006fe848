#pragma once
// The header of a payload; the bytes of the lanes follow it. Layout, little endian: "SP", version,
// lanes, codec, flags, two zero bytes, sequence (8), step (8).

#include <cstddef>
#include <cstdint>
#include <optional>

#include "starling/ids.h"

namespace starling::optim {

inline constexpr std::size_t payload_header_bytes = 24;

struct PayloadHeader {
  std::uint8_t lanes = 1;
  std::uint8_t codec = 0;      ///< PartRow::id of the codec.
  bool resync = false;         ///< The lanes are dense hat copies, not encoded differences.
  std::uint64_t sequence = 0;  ///< Counts the sender's payloads; of a resync, the next one to come.
  Step step = 0;               ///< The sender's last local step; seeds positions of random_k.
};

/// out: at least payload_header_bytes.
void write_header(const PayloadHeader& header, std::uint8_t* out);

/// Nothing if the bytes are too short or are not such a header.
[[nodiscard]] std::optional<PayloadHeader> read_header(ByteSpan payload);

}  // namespace starling::optim

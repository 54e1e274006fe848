#pragma once
// What votes cost on the wire: for the test that bounds it and the benchmark that prints it.

#include <cstddef>

#include "crypto/sealed_channel.h"
#include "crypto/signature.h"
#include "protocol/link/frame.h"
#include "protocol/wire/wire.h"

namespace starling::testing {

/// A signed packet as it is stored and forwarded. A long run: the numbers take their full width.
[[nodiscard]] inline Bytes signed_packet_of(std::size_t votes) {
  protocol::SignedAnnouncement announcement;
  announcement.content = protocol::VotePacket{.packet = 1'000'000,
                                              .step = 1'000'000,
                                              .replica_step = 999'998,
                                              .first_probe = 1000,
                                              .codes = Bytes(votes)};
  Bytes bytes = protocol::encode_announcement(announcement);
  bytes.resize(bytes.size() + sizeof(crypto::Signature));
  return bytes;
}

/// On a socket: message, kind, authentication tag and length.
[[nodiscard]] inline std::size_t frame_bytes_of(const protocol::Message& message) {
  constexpr std::size_t kind_bytes = 1;
  return protocol::encode(message).size() + kind_bytes + crypto::seal_overhead_bytes +
         protocol::frame_header_bytes;
}

}  // namespace starling::testing

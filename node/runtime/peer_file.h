#pragma once
// The file in which a node keeps the peers that it remembers: one line for each fact, each with a
// checksum of its own, so that damage costs the lines that it hits and no others.
//
//   starling-peers-1
//   CHECKSUM peer NODE-ID HOST:PORT
//   CHECKSUM seen NODE-ID
//
// CHECKSUM: the first 8 hexadecimal digits of BLAKE2b["starling peers"](the rest of the line).

#include <cstddef>
#include <string>
#include <string_view>

#include "node/core/peer_memory.h"

namespace starling::runtime {

[[nodiscard]] std::string peer_file_text(const node::RememberedPeers& peers);

struct ReadPeers {
  node::RememberedPeers peers;
  std::size_t bad_lines = 0;  ///< Left out; the last line counts too if it is cut.
};

/// The inverse; takes any bytes. No more records and nodes than limits.h allows.
[[nodiscard]] ReadPeers read_peer_file(std::string_view text);

}  // namespace starling::runtime

// A node directory's file of remembered peers, damaged in any way.

#include "node/runtime/peer_file.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::runtime;
  const ReadPeers read = read_peer_file({reinterpret_cast<const char*>(data), size});
  // What was read is written and read again without loss.
  const ReadPeers again = read_peer_file(peer_file_text(read.peers));
  if (again.bad_lines != 0 || again.peers != read.peers) __builtin_trap();
  return 0;
}

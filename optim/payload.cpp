#include "optim/payload.h"

#include <algorithm>
#include <array>

#include "optim/byte_io.h"

namespace starling::optim {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::uint8_t resync_flag = 1;
constexpr std::size_t sequence_at = 8;
constexpr std::size_t step_at = 16;

}  // namespace

void write_header(const PayloadHeader& header, std::uint8_t* out) {
  const std::array<std::uint8_t, sequence_at> fixed{
      'S', 'P', version, header.lanes, header.codec, header.resync ? resync_flag : std::uint8_t{0},
      0,   0};
  std::ranges::copy(fixed, out);
  store(out + sequence_at, header.sequence);
  store(out + step_at, header.step);
}

std::optional<PayloadHeader> read_header(ByteSpan payload) {
  if (payload.size() < payload_header_bytes) return std::nullopt;
  const PayloadHeader header{.lanes = payload[3],
                             .codec = payload[4],
                             .resync = payload[5] == resync_flag,
                             .sequence = fetch<std::uint64_t>(payload.data() + sequence_at),
                             .step = fetch<Step>(payload.data() + step_at)};
  // One form for each header: whatever differs from what we would write is refused.
  std::array<std::uint8_t, payload_header_bytes> written{};
  write_header(header, written.data());
  if (!std::ranges::equal(written, payload.first(payload_header_bytes))) return std::nullopt;
  return header;
}

}  // namespace starling::optim

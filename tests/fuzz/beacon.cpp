// Datagrams of a local network: those that anybody sends, and contents that a ticket holder sealed.

#include "protocol/link/beacon.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::protocol;
  const starling::ByteSpan bytes(data, size);
  const auto key = beacon_key({}, std::nullopt);
  const auto check = [&](const Beacon& beacon) {
    if (open_beacon(key, seal_beacon(key, beacon)) != beacon) __builtin_trap();
  };
  if (const auto beacon = open_beacon(key, bytes)) check(*beacon);
  const auto beacon = decode_beacon({1}, bytes);
  if (!beacon) return 0;
  if (!std::ranges::equal(encode_beacon(*beacon), bytes)) __builtin_trap();
  check(*beacon);
  BeaconJudge judge({});
  judge.asked(beacon->answered);
  // Dates are foreign, clocks are not: one of ours near the beacon's date, and one that is not.
  constexpr std::int64_t date_max = std::int64_t{1} << 40U;
  const std::int64_t near = std::clamp(beacon->sent_at.value, std::int64_t{0}, date_max);
  static_cast<void>(judge.judge(*beacon, {near}));
  static_cast<void>(judge.judge(*beacon, {date_max}));
  return 0;
}

#include "protocol/link/beacon.h"

#include <algorithm>
#include <span>

#include "crypto/aead.h"
#include "crypto/digest.h"

namespace starling::protocol {

namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t kind_at = 1;
constexpr std::size_t time_at = 2;
constexpr std::size_t port_at = time_at + sizeof(std::int64_t);
constexpr std::size_t sender_at = port_at + sizeof(std::uint16_t);
constexpr std::size_t answered_at = sender_at + sizeof(NodeId);
static_assert(answered_at + sizeof(BeaconNonce) == beacon_content_bytes);
static_assert(sizeof(BeaconNonce) + beacon_content_bytes + crypto::aead_tag_bytes == beacon_bytes);

/// The key seals nothing else, so that the counter is always 0.
crypto::Secret<32> key_of_one(const crypto::Secret<32>& key, const BeaconNonce& nonce) {
  return crypto::Secret<32>(crypto::keyed_digest(key.bytes(), "starling beacon2", nonce).bytes);
}

template <class Integer>
void write(Integer value, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    out[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >>
                                       (8U * (sizeof value - 1 - i)));
  }
}

template <class Integer>
Integer read(ByteSpan bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) value = value << 8U | bytes[i];
  return static_cast<Integer>(value);
}

}  // namespace

crypto::Secret<32> beacon_key(const RunId& run, const std::optional<crypto::Secret<32>>& psk) {
  const ByteSpan secret = psk ? ByteSpan(psk->bytes()) : ByteSpan(run.bytes);
  return crypto::Secret<32>(crypto::keyed_digest(secret, "starling beacon1", run.bytes).bytes);
}

BeaconContent encode_beacon(const Beacon& beacon) {
  BeaconContent content{};
  const std::span<std::uint8_t> out(content);
  out[0] = version;
  out[kind_at] = static_cast<std::uint8_t>(beacon.kind);
  write(beacon.sent_at.value, out.subspan(time_at));
  write(beacon.port, out.subspan(port_at));
  std::ranges::copy(beacon.sender.bytes, out.begin() + sender_at);
  std::ranges::copy(beacon.answered, out.begin() + answered_at);
  return content;
}

std::optional<Beacon> decode_beacon(const BeaconNonce& nonce, ByteSpan content) {
  if (content.size() != beacon_content_bytes || content[0] != version) return std::nullopt;
  const auto kind = static_cast<BeaconKind>(content[kind_at]);
  if (kind > BeaconKind::answer) return std::nullopt;
  Beacon beacon{.nonce = nonce,
                .kind = kind,
                .sent_at = {read<std::int64_t>(content.subspan(time_at))},
                .port = read<std::uint16_t>(content.subspan(port_at)),
                .sender = {}};
  std::ranges::copy(content.subspan(sender_at, sizeof(NodeId)), beacon.sender.bytes.begin());
  std::ranges::copy(content.subspan(answered_at), beacon.answered.begin());
  const bool answers = beacon.answered != BeaconNonce{};
  if (answers != (kind == BeaconKind::answer)) return std::nullopt;
  return beacon;
}

std::array<std::uint8_t, beacon_bytes> seal_beacon(const crypto::Secret<32>& key,
                                                   const Beacon& beacon) {
  std::array<std::uint8_t, beacon_bytes> datagram{};
  std::ranges::copy(beacon.nonce, datagram.begin());
  crypto::aead_seal(key_of_one(key, beacon.nonce), 0, {}, encode_beacon(beacon),
                    datagram.data() + beacon.nonce.size());
  return datagram;
}

std::optional<Beacon> open_beacon(const crypto::Secret<32>& key, ByteSpan datagram) {
  if (datagram.size() != beacon_bytes) return std::nullopt;
  BeaconNonce nonce{};
  std::ranges::copy(datagram.first(nonce.size()), nonce.begin());
  BeaconContent content{};
  const ByteSpan sealed = datagram.subspan(nonce.size());
  if (!crypto::aead_open(key_of_one(key, nonce), 0, {}, sealed, content.data())) {
    return std::nullopt;
  }
  return decode_beacon(nonce, content);
}

void BeaconJudge::asked(const BeaconNonce& nonce) {
  remember(asked_, nonce, limits::beacon_queries_kept);
}

BeaconVerdict BeaconJudge::judge(const Beacon& beacon, UnixSeconds now) {
  if (beacon.sender == self_) return BeaconVerdict::ignored;
  if (beacon.kind == BeaconKind::answer) {
    const bool is_ours = std::ranges::find(asked_, beacon.answered) != asked_.end();
    return is_ours ? BeaconVerdict::believed : BeaconVerdict::ignored;
  }
  constexpr std::int64_t seconds_max =
      std::chrono::duration_cast<std::chrono::seconds>(limits::beacon_age_max).count();
  const bool is_fresh = beacon.sent_at.value >= now.value - seconds_max &&
                        beacon.sent_at.value <= now.value + seconds_max;
  if (!is_fresh) return BeaconVerdict::other_clock;
  if (std::ranges::find(heard_, beacon.nonce) != heard_.end()) return BeaconVerdict::ignored;
  remember(heard_, beacon.nonce, limits::beacon_nonces_kept);
  return BeaconVerdict::believed;
}

void BeaconJudge::remember(Nonces& nonces, const BeaconNonce& nonce, std::size_t count_max) {
  if (nonces.size() == count_max) nonces.pop_front();
  nonces.push_back(nonce);
}

}  // namespace starling::protocol

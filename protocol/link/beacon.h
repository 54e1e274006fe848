#pragma once
// Datagrams by which nodes of one run find each other on a local network. To whoever does not know
// the run they are random bytes.
//
//   beacon  = nonce (16) ‖ sealed(content)
//   content = version (8; 1) ‖ kind (8; 0 query, 1 answer) ‖ seconds since 1970 (64, big-endian)
//             ‖ port (16, big-endian) ‖ node id (32) ‖ nonce of the query answered (16; else zeros)
//
// Each is sealed by ChaCha20-Poly1305 under a key of its own, which follows from the run and the
// nonce. A query asks all members to answer, and says where the sender listens. An answer is
// believed only by the sender of the query whose nonce it names. docs/adr/0025 has the reasons.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "crypto/secret.h"
#include "protocol/limits.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

using BeaconNonce = std::array<std::uint8_t, 16>;

enum class BeaconKind : std::uint8_t { query, answer };

struct Beacon {
  BeaconNonce nonce{};  ///< Fresh random bytes in every beacon.
  BeaconKind kind = BeaconKind::query;
  UnixSeconds sent_at;
  std::uint16_t port = 0;  ///< Where the sender listens for links; 0: nowhere.
  NodeId sender;
  BeaconNonce answered{};  ///< The query's nonce; zeros in a query.
  friend bool operator==(const Beacon&, const Beacon&) = default;
};

inline constexpr std::size_t beacon_content_bytes = 60;
inline constexpr std::size_t beacon_bytes = 16 + beacon_content_bytes + 16;
using BeaconContent = std::array<std::uint8_t, beacon_content_bytes>;

/// What all members know and nobody else: of a private run it follows from the ticket's secret, of
/// an open one from the run id.
[[nodiscard]] crypto::Secret<32> beacon_key(const RunId& run,
                                            const std::optional<crypto::Secret<32>>& psk);

/// All of it but the nonce.
[[nodiscard]] BeaconContent encode_beacon(const Beacon& beacon);
/// Nothing: not as encode_beacon() writes it, or of another version.
[[nodiscard]] std::optional<Beacon> decode_beacon(const BeaconNonce& nonce, ByteSpan content);

[[nodiscard]] std::array<std::uint8_t, beacon_bytes> seal_beacon(const crypto::Secret<32>& key,
                                                                 const Beacon& beacon);
/// datagram: anything that anybody sent. Nothing: it is no beacon of this run.
[[nodiscard]] std::optional<Beacon> open_beacon(const crypto::Secret<32>& key, ByteSpan datagram);

enum class BeaconVerdict : std::uint8_t {
  believed,
  ignored,      ///< A repeated query, an answer to somebody else's, or a beacon of our own.
  other_clock,  ///< A query that was sent long ago, or the two clocks differ by as much.
};

/// Which beacons a node believes: each query once, and not for long after it was sent; answers to
/// its own latest queries.
class BeaconJudge {
 public:
  explicit BeaconJudge(const NodeId& self) : self_(self) {}

  /// To be called with every query of our own.
  void asked(const BeaconNonce& nonce);
  [[nodiscard]] BeaconVerdict judge(const Beacon& beacon, UnixSeconds now);

 private:
  using Nonces = std::deque<BeaconNonce>;
  static void remember(Nonces& nonces, const BeaconNonce& nonce, std::size_t count_max);

  NodeId self_;
  Nonces asked_;
  Nonces heard_;  ///< Of queries that were believed.
};

}  // namespace starling::protocol

#pragma once
// Why something a peer sent was not accepted: counted and scored, never thrown (STYLE.md, errors).

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace starling::protocol {

enum class RejectReason : std::uint8_t {
  bad_handshake,   ///< Noise failed: not a node of the run, or garbage.
  wrong_tag,       ///< The private run's stranger filter did not match (wrong psk).
  expired_key,     ///< The static key's certificate is out of date.
  wrong_identity,  ///< Another node answered at this address.
  handshake_slow,
  bad_seal,      ///< A frame did not authenticate.
  bad_frame,     ///< Empty, oversized or cut frame.
  bad_encoding,  ///< Not a message of the schema.
  too_large,     ///< A list, text or payload above its limit.
  bad_signature,
  unexpected,     ///< Valid, but not in this state.
  flood,          ///< A rate or queue bound was exceeded.
  stalled,        ///< A started frame or transfer did not move on.
  bad_payload,    ///< A payload that does not decode, or holds NaN or infinity.
  truncated,      ///< The link ended without a farewell in the middle of a frame.
  other_version,  ///< A dialer of another version of the protocol.
  other_run,      ///< A dialer of another run.
  other_model,    ///< It trains a model of another form.
};

inline constexpr std::array<std::string_view, 18> reject_reason_names = {
    "bad_handshake", "wrong_tag", "expired_key",  "wrong_identity", "handshake_slow",
    "bad_seal",      "bad_frame", "bad_encoding", "too_large",      "bad_signature",
    "unexpected",    "flood",     "stalled",      "bad_payload",    "truncated",
    "other_version", "other_run", "other_model"};

[[nodiscard]] constexpr std::string_view name_of(RejectReason reason) {
  return reject_reason_names[static_cast<std::size_t>(reason)];
}

/// What handling one message of a peer came to: fine, or why the peer is to blame.
using Handled = std::expected<void, RejectReason>;

}  // namespace starling::protocol

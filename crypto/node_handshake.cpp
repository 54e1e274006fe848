#include "crypto/node_handshake.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "crypto/byte_order.h"
#include "crypto/digest.h"
#include "starling/check.h"

namespace starling::crypto {
namespace {

constexpr std::size_t tag_bytes = 16;
constexpr std::size_t incarnation_bytes = sizeof(std::uint64_t);

enum class Mode : std::uint8_t { open = 0, private_run = 1 };  // on the wire, in the prologue

Mode mode_of(const NodeHandshakeOptions& options) {
  return options.psk ? Mode::private_run : Mode::open;
}

/// Protocol version ‖ run id ‖ mode: sides that disagree on any of them cannot finish.
Bytes prologue_of(const NodeHandshakeOptions& options) {
  Bytes prologue{options.protocol_version};
  append(prologue, options.run.bytes);
  prologue.push_back(static_cast<std::uint8_t>(mode_of(options)));
  return prologue;
}

HandshakeOptions noise_options(const NodeHandshakeOptions& options) {
  const bool is_private = mode_of(options) == Mode::private_run;
  return {.pattern = is_private ? HandshakePattern::xx_psk3 : HandshakePattern::xx,
          .hash = HashFunction::sha256,
          .role = options.role,
          .prologue = prologue_of(options),
          .static_key = options.self.key,
          .ephemeral_secret = options.ephemeral_secret,
          .remote_static = {},
          .psk = options.psk};
}

constexpr std::size_t clock_bytes = 8;

/// What each side says about itself: certificate ‖ clock ‖ incarnation (which of the node's
/// processes it is).
Bytes introduction_of(const NodeHandshakeOptions& options) {
  Bytes payload;
  append(payload, options.self.certificate.encode());
  append_big_endian(payload, static_cast<std::uint64_t>(options.now.value));
  append_big_endian(payload, options.incarnation);
  return payload;
}

/// late - early; the clocks may be any numbers, since strangers tell them.
std::int64_t seconds_between(UnixSeconds early, UnixSeconds late) {
  static constexpr std::int64_t seconds_max = std::int64_t{1} << 40U;
  const auto bounded = [](UnixSeconds at) {
    return std::clamp(at.value, -seconds_max, seconds_max);
  };
  return bounded(late) - bounded(early);
}

/// Message 1 says nothing but its ephemeral key; the dialer is still a stranger.
std::expected<void, HandshakeError> check_greeting(ByteSpan payload) {
  if (!payload.empty()) return std::unexpected(HandshakeError::bad_message);
  return {};
}

}  // namespace

NodeHandshake::NodeHandshake(NodeHandshakeOptions options)
    : options_(std::move(options)), noise_(noise_options(options_)) {}

std::expected<Bytes, HandshakeError> NodeHandshake::start() {
  STARLING_CHECK(options_.role == HandshakeRole::initiator && noise_.my_turn());
  auto message = noise_.write_message({});
  if (!message || !options_.psk) return message;
  const Digest tag = tag_of(*message);
  message->insert(message->begin(), tag.bytes.begin(), tag.bytes.begin() + tag_bytes);
  return message;
}

std::expected<Bytes, HandshakeError> NodeHandshake::receive(ByteSpan message) {
  if (failed_ || finished() || noise_.my_turn()) {
    return std::unexpected(HandshakeError::bad_message);
  }
  auto answer = advance(message);
  failed_ = !answer.has_value();
  return answer;
}

bool NodeHandshake::finished() const {
  return !failed_ && noise_.finished();
}

EstablishedChannel NodeHandshake::take_channel() {
  STARLING_CHECK(finished());
  HandshakeResult result = noise_.split();
  const std::uint64_t interval = options_.rekey_interval_frames;
  return {*peer_, peer_incarnation_, *Digest::from_bytes(result.handshake_hash.bytes()),
          SealingKey(FrameKey(std::move(result.send_key), interval)),
          OpeningKey(FrameKey(std::move(result.receive_key), interval))};
}

std::expected<Bytes, HandshakeError> NodeHandshake::advance(ByteSpan message) {
  const bool is_greeting = noise_.next_message() == 0;
  if (is_greeting && options_.psk) {
    if (!has_valid_tag(message)) return std::unexpected(HandshakeError::wrong_tag);
    message = message.subspan(tag_bytes);
  }
  const auto payload = noise_.read_message(message);
  if (!payload) return std::unexpected(payload.error());
  const auto accepted = is_greeting ? check_greeting(*payload) : check_introduction(*payload);
  if (!accepted) return std::unexpected(accepted.error());
  if (noise_.finished()) return Bytes{};
  return noise_.write_message(introduction_of(options_));
}

bool NodeHandshake::has_valid_tag(ByteSpan message) const {
  if (message.size() < tag_bytes) return false;
  const Digest expected = tag_of(message.subspan(tag_bytes));
  return sodium_memcmp(expected.bytes.data(), message.data(), tag_bytes) == 0;
}

Digest NodeHandshake::tag_of(ByteSpan message) const {
  Digest key = keyed_digest(options_.psk->bytes(), "starling tag key", options_.run.bytes);
  const Digest tag = keyed_digest(key.bytes, "starling tag", message);
  wipe(key.bytes);
  return tag;
}

std::expected<void, HandshakeError> NodeHandshake::check_introduction(ByteSpan payload) {
  if (payload.size() != StaticKeyCertificate::encoded_bytes + clock_bytes + incarnation_bytes) {
    return std::unexpected(HandshakeError::bad_certificate);
  }
  ByteReader clock(payload.last(clock_bytes + incarnation_bytes));
  const UnixSeconds peer_now{static_cast<std::int64_t>(*clock.take_big_endian<std::uint64_t>())};
  peer_clock_ahead_ = seconds_between(options_.now, peer_now);
  const auto certificate =
      StaticKeyCertificate::decode(payload.first<StaticKeyCertificate::encoded_bytes>());
  if (options_.expected_peer && certificate.node != *options_.expected_peer) {
    return std::unexpected(HandshakeError::wrong_identity);
  }
  const auto valid = certificate.verify(options_.run, *noise_.remote_static(), options_.now);
  if (!valid) {
    return std::unexpected(valid.error() == CertificateError::expired
                               ? HandshakeError::expired_key
                               : HandshakeError::bad_certificate);
  }
  // The listener would drop us without a word: its clock says that our certificate is out of date.
  if (peer_now >= options_.self.certificate.expiry) {
    return std::unexpected(HandshakeError::expired_key);
  }
  peer_ = certificate.node;
  peer_incarnation_ =
      *ByteReader(payload.last<incarnation_bytes>()).take_big_endian<std::uint64_t>();
  return {};
}

}  // namespace starling::crypto

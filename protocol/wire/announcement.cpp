#include "protocol/wire/announcement.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/wire/wire.h"
#include "protocol/wire/wire_votes.h"

namespace starling::protocol {
namespace {

constexpr std::size_t signature_bytes = std::tuple_size_v<crypto::Signature>;

/// What is signed. The context keeps a node's key from being tricked into signing this as something
/// else, the run from being replayed in another run.
Bytes signed_text(const RunId& run, ByteSpan body) {
  constexpr std::string_view context = "starling announcement 1";
  Bytes text(context.size() + run.bytes.size() + body.size());
  const auto after_context = std::ranges::copy(context, text.begin()).out;
  const auto after_run = std::ranges::copy(run.bytes, after_context).out;
  std::ranges::copy(body, after_run);
  return text;
}

/// A proof is signed by the packets in it, so all of its bytes are body.
bool is_proof(ByteSpan bytes) {
  return !bytes.empty() && bytes.front() == wire_detail::proof_body_kind;
}

std::expected<SignedAnnouncement, RejectReason> open_proof(ByteSpan bytes, const RunId& run) {
  auto announcement = decode_announcement(bytes);
  if (!announcement) return announcement;
  const auto& proof = std::get<EquivocationProof>(announcement->content);
  for (const Bytes* packet : {&proof.first, &proof.second}) {
    if (const auto opened = open_announcement(*packet, run); !opened) return opened;
  }
  return announcement;
}

}  // namespace

Bytes sign_announcement(const SignedAnnouncement& announcement, const RunId& run,
                        const crypto::SigningKey& key) {
  Bytes bytes = encode_announcement(announcement);
  if (is_proof(bytes)) return bytes;
  const crypto::Signature signature = key.sign(signed_text(run, bytes));
  bytes.insert(bytes.end(), signature.begin(), signature.end());
  return bytes;
}

std::expected<SignedAnnouncement, RejectReason> open_announcement(ByteSpan bytes,
                                                                  const RunId& run) {
  if (is_proof(bytes)) return open_proof(bytes, run);
  if (bytes.size() < signature_bytes) return std::unexpected(RejectReason::bad_encoding);
  const ByteSpan body = bytes.first(bytes.size() - signature_bytes);
  auto announcement = decode_announcement(body);
  if (!announcement) return announcement;
  if (bytes.size() > limits::gossip_bytes_max) {
    return std::unexpected(RejectReason::too_large);
  }
  crypto::Signature signature;
  std::ranges::copy(bytes.last(signature_bytes), signature.begin());
  if (!crypto::verify(announcement->author, signed_text(run, body), signature)) {
    return std::unexpected(RejectReason::bad_signature);
  }
  return announcement;
}

std::expected<SignedAnnouncement, RejectReason> reopen_announcement(ByteSpan bytes) {
  if (is_proof(bytes)) return decode_announcement(bytes);
  if (bytes.size() < signature_bytes) return std::unexpected(RejectReason::bad_encoding);
  return decode_announcement(bytes.first(bytes.size() - signature_bytes));
}

std::optional<EquivocationProof> prove_equivocation(Bytes one, Bytes other) {
  if (other < one) std::swap(one, other);
  const auto decoded = decode_announcement(wire_detail::encode_proof(one, other));
  if (!decoded) return std::nullopt;
  return std::get<EquivocationProof>(decoded->content);
}

BroadcastId broadcast_id_of(ByteSpan bytes) {
  BroadcastId id;
  std::copy_n(crypto::digest_of(bytes).bytes.begin(), id.size(), id.begin());
  return id;
}

}  // namespace starling::protocol

#include "crypto/sealed_channel.h"

#include <algorithm>

#include "crypto/aead.h"
#include "starling/check.h"

namespace starling::crypto {
namespace {

static_assert(seal_overhead_bytes == aead_tag_bytes);

#ifdef STARLING_TEST_PLAINTEXT
// Only for the build in which the test that looks for plaintext on the sockets has to fail; such a
// build cannot be installed (cmake/StarlingInstall.cmake).
void protect(const FrameKey&, BulkAead&, ByteSpan plaintext, std::uint8_t* sealed) {
  std::copy_backward(plaintext.begin(), plaintext.end(), sealed + plaintext.size());
  std::fill_n(sealed + plaintext.size(), seal_overhead_bytes, std::uint8_t{0});
}
bool unprotect(const FrameKey&, BulkAead&, std::span<std::uint8_t>) {
  return true;
}
#else
[[nodiscard]] bool is_bulk(std::size_t bytes, BulkAead& bulk) {
  return bytes >= bulk_aead_bytes_min && bulk.is_available();
}
void protect(const FrameKey& key, BulkAead& bulk, ByteSpan plaintext, std::uint8_t* sealed) {
  if (is_bulk(plaintext.size(), bulk)) {
    return bulk.seal(key.key(), key.next_frame(), plaintext, sealed);
  }
  aead_seal(key.key(), key.next_frame(), {}, plaintext, sealed);
}
bool unprotect(const FrameKey& key, BulkAead& bulk, std::span<std::uint8_t> sealed) {
  if (is_bulk(sealed.size(), bulk)) return bulk.open(key.key(), key.next_frame(), sealed);
  return aead_open(key.key(), key.next_frame(), {}, sealed, sealed.data());
}
#endif

}  // namespace

FrameKey::FrameKey(Secret<32> key, std::uint64_t rekey_interval_frames, std::uint64_t next_frame)
    : key_(std::move(key)), rekey_interval_frames_(rekey_interval_frames), next_frame_(next_frame) {
  STARLING_CHECK(rekey_interval_frames_ > 0);
}

bool FrameKey::exhausted() const {
  return next_frame_ == rekey_counter;
}

bool FrameKey::advance() {
  ++next_frame_;
  const bool is_due = next_frame_ % rekey_interval_frames_ == 0;
  if (is_due) key_ = rekeyed(key_);
  return is_due;
}

std::expected<void, SealError> SealingKey::seal(ByteSpan plaintext,
                                                std::span<std::uint8_t> sealed) {
  STARLING_CHECK(sealed.size() == plaintext.size() + seal_overhead_bytes);
  if (key_.exhausted()) return std::unexpected(SealError::exhausted);
  protect(key_, bulk_, plaintext, sealed.data());
  if (key_.advance()) bulk_.forget();
  return {};
}

std::expected<std::span<std::uint8_t>, SealError> OpeningKey::open(std::span<std::uint8_t> sealed) {
  if (key_.exhausted()) return std::unexpected(SealError::exhausted);
  if (sealed.size() < seal_overhead_bytes || !unprotect(key_, bulk_, sealed)) {
    return std::unexpected(SealError::not_authentic);
  }
  if (key_.advance()) bulk_.forget();
  return sealed.first(sealed.size() - seal_overhead_bytes);
}

}  // namespace starling::crypto

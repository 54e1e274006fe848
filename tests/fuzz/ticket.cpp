// Pasted text, twice: once as it is, and once as the fields of a ticket, which are given the
// issuer, length and signature that a mutation would nearly never get right.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/base32.h"
#include "crypto/byte_order.h"
#include "crypto/ticket.h"

namespace starling::crypto {
namespace {

constexpr UnixSeconds long_ago{-1};
constexpr std::string_view signature_context = "starling ticket 1";

std::string signed_text(ByteSpan fields, const SigningKey& key) {
  Bytes bytes;
  append_big_endian(bytes, static_cast<std::uint16_t>(2 + fields.size() + sizeof(Signature)));
  append(bytes, fields);
  const std::size_t issuer_at = 2 + RunId::size;
  if (bytes.size() >= issuer_at + NodeId::size) {
    std::ranges::copy(key.id().bytes, bytes.begin() + static_cast<std::ptrdiff_t>(issuer_at));
  }
  Bytes message(signature_context.begin(), signature_context.end());
  append(message, bytes);
  append(bytes, key.sign(message));
  return "starling1" + encode_base32(bytes);
}

void check_fields(ByteSpan fields) {
  const SigningKey key = SigningKey::from_seed(Secret<32>());
  const std::string text = signed_text(fields, key);
  const auto ticket = parse_ticket(text, long_ago);
  if (!ticket) return;
  // There is exactly one text for each ticket.
  if (write_ticket(*ticket, key).value() != text) __builtin_trap();
}

}  // namespace
}  // namespace starling::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::crypto;
  (void)parse_ticket({reinterpret_cast<const char*>(data), size}, long_ago);
  check_fields(starling::ByteSpan(data, size));
  return 0;
}

// Pasted text, twice: once as it is, and once as the fields of a ticket, which are given the
// length, signature and checksum that a mutation would nearly never get right. Then one address
// alone.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/base64.h"
#include "crypto/byte_order.h"
#include "crypto/digest.h"
#include "crypto/ticket.h"
#include "crypto/ticket_address.h"

namespace starling::crypto {
namespace {

constexpr std::string_view signature_context = "starling ticket 2";
constexpr std::size_t checksum_bytes = 4;

std::string signed_text(ByteSpan fields, const SigningKey& key) {
  const std::size_t size = 1 + fields.size() + sizeof(Signature) + checksum_bytes;
  Bytes bytes{static_cast<std::uint8_t>(size)};
  append(bytes, fields);
  Bytes message(signature_context.begin(), signature_context.end());
  append(message, bytes);
  append(bytes, key.sign(message));
  append(bytes, ByteSpan(digest_in("starling ticket", bytes).bytes).first(checksum_bytes));
  return "starling2" + encode_base64url(bytes);
}

void check_fields(ByteSpan fields) {
  const SigningKey key = SigningKey::from_seed(Secret<32>());
  const std::string text = signed_text(fields, key);
  const auto ticket = parse_ticket(text);
  if (!ticket) return;
  // There is exactly one text for each ticket, and it is the owner's.
  if (write_ticket(*ticket, key).value() != text) __builtin_trap();
  if (!is_signed_by(*ticket, key.id())) __builtin_trap();
}

void check_address(ByteSpan bytes) {
  ByteReader reader(bytes);
  const auto address = take_address(reader);
  if (!address) return;
  Bytes again;
  if (address->is_of_same_machine) again.push_back(255);
  if (!append_addresses(again, address->text)) __builtin_trap();
  if (Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(again.size())) != again) {
    __builtin_trap();
  }
}

}  // namespace
}  // namespace starling::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::crypto;
  const starling::ByteSpan bytes(data, size);
  (void)parse_ticket({reinterpret_cast<const char*>(data), size});
  check_fields(bytes);
  check_address(bytes);
  return 0;
}

#include "crypto/base64.h"

#include <cstdint>

namespace starling::crypto {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr unsigned digit_bits = 6;

}  // namespace

std::string encode_base64url(ByteSpan bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + digit_bits - 1) / digit_bits);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const std::uint8_t byte : bytes) {
    pending = pending << 8U | byte;
    pending_bits += 8;
    for (; pending_bits >= digit_bits; pending_bits -= digit_bits) {
      text += alphabet[pending >> (pending_bits - digit_bits) & 63U];
    }
  }
  if (pending_bits > 0) text += alphabet[pending << (digit_bits - pending_bits) & 63U];
  return text;
}

std::expected<Bytes, std::size_t> decode_base64url(std::string_view text) {
  Bytes bytes;
  bytes.reserve(text.size() * digit_bits / 8);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = alphabet.find(text[i]);
    if (digit == std::string_view::npos) return std::unexpected(i);
    pending = pending << digit_bits | static_cast<std::uint32_t>(digit);
    pending_bits += digit_bits;
    if (pending_bits < 8) continue;
    pending_bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(pending >> pending_bits));
    pending &= (1U << pending_bits) - 1U;
  }
  if (pending_bits >= digit_bits || pending != 0) return std::unexpected(text.size());
  return bytes;
}

}  // namespace starling::crypto

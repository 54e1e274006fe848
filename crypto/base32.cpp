#include "crypto/base32.h"

#include <cstdint>
#include <optional>

namespace starling::crypto {
namespace {

constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";

std::optional<std::uint32_t> digit_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  const std::size_t value = digits.find(c);
  if (value == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

}  // namespace

std::string encode_base32(ByteSpan bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t buffer = 0;  // its low `bits` bits are not written yet; at most 12 of them
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    buffer = ((buffer << 8U) | byte) & 0xfffU;
    for (bits += 8; bits >= 5; bits -= 5) text += digits[(buffer >> (bits - 5)) & 31U];
  }
  if (bits > 0) text += digits[(buffer << (5 - bits)) & 31U];
  return text;
}

std::expected<Bytes, std::size_t> decode_base32(std::string_view text) {
  Bytes bytes;
  bytes.reserve(text.size() * 5 / 8);
  std::uint32_t buffer = 0;  // its low `bits` bits belong to the next byte; at most 12 of them
  unsigned bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = digit_value(text[i]);
    if (!value) return std::unexpected(i);
    buffer = ((buffer << 5U) | *value) & 0xfffU;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(buffer >> bits));
  }
  // One text for each byte string: no spare digit, no bits that are not zero.
  if (bits >= 5 || (buffer & ((1U << bits) - 1U)) != 0) return std::unexpected(text.size());
  return bytes;
}

}  // namespace starling::crypto

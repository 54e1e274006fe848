#include "node/core/wide_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace starling::node {

namespace {

constexpr unsigned limb_bits = 64;

std::uint64_t sign_limb(bool is_negative) {
  return is_negative ? ~std::uint64_t{0} : 0;
}

}  // namespace

void WideSum::add(ByteSpan bytes, unsigned shift) {
  if (bytes.empty()) return;
  Limbs value;
  value.fill(sign_limb((bytes.back() & 0x80U) != 0));
  static_assert(std::endian::native == std::endian::little, "limbs are read as they lie");
  std::memcpy(value.data(), bytes.data(), std::min(bytes.size(), sizeof value));
  add_shifted(value, shift);
}

void WideSum::add(std::int64_t value, unsigned shift) {
  Limbs limbs_of_value;
  limbs_of_value.fill(sign_limb(value < 0));
  limbs_of_value[0] = static_cast<std::uint64_t>(value);
  add_shifted(limbs_of_value, shift);
}

void WideSum::add_shifted(const Limbs& value, unsigned shift) {
  const std::size_t whole = shift / limb_bits;
  const unsigned rest = shift % limb_bits;
  std::uint64_t carry = 0;
  for (std::size_t i = whole; i < limbs; ++i) {
    std::uint64_t part = value[i - whole] << rest;
    if (rest > 0 && i > whole) part |= value[i - whole - 1] >> (limb_bits - rest);
    const std::uint64_t sum = limbs_[i] + part;
    const std::uint64_t with_carry = sum + carry;
    carry = static_cast<std::uint64_t>(sum < part) | static_cast<std::uint64_t>(with_carry < sum);
    limbs_[i] = with_carry;
  }
}

double WideSum::to_double() const {
  WideSum magnitude = *this;
  if (is_negative()) {
    for (std::uint64_t& limb : magnitude.limbs_) limb = ~limb;
    magnitude.add(std::int64_t{1}, 0);
  }
  std::size_t top = limbs;
  while (top > 0 && magnitude.limbs_[top - 1] == 0) --top;
  if (top == 0) return 0;
  const auto empty = static_cast<unsigned>(std::countl_zero(magnitude.limbs_[top - 1]));
  const unsigned bits = static_cast<unsigned>(top) * limb_bits - empty;
  const unsigned below = bits > limb_bits ? bits - limb_bits : 0;
  std::uint64_t front = magnitude.shifted_right(below)[0];
  // What is cut off decides ties: one bit stands for all of it.
  const auto lowest = [&](unsigned count) {
    for (std::size_t i = 0; i < count / limb_bits; ++i) {
      if (magnitude.limbs_[i] != 0) return true;
    }
    const unsigned rest = count % limb_bits;
    return rest > 0 && (magnitude.limbs_[count / limb_bits] << (limb_bits - rest)) != 0;
  };
  if (lowest(below)) front |= 1U;
  const double value = std::ldexp(static_cast<double>(front), static_cast<int>(below));
  return is_negative() ? -value : value;
}

WideSum::Limbs WideSum::shifted_right(unsigned shift) const {
  Limbs out;
  out.fill(sign_limb(is_negative()));
  const std::size_t whole = shift / limb_bits;
  const unsigned rest = shift % limb_bits;
  for (std::size_t i = 0; i + whole < limbs; ++i) {
    const std::uint64_t above =
        i + whole + 1 < limbs ? limbs_[i + whole + 1] : sign_limb(is_negative());
    out[i] = limbs_[i + whole] >> rest;
    if (rest > 0) out[i] |= above << (limb_bits - rest);
  }
  return out;
}

std::size_t WideSum::width(unsigned shift) const {
  const Limbs value = shifted_right(shift);
  const std::uint64_t sign = sign_limb(is_negative());
  std::size_t top = limbs;
  while (top > 0 && value[top - 1] == sign) --top;
  if (top == 0) return is_negative() ? 1 : 0;
  const auto unused = static_cast<unsigned>(std::countl_zero(value[top - 1] ^ sign));
  const std::size_t bits = top * limb_bits - unused + 1;  // and one for the sign
  return (bits + 7) / 8;
}

void WideSum::write(unsigned shift, std::size_t width_bytes, std::uint8_t* out) const {
  Limbs value = shifted_right(shift);
  if (width(shift) > width_bytes) {
    value.fill(sign_limb(!is_negative()));
    std::memcpy(out, value.data(), width_bytes);
    out[width_bytes - 1] ^= 0x80U;
    return;
  }
  std::memcpy(out, value.data(), width_bytes);
}

}  // namespace starling::node

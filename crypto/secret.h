#pragma once
// Fixed-size secret bytes, wiped when they go out of scope.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace starling::crypto {

/// Overwrites memory in a way that the compiler does not remove.
void wipe(std::span<std::uint8_t> bytes);

/// N secret bytes. Copyable, because keys are values that several connections need; a moved-from
/// secret is wiped. Never printed, never compared.
template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(const std::array<std::uint8_t, N>& bytes) : bytes_(bytes) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  ~Secret() { wipe(bytes_); }

  [[nodiscard]] std::span<const std::uint8_t, N> bytes() const { return bytes_; }
  [[nodiscard]] std::span<std::uint8_t, N> mutable_bytes() { return bytes_; }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

}  // namespace starling::crypto

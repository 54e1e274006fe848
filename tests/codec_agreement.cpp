// Prints a digest of what each kernel of the codecs gives for one series of values: name, digest.
// tests/codec_agreement.py runs it as built by several compilers, for several processors.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "optim/codec/kernels/quantize_kernels.h"
#include "optim/codec/kernels/quantize_scalar.h"
#include "optim/codec/kernels/top_k_kernels.h"
#include "optim/codec/kernels/top_k_scalar.h"
#include "starling/ids.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

constexpr std::size_t lengths[] = {1, 63, 1000, 4097, 65536};
constexpr float units[] = {1.0F, 1e-40F, 1e30F};

/// FNV-1a, 64 bits: enough to tell outputs apart that nobody chose.
class Digest {
 public:
  template <class T>
  void add(std::span<const T> items) {
    const auto bytes = std::as_bytes(items);
    for (const std::byte byte : bytes) {
      state_ = (state_ ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3U;
    }
  }
  void print(const char* name) const {
    std::printf("%s %016llx\n", name, static_cast<unsigned long long>(state_));
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

/// Calls visit(values) for every length and unit.
template <class Visit>
void for_all_values(const Visit& visit) {
  for (const std::size_t length : lengths) {
    for (const float unit : units) {
      Rng rng(length);
      std::vector<float> values(length);
      for (float& value : values) {
        value = (static_cast<float>(rng.below(2'000'001)) / 1e6F - 1.0F) * unit;
      }
      visit(std::span<const float>(values));
    }
  }
}

/// encode(values, form, out) and decode(in, form, out) of one implementation.
template <class Encode, class Decode>
void print_quantizer(const char* name, const Encode& encode, const Decode& decode) {
  Digest digest;
  for_all_values([&](std::span<const float> values) {
    for (std::uint32_t bits = 1; bits <= 8; ++bits) {
      for (const std::size_t block : {8U, 100U, 256U, 65536U}) {
        const QuantizeForm form{.block = block, .bits = bits};
        const std::size_t scale_bytes = quantize_scale_bytes(form, values.size());
        Bytes bytes(scale_bytes + quantize_level_bytes(form, values.size()));
        encode(values, form, QuantizeBytes<std::uint8_t>{bytes.data(), bytes.data() + scale_bytes});
        digest.add(ByteSpan(bytes));
        std::vector<float> decoded(values.size());
        decode(QuantizeBytes<const std::uint8_t>{bytes.data(), bytes.data() + scale_bytes}, form,
               std::span(decoded));
        digest.add(std::span<const float>(decoded));
      }
    }
  });
  digest.print(name);
}

template <class Select>
void print_selection(const char* name, const Select& select) {
  Digest digest;
  for_all_values([&](std::span<const float> values) {
    for (const std::size_t parts : {1U, 10U, 100U, 1000U}) {
      std::vector<std::uint16_t> indices(values.size() / parts + 1);
      indices.resize(std::min(indices.size(), values.size()));
      select(values, std::span(indices));
      digest.add(std::span<const std::uint16_t>(indices));
    }
  });
  digest.print(name);
}

void print_all() {
  constexpr std::uint32_t key = 77;
  print_quantizer(
      "quantize:definition",
      [](auto values, auto form, auto out) { scalar::encode(values, form, key, out); },
      [](auto in, auto form, auto out) { scalar::decode(in, form, out); });
  for (const QuantizeKernels& kernels : usable_quantize_kernels()) {
    print_quantizer(
        (std::string("quantize:") + kernels.name).c_str(),
        [&](auto values, auto form, auto out) { quantize_encode(kernels, values, form, key, out); },
        [&](auto in, auto form, auto out) { quantize_decode(kernels, in, form, out); });
  }
  print_selection("top_k:definition",
                  [](auto values, auto out) { scalar::select_top_k(values, out); });
  for (const TopKKernels& kernels : usable_top_k_kernels()) {
    print_selection((std::string("top_k:") + kernels.name).c_str(),
                    [&](auto values, auto out) { select_top_k(kernels, values, out); });
  }
}

}  // namespace
}  // namespace starling::optim

int main() {
  starling::optim::print_all();
}

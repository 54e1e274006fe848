// Codecs beside memory and torch.topk. Ends with one JSON object.
// Run from the repository's root, because the PyTorch loop is bench/macro/topk_torch.py.
//
// A vector larger than the caches is encoded and decoded chunk by chunk, decoded values going into
// one chunk's buffer, as lanes do. The floor is a copy of as many bytes as one direction reads and
// writes together, from memory to memory in as many pieces. Of several rounds the fastest counts,
// in time of the processor, because other programs must not count.

#include "optim/codec/codec.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "optim/codec/kernels/quantize_kernels.h"
#include "optim/codec/kernels/top_k_kernels.h"
#include "starling/check.h"
#include "starling/rng.h"

namespace starling::optim {
namespace {

constexpr std::size_t parameters = std::size_t{1} << 26U;  // 256 MiB: no cache in reach holds it
constexpr std::size_t chunks = parameters / block_values_max;
constexpr int rounds = 7;

constexpr Block block{0, 1, block_values_max};

struct Subject {
  std::string name;
  Chosen<CodecEntry> codec;
};

// Every codec of the catalog at its presets; the quantizer also at the widths that recipes use.
std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const CodecEntry* codec : codecs().rows()) {
    if (codec->name == "quantize") {
      for (const unsigned bits : {8U, 4U, 2U}) {
        std::ostringstream name;  // g++ 12 takes a sum of strings for an overlap (GCC bug 105329)
        name << "quantize_" << bits << "_bits";
        all.push_back({name.str(), codecs().choose("quantize", {{"bits", bits}})});
      }
      continue;
    }
    std::string name(codec->name);
    const Chosen<CodecEntry> chosen = codecs().choose(*codec);
    if (chosen.settings.has("density")) {
      std::ostringstream with_density;
      with_density << name << '_' << chosen.settings.real("density");
      name = with_density.str();
    }
    all.push_back({name, chosen});
  }
  return all;
}

/// Nearly normal: the sum of four uniform values.
std::vector<float> random_values() {
  std::vector<float> values(parameters);
  Rng rng(1);
  for (float& value : values) {
    const std::uint64_t bits = rng.next();
    float sum = 0;
    for (unsigned part = 0; part < 4; ++part) {
      sum += static_cast<float>((bits >> (16U * part)) & 0xffffU) * 0x1.0p-16F - 0.5F;
    }
    value = sum;
  }
  return values;
}

/// Of the processor, in seconds.
template <class Work>
double seconds_of(const Work& work) {
  const auto now = [] {
    timespec time{};
    STARLING_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double start = now();
  work();
  return now() - start;
}

class Measurement {
 public:
  Measurement() : values_(random_values()), bytes_(parameters * sizeof(float), 1) {}

  [[nodiscard]] nlohmann::json of(const Subject& subject) {
    const auto codec = subject.codec.make<float>(Codec<float>::Site{});
    const std::size_t size = codec->encoded_bytes(block);
    double floor = 1e9;
    double encode = 1e9;
    double decode = 1e9;
    for (int round = 0; round < rounds; ++round) {
      floor =
          std::min(floor, seconds_of([&] { copy((block_values_max * sizeof(float) + size) / 2); }));
      encode = std::min(encode, seconds_of([&] { encode_all(*codec, size); }));
      decode = std::min(decode, seconds_of([&] { decode_all(*codec, size); }));
    }
    return {{"encode_gparam_s", rate(encode)},
            {"decode_gparam_s", rate(decode)},
            {"floor_gparam_s", rate(floor)},
            {"torch_topk_gparam_s", torch_rate(subject.codec)}};
  }

 private:
  [[nodiscard]] static double rate(double seconds) {
    return static_cast<double>(parameters) / seconds / 1e9;
  }

  /// `size` bytes for every chunk.
  void copy(std::size_t size) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(values_.data());
    for (std::size_t i = 0; i < chunks; ++i) {
      std::memcpy(bytes_.data() + i * size, from + i * size, size);
    }
  }

  void encode_all(const Codec<float>& codec, std::size_t size) {
    for (std::size_t i = 0; i < chunks; ++i) {
      const auto chunk =
          std::span<const float>(values_).subspan(i * block_values_max, block_values_max);
      codec.encode(block, chunk, {i, i}, std::span(bytes_).subspan(i * size, size));
    }
  }

  void decode_all(const Codec<float>& codec, std::size_t size) {
    for (std::size_t i = 0; i < chunks; ++i) {
      const ByteSpan bytes = ByteSpan(bytes_).subspan(i * size, size);
      STARLING_CHECK(codec.accepts(block, bytes, {i, i}));
      codec.decode(block, bytes, {i, i}, decoded_);
    }
  }

  /// torch.topk of as many values in as many chunks; null without python3-torch or another codec.
  [[nodiscard]] static nlohmann::json torch_rate(const Chosen<CodecEntry>& codec) {
    if (codec.name() != "top_k") return nullptr;
    const std::string command = "/usr/bin/python3 bench/macro/topk_torch.py " +
                                std::to_string(chunks) + " " + std::to_string(block_values_max) +
                                " " + std::to_string(codec.settings.real("density"));
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return nullptr;
    double measured = 0;
    const bool read = std::fscanf(pipe, "%lf", &measured) == 1;
    return pclose(pipe) == 0 && read ? nlohmann::json(measured) : nlohmann::json();
  }

  std::vector<float> values_;
  Bytes bytes_;
  std::vector<float> decoded_ = std::vector<float>(block_values_max);
};

void print(const std::string& name, const nlohmann::json& figures) {
  const auto of = [&](const char* key) { return figures.at(key).get<double>(); };
  const double floor = of("floor_gparam_s");
  std::fprintf(stderr, "%-16s encode %6.3f (%3.0f %% of a copy)  decode %6.3f (%3.0f %%)",
               name.c_str(), of("encode_gparam_s"), 100 * of("encode_gparam_s") / floor,
               of("decode_gparam_s"), 100 * of("decode_gparam_s") / floor);
  if (!figures.at("torch_topk_gparam_s").is_null()) {
    std::fprintf(stderr, "  torch.topk %.4f", of("torch_topk_gparam_s"));
  }
  std::fprintf(stderr, "  Gparam/s\n");
}

}  // namespace
}  // namespace starling::optim

int main() {
  using namespace starling::optim;
  std::fprintf(stderr, "kernels: quantize %s, top_k %s\n", best_quantize_kernels().name,
               best_top_k_kernels().name);
  Measurement measurement;
  nlohmann::json all;
  for (const Subject& subject : subjects()) {
    all[subject.name] = measurement.of(subject);
    print(subject.name, all[subject.name]);
  }
  std::cout << all.dump() << '\n';
}

#include "optim/ledger/kernels.h"

#include <array>
#include <bit>

namespace starling::optim {
namespace {

// One source for all instruction sets: plain loops that compilers vectorise. Each body is inlined
// into one function per target below.
#define STARLING_BODY [[gnu::always_inline]] inline

using SignLanes = std::array<std::array<std::uint32_t, sign_lanes>, 4>;

/// sign_block for sign_lanes consecutive blocks: words[w][lane] is word w of block first + lane.
STARLING_BODY void sign_lanes_of(PhiloxKey key, std::uint64_t first, SignLanes& words) {
  for (std::size_t lane = 0; lane < sign_lanes; ++lane) {
    words[0][lane] = static_cast<std::uint32_t>(first + lane);
    words[1][lane] = static_cast<std::uint32_t>((first + lane) >> 32U);
    words[2][lane] = 0;
    words[3][lane] = 0;
  }
  for (int round = 0; round < philox::rounds; ++round) {
    for (std::size_t lane = 0; lane < sign_lanes; ++lane) {
      const std::uint64_t product0 = std::uint64_t{philox::multiplier[0]} * words[0][lane];
      const std::uint64_t product1 = std::uint64_t{philox::multiplier[1]} * words[2][lane];
      words[0][lane] = static_cast<std::uint32_t>(product1 >> 32U) ^ words[1][lane] ^ key[0];
      words[1][lane] = static_cast<std::uint32_t>(product1);
      words[2][lane] = static_cast<std::uint32_t>(product0 >> 32U) ^ words[3][lane] ^ key[1];
      words[3][lane] = static_cast<std::uint32_t>(product0);
    }
    key[0] += philox::key_increment[0];
    key[1] += philox::key_increment[1];
  }
}

/// All ones where bit i of `word` is set, else 0.
STARLING_BODY std::uint32_t spread(std::uint32_t word, std::size_t i) {
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(word << (31U - i)) >> 31U);
}

/// -value where mask is all ones, else value.
STARLING_BODY std::uint32_t negate_where(std::uint32_t mask, std::uint32_t value) {
  return (value ^ mask) - mask;
}

/// Calls visit(offset, word) for every 32 parameters of the part: their place in it and the bits of
/// s_t.
template <class Visit>
STARLING_BODY void for_each_word(const GridPart& part, const PhiloxKey& signs, Visit visit) {
  SignLanes words;
  for (std::size_t start = 0; start < part.grid.size(); start += group_size) {
    const std::size_t group = part.first_group + start / group_size;
    sign_lanes_of(signs, group * sign_lanes, words);
    for (std::size_t lane = 0; lane < sign_lanes; ++lane) {
      for (std::size_t word = 0; word < 4; ++word) {
        visit(start + lane * signs_per_block + word * 32, words[word][lane]);
      }
    }
  }
}

STARLING_BODY void sweep_body(const GridPart& part, const SummedStep& step) {
  const std::size_t first = part.first_group * group_size;
  for_each_word(part, step.signs, [&] [[gnu::always_inline]] (std::size_t at, std::uint32_t word) {
    std::int32_t* __restrict grid = part.grid.data() + at;
    const std::uint32_t* __restrict sums =
        step.sums.data() + ((first + at) & (step.sums.size() - 1));
    for (std::size_t i = 0; i < 32; ++i) {
      grid[i] = wrapping_add(grid[i], 0U - negate_where(spread(word, i), sums[i]));
    }
  });
}

/// The signs of row `row` for the 32 parameters from `first`, a multiple of 32.
STARLING_BODY std::uint32_t row_word(std::uint32_t row, std::size_t first) {
  // Bit i of mask b: bit b of i. Their sum modulo 2 over the bits of the row is the row's pattern.
  constexpr std::array<std::uint32_t, 5> index_bits{0xaaaaaaaaU, 0xccccccccU, 0xf0f0f0f0U,
                                                    0xff00ff00U, 0xffff0000U};
  std::uint32_t pattern = hadamard_negative(row, first) ? ~0U : 0U;
  for (std::size_t b = 0; b < index_bits.size(); ++b) {
    pattern ^= index_bits[b] & (0U - ((row >> b) & 1U));
  }
  return pattern;
}

STARLING_BODY void add_votes_body(const GridPart& part, const PhiloxKey& signs,
                                  std::span<const RowVote> votes) {
  const std::size_t first = part.first_group * group_size;
  for_each_word(part, signs, [&] [[gnu::always_inline]] (std::size_t at, std::uint32_t word) {
    std::array<std::uint32_t, 32> sums{};
    for (const RowVote& vote : votes) {
      const std::uint32_t negative = word ^ row_word(vote.row, first + at);
      for (std::size_t i = 0; i < 32; ++i) {
        sums[i] += negate_where(spread(negative, i), vote.step);
      }
    }
    std::int32_t* grid = part.grid.data() + at;
    for (std::size_t i = 0; i < 32; ++i) grid[i] = wrapping_add(grid[i], 0U - sums[i]);
  });
}

STARLING_BODY void perturb_body(const GridPart& part, const PhiloxKey& signs, const RowVote& vote,
                                float* out) {
  const std::size_t first = part.first_group * group_size;
  for_each_word(part, signs, [&] [[gnu::always_inline]] (std::size_t at, std::uint32_t word) {
    const std::uint32_t negative = word ^ row_word(vote.row, first + at);
    const std::int32_t* grid = part.grid.data() + at;
    float* __restrict copy = out + at;
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint32_t change = 0U - negate_where(spread(negative, i), vote.step);
      copy[i] = from_grid(wrapping_add(grid[i], change));
    }
  });
}

STARLING_BODY void transform_body(std::span<std::uint32_t> values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t start = 0; start < values.size(); start += 2 * half) {
      std::uint32_t* __restrict low = values.data() + start;
      std::uint32_t* __restrict high = low + half;
      for (std::size_t i = 0; i < half; ++i) {
        const std::uint32_t sum = low[i] + high[i];
        high[i] = low[i] - high[i];
        low[i] = sum;
      }
    }
  }
}

#define STARLING_KERNELS(suffix, attribute)                                             \
  attribute void sweep_##suffix(const GridPart& part, const SummedStep& step) {         \
    sweep_body(part, step);                                                             \
  }                                                                                     \
  attribute void add_votes_##suffix(const GridPart& part, const PhiloxKey& signs,       \
                                    std::span<const RowVote> votes) {                   \
    add_votes_body(part, signs, votes);                                                 \
  }                                                                                     \
  attribute void perturb_##suffix(const GridPart& part, const PhiloxKey& signs,         \
                                  const RowVote& vote, float* out) {                    \
    perturb_body(part, signs, vote, out);                                               \
  }                                                                                     \
  attribute void transform_##suffix(std::span<std::uint32_t> values) {                  \
    transform_body(values);                                                             \
  }                                                                                     \
  constexpr LedgerKernels suffix##_kernels{#suffix, sweep_##suffix, add_votes_##suffix, \
                                           perturb_##suffix, transform_##suffix};

#if defined(__x86_64__)
STARLING_KERNELS(avx2, )  // the baseline of the build, x86-64-v3
STARLING_KERNELS(avx512, [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]])
constexpr std::array all_kernels{avx2_kernels, avx512_kernels};

bool has_wide_vectors() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
#else
STARLING_KERNELS(baseline, )  // NEON on aarch64
constexpr std::array all_kernels{baseline_kernels};

bool has_wide_vectors() {
  return true;
}
#endif

#undef STARLING_KERNELS
#undef STARLING_BODY

}  // namespace

std::span<const LedgerKernels> usable_kernels() {
  return std::span(all_kernels).first(has_wide_vectors() ? all_kernels.size() : 1);
}

const LedgerKernels& best_kernels() {
  return usable_kernels().back();
}

}  // namespace starling::optim

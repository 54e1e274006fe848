#include "optim/ledger/kernels.h"
#include "optim/processor.h"

#include <algorithm>
#include <array>
#include <cstring>

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

constexpr std::size_t words_per_block = signs_per_block / 32;

/// The bits of s_t for one block, word by word.
struct BlockSigns {
  const SignLanes& words;
  std::size_t lane;

  STARLING_BODY std::uint32_t operator[](std::size_t word) const { return words[word][lane]; }
};

/// Calls visit(offset, signs) for every block of the part: its place in it, and its BlockSigns.
template <class Visit>
STARLING_BODY void for_each_block(const GridPart& part, const PhiloxKey& signs, Visit visit) {
  SignLanes words;
  for (std::size_t start = 0; start < part.grid.size(); start += group_size) {
    const std::size_t group = part.first_group + start / group_size;
    sign_lanes_of(signs, group * sign_lanes, words);
    for (std::size_t lane = 0; lane < sign_lanes; ++lane) {
      visit(start + lane * signs_per_block, BlockSigns{words, lane});
    }
  }
}

STARLING_BODY void sweep_body(const GridPart& part, const SummedStep& step) {
  const std::size_t first = part.first_group * group_size;
  for_each_block(part, step.signs,
                 [&] [[gnu::always_inline]] (std::size_t at, const BlockSigns& signs) {
                   std::int32_t* __restrict grid = part.grid.data() + at;
                   const std::uint32_t* __restrict sums =
                       step.sums.data() + ((first + at) & (step.sums.size() - 1));
                   for (std::size_t word = 0; word < words_per_block; ++word) {
                     for (std::size_t i = 0; i < 32; ++i) {
                       const std::size_t place = word * 32 + i;
                       const std::uint32_t sum = negate_where(spread(signs[word], i), sums[place]);
                       grid[place] = wrapping_add(grid[place], 0U - sum);
                     }
                   }
                 });
}

/// The signs of a row for the first 64 parameters; any 64 from a multiple of 64 on have these or
/// their opposites.
STARLING_BODY std::uint64_t row_pattern(std::uint32_t row) {
  // Bit i of mask b is bit b of i: a row's pattern is the sum modulo 2 over its bits.
  constexpr std::array<std::uint64_t, 6> index_bits{0xaaaaaaaaaaaaaaaaU, 0xccccccccccccccccU,
                                                    0xf0f0f0f0f0f0f0f0U, 0xff00ff00ff00ff00U,
                                                    0xffff0000ffff0000U, 0xffffffff00000000U};
  std::uint64_t pattern = 0;
  for (std::size_t b = 0; b < index_bits.size(); ++b) {
    if (((row >> b) & 1U) != 0) pattern ^= index_bits[b];
  }
  return pattern;
}

/// The signs of a row for the 64 parameters from `first`, a multiple of 32.
STARLING_BODY std::uint64_t row_word(std::uint32_t row, std::uint64_t pattern, std::size_t first) {
  return pattern ^ (0U - std::uint64_t{hadamard_negative(row, first)});
}

using Lanes4 [[gnu::vector_size(16)]] = std::uint32_t;
using Lanes8 [[gnu::vector_size(32)]] = std::uint32_t;
using Lanes16 [[gnu::vector_size(64)]] = std::uint32_t;

/// Half a block: as many sums as the registers of every instruction set hold.
constexpr std::size_t half_size = signs_per_block / 2;

/// The signs of a half block as one word.
STARLING_BODY std::uint64_t half_word(const BlockSigns& signs, std::size_t half) {
  return signs[2 * half] | std::uint64_t{signs[2 * half + 1]} << 32U;
}

/// Votes whose sums for half a block are taken at once.
constexpr std::size_t votes_per_pass = 16;

/// One pass over memory with at most votes_per_pass votes. Lanes: the instruction set's register.
template <class Lanes>
STARLING_BODY void add_pass_body(const GridPart& part, const PhiloxKey& signs,
                                 std::span<const RowVote> votes) {
  constexpr std::size_t lanes = sizeof(Lanes) / sizeof(std::uint32_t);
  constexpr std::size_t registers = half_size / lanes;
  Lanes bits[registers];  // the place of each lane's sign in its word of 32
  for (std::size_t i = 0; i < half_size; ++i) bits[i / lanes][i % lanes] = 1U << (i % 32);
  std::array<std::uint64_t, votes_per_pass> patterns{};
  std::uint32_t total = 0;
  for (std::size_t j = 0; j < votes.size(); ++j) {
    patterns[j] = row_pattern(votes[j].row);
    total += votes[j].step;
  }
  const auto add_half = [&] [[gnu::always_inline]] (std::size_t at, std::uint64_t word) {
    const std::size_t index = part.first_group * group_size + at;
    Lanes sums[registers]{};  // over the votes whose sign is -1
    for (std::size_t j = 0; j < votes.size(); ++j) {
      const std::uint64_t negative = word ^ row_word(votes[j].row, patterns[j], index);
      const Lanes low = Lanes{} + static_cast<std::uint32_t>(negative);
      const Lanes high = Lanes{} + static_cast<std::uint32_t>(negative >> 32U);
      const Lanes step = Lanes{} + votes[j].step;
#pragma GCC unroll 16
      for (std::size_t r = 0; r < registers; ++r) {
        const Lanes half = r < registers / 2 ? low : high;
        sums[r] += (half & bits[r]) != 0U ? step : Lanes{};
      }
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < registers; ++r) {
      Lanes values;
      std::memcpy(&values, part.grid.data() + at + r * lanes, sizeof(values));
      values += 2U * sums[r] - total;
      std::memcpy(part.grid.data() + at + r * lanes, &values, sizeof(values));
    }
  };
  for_each_block(part, signs, [&] [[gnu::always_inline]] (std::size_t at, const BlockSigns& words) {
    add_half(at, half_word(words, 0));
    add_half(at + half_size, half_word(words, 1));
  });
}

template <class Lanes>
STARLING_BODY void add_votes_body(const GridPart& part, const PhiloxKey& signs,
                                  std::span<const RowVote> votes) {
  for (std::size_t at = 0; at < votes.size(); at += votes_per_pass) {
    add_pass_body<Lanes>(part, signs,
                         votes.subspan(at, std::min(votes_per_pass, votes.size() - at)));
  }
}

STARLING_BODY void perturb_body(const GridPart& part, const PhiloxKey& signs, const RowVote& vote,
                                float* out) {
  const std::uint64_t pattern = row_pattern(vote.row);
  for_each_block(part, signs, [&] [[gnu::always_inline]] (std::size_t at, const BlockSigns& words) {
    for (std::size_t word = 0; word < words_per_block; ++word) {
      const std::size_t start = at + word * 32;
      const std::size_t index = part.first_group * group_size + start;
      const auto row = static_cast<std::uint32_t>(row_word(vote.row, pattern, index));
      const std::int32_t* __restrict grid = part.grid.data() + start;
      float* __restrict copy = out + start;
      for (std::size_t i = 0; i < 32; ++i) {
        const std::uint32_t change = 0U - negate_where(spread(words[word] ^ row, i), vote.step);
        copy[i] = from_grid(wrapping_add(grid[i], change));
      }
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

#define STARLING_KERNELS(suffix, attribute, Lanes)                                      \
  attribute void sweep_##suffix(const GridPart& part, const SummedStep& step) {         \
    sweep_body(part, step);                                                             \
  }                                                                                     \
  attribute void add_votes_##suffix(const GridPart& part, const PhiloxKey& signs,       \
                                    std::span<const RowVote> votes) {                   \
    add_votes_body<Lanes>(part, signs, votes);                                          \
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
STARLING_KERNELS(portable, , Lanes4)  // needs no more than the build's own flags
STARLING_KERNELS(avx2, [[gnu::target("avx2")]], Lanes8)
STARLING_KERNELS(avx512, [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]], Lanes16)
constexpr std::array all_kernels{portable_kernels, avx2_kernels, avx512_kernels};

std::size_t usable_count() {
  return usable_x86_kernels();
}
#else
#if defined(__aarch64__)
STARLING_KERNELS(neon, , Lanes4)  // a part of every such processor
constexpr std::array all_kernels{neon_kernels};
#else
STARLING_KERNELS(portable, , Lanes4)
constexpr std::array all_kernels{portable_kernels};
#endif

std::size_t usable_count() {
  return all_kernels.size();
}
#endif

#undef STARLING_KERNELS
#undef STARLING_BODY

}  // namespace

std::span<const LedgerKernels> usable_kernels() {
  return std::span(all_kernels).first(usable_count());
}

const LedgerKernels& best_kernels() {
  return usable_kernels().back();
}

}  // namespace starling::optim

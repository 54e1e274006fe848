#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "optim/byte_io.h"
#include "optim/codec/codec.h"
#include "optim/codec/kernels/top_k_scalar.h"
#include "optim/codec/sparse_layout.h"

namespace starling::optim {
namespace {

constexpr std::size_t side_max = 64;

// The orthonormal DCT-II of every length up to a tile's side: row k, column i holds
// c_k cos(pi (i + 1/2) k / n).
template <class Scalar>
class Basis {
 public:
  explicit Basis(std::size_t length) : length_(length), rows_(length * length) {
    const auto n = static_cast<double>(length);
    for (std::size_t k = 0; k < length; ++k) {
      const double factor = std::sqrt((k == 0 ? 1.0 : 2.0) / n);
      for (std::size_t i = 0; i < length; ++i) {
        const double angle =
            std::numbers::pi * (static_cast<double>(i) + 0.5) * static_cast<double>(k) / n;
        rows_[k * length + i] = static_cast<Scalar>(factor * std::cos(angle));
      }
    }
  }

  [[nodiscard]] std::size_t length() const { return length_; }
  [[nodiscard]] Scalar at(std::size_t k, std::size_t i) const { return rows_[k * length_ + i]; }

 private:
  std::size_t length_;
  std::vector<Scalar> rows_;
};

/// A rectangle of a block.
struct Tile {
  std::size_t row;
  std::size_t column;
  std::size_t rows;
  std::size_t columns;
  [[nodiscard]] std::size_t count() const { return rows * columns; }
};

template <class Visit>
bool for_each_tile(const Block& block, Visit visit) {
  for (std::size_t row = 0; row < block.rows; row += side_max) {
    for (std::size_t column = 0; column < block.columns; column += side_max) {
      const Tile tile{row, column, std::min(side_max, block.rows - row),
                      std::min(side_max, block.columns - column)};
      if (!visit(tile)) return false;
    }
  }
  return true;
}

// Layout of a tile: k ascending 16-bit indices into its coefficients, row by row, then k values.
template <class Scalar>
class DctTopK final : public Codec<Scalar> {
 public:
  DctTopK(const Settings& settings, const typename Codec<Scalar>::Site& /*site*/)
      : density_(settings.real("density")) {
    for (std::size_t length = 1; length <= side_max; ++length) bases_.emplace_back(length);
  }

  [[nodiscard]] std::size_t encoded_bytes(const Block& block) const override {
    std::size_t bytes = 0;
    for_each_tile(block, [&](const Tile& tile) {
      bytes += tile_bytes(tile);
      return true;
    });
    return bytes;
  }

  void encode(const Block& block, std::span<const Scalar> values, CodecKey /*key*/,
              std::span<std::uint8_t> out) const override {
    Square square;
    Square coefficients;
    std::uint8_t* at = out.data();
    for_each_tile(block, [&](const Tile& tile) {
      for (std::size_t r = 0; r < tile.rows; ++r) {
        const auto from =
            values.subspan((tile.row + r) * block.columns + tile.column, tile.columns);
        std::ranges::copy(from, square.begin() + static_cast<std::ptrdiff_t>(r * tile.columns));
      }
      transform(tile, square, coefficients);
      write(std::span<const Scalar>(coefficients).first(tile.count()), at);
      at += tile_bytes(tile);
      return true;
    });
  }

  [[nodiscard]] bool accepts(const Block& block, ByteSpan bytes, CodecKey /*key*/) const override {
    const std::uint8_t* at = bytes.data();
    return for_each_tile(block, [&](const Tile& tile) {
      const std::size_t kept = kept_entries(density_, tile.count());
      std::size_t next_allowed = 0;
      for (std::size_t i = 0; i < kept; ++i) {
        const std::size_t index = index_at(at, i);
        // A sum of 4,096 such values with factors up to 1 is finite.
        const Scalar value = value_at(at, kept, i);
        if (index < next_allowed || index >= tile.count() || !(std::abs(value) <= value_max)) {
          return false;
        }
        next_allowed = index + 1;
      }
      at += tile_bytes(tile);
      return true;
    });
  }

  void decode(const Block& block, ByteSpan bytes, CodecKey /*key*/,
              std::span<Scalar> out) const override {
    Square square;
    Square coefficients;
    const std::uint8_t* at = bytes.data();
    for_each_tile(block, [&](const Tile& tile) {
      const std::size_t kept = kept_entries(density_, tile.count());
      std::ranges::fill(std::span(coefficients).first(tile.count()), Scalar{0});
      for (std::size_t i = 0; i < kept; ++i) {
        coefficients[index_at(at, i)] = value_at(at, kept, i);
      }
      invert(tile, coefficients, square);
      for (std::size_t r = 0; r < tile.rows; ++r) {
        const auto from = std::span<const Scalar>(square).subspan(r * tile.columns, tile.columns);
        std::ranges::copy(from, out.begin() + static_cast<std::ptrdiff_t>(
                                                  (tile.row + r) * block.columns + tile.column));
      }
      at += tile_bytes(tile);
      return true;
    });
  }

 private:
  using Square = std::array<Scalar, side_max * side_max>;
  static constexpr Scalar value_max = static_cast<Scalar>(1e34);

  [[nodiscard]] std::size_t tile_bytes(const Tile& tile) const {
    return kept_entries(density_, tile.count()) * (sizeof(std::uint16_t) + sizeof(Scalar));
  }
  [[nodiscard]] static std::size_t index_at(const std::uint8_t* tile, std::size_t i) {
    return fetch<std::uint16_t>(tile + i * sizeof(std::uint16_t));
  }
  [[nodiscard]] static Scalar value_at(const std::uint8_t* tile, std::size_t kept, std::size_t i) {
    return fetch<Scalar>(tile + kept * sizeof(std::uint16_t) + i * sizeof(Scalar));
  }

  void write(std::span<const Scalar> coefficients, std::uint8_t* out) const {
    const std::size_t kept = kept_entries(density_, coefficients.size());
    std::vector<std::uint16_t> indices(kept);
    scalar::select_top_k(coefficients, std::span(indices));
    for (std::size_t i = 0; i < kept; ++i) {
      store(out + i * sizeof(std::uint16_t), indices[i]);
      store(out + kept * sizeof(std::uint16_t) + i * sizeof(Scalar), coefficients[indices[i]]);
    }
  }

  /// out = B_rows in B_columns^T: along the rows, then along the columns.
  void transform(const Tile& tile, const Square& in, Square& out) const {
    const Basis<Scalar>& across = bases_[tile.columns - 1];
    const Basis<Scalar>& down = bases_[tile.rows - 1];
    Square half{};
    for (std::size_t r = 0; r < tile.rows; ++r) {
      for (std::size_t k = 0; k < tile.columns; ++k) {
        Scalar sum{0};
        for (std::size_t c = 0; c < tile.columns; ++c) {
          sum += across.at(k, c) * in[r * tile.columns + c];
        }
        half[r * tile.columns + k] = sum;
      }
    }
    multiply(tile, half, out, [&](std::size_t k, std::size_t r) { return down.at(k, r); });
  }

  /// out = B_rows^T in B_columns.
  void invert(const Tile& tile, const Square& in, Square& out) const {
    const Basis<Scalar>& across = bases_[tile.columns - 1];
    const Basis<Scalar>& down = bases_[tile.rows - 1];
    Square half{};
    for (std::size_t r = 0; r < tile.rows; ++r) {
      for (std::size_t k = 0; k < tile.columns; ++k) {
        const Scalar weight = in[r * tile.columns + k];
        if (weight == Scalar{0}) continue;
        for (std::size_t c = 0; c < tile.columns; ++c) {
          half[r * tile.columns + c] += weight * across.at(k, c);
        }
      }
    }
    multiply(tile, half, out, [&](std::size_t r, std::size_t k) { return down.at(k, r); });
  }

  /// out row i = sum over j of factor(i, j) in row j.
  template <class Factor>
  static void multiply(const Tile& tile, const Square& in, Square& out, Factor factor) {
    std::ranges::fill(std::span(out).first(tile.count()), Scalar{0});
    for (std::size_t i = 0; i < tile.rows; ++i) {
      for (std::size_t j = 0; j < tile.rows; ++j) {
        const Scalar weight = factor(i, j);
        for (std::size_t c = 0; c < tile.columns; ++c) {
          out[i * tile.columns + c] += weight * in[j * tile.columns + c];
        }
      }
    }
  }

  double density_;
  std::vector<Basis<Scalar>> bases_;  // of length 1 to side_max
};

constexpr Field fields[] = {density_field};

CodecTraits traits(const Settings& settings) {
  return {.is_shaped = true, .kept_share = settings.real("density")};
}

}  // namespace

extern constinit const CodecEntry dct_top_k_codec = make_entry<CodecEntry, DctTopK>(
    {.id = 5,
     .name = "dct_top_k",
     .meaning = "the largest coefficients of each tile's cosine transform, up to 64 by 64 values",
     .source = "DeMo, Peng, Quesnelle, Kingma 2024",
     .fields = fields},
    traits);

}  // namespace starling::optim

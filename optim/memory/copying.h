#pragma once
// A memory of which all neighbours hold a copy: what the memories that copy peers have in common.

#include <algorithm>
#include <functional>
#include <vector>

#include "optim/memory/memory.h"

namespace starling::optim {

/// The payload is C(x - h); sender and receivers add what was sent to their copies of h, and mix
/// these. Source: CHOCO-SGD (Koloskova et al. 2019, Algorithm 2).
template <class Scalar>
class CopyingMemory : public Memory<Scalar> {
 public:
  explicit CopyingMemory(const typename Memory<Scalar>::Site& site)
      : vectors_(site.vectors),
        own_(vectors_.add(site.lane + ".hat", {site.start.begin(), site.start.end()})),
        start_(vectors_.add(site.lane + ".agreed_hat", {site.start.begin(), site.start.end()})),
        neighbours_(vectors_.add_per_edge(site.lane + ".neighbour_hat")) {}

  void before_encode(const Block& block, std::span<const Scalar> values,
                     std::span<Scalar> out) const override {
    std::ranges::transform(values, at_block(vectors_.at(own_), block), out.begin(), std::minus{});
  }

  void after_encode(const Block& block, std::span<const Scalar> /*sent*/,
                    std::span<const Scalar> decoded) override {
    const auto own = at_block(vectors_.at(own_), block);
    std::ranges::transform(decoded, own, own.begin(), std::plus{});
  }

  void heard(const EdgeKey& edge, const Block& block, std::span<const Scalar> decoded) override {
    const auto copy = at_block(std::span(neighbour(edge)), block);
    std::ranges::transform(copy, decoded, copy.begin(), std::plus{});
  }

  [[nodiscard]] std::span<const Scalar> own_copy() const override { return vectors_.at(own_); }
  [[nodiscard]] std::span<const Scalar> copy_of(const EdgeKey& edge) override {
    return neighbour(edge);
  }
  void set_copy(const EdgeKey& edge, std::span<const Scalar> copy) override {
    vectors_.per_edge(neighbours_)
        .insert_or_assign(edge, std::vector<Scalar>(copy.begin(), copy.end()));
  }
  [[nodiscard]] bool has_start() const override { return !vectors_.at(start_).empty(); }

  void drop(const EdgeKey& edge) override { vectors_.per_edge(neighbours_).erase(edge); }
  void restart(std::span<const Scalar> values) override {
    vectors_.assign(own_, values);
    vectors_.release(start_);
    vectors_.per_edge(neighbours_).clear();
  }

 private:
  // A new neighbour's hat is the agreed start.
  [[nodiscard]] std::vector<Scalar>& neighbour(const EdgeKey& edge) {
    auto& hats = vectors_.per_edge(neighbours_);
    const auto found = hats.find(edge);
    if (found != hats.end()) return found->second;
    const auto start = vectors_.at(start_);
    return hats.emplace(edge, std::vector<Scalar>(start.begin(), start.end())).first->second;
  }

  Vectors<Scalar>& vectors_;
  VectorId own_;
  VectorId start_;
  EdgeVectorsId neighbours_;
};

}  // namespace starling::optim

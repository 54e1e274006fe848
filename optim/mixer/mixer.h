#pragma once
// How a node combines its vector with those of its neighbours. The mixer sees all of them at once,
// decoded, and never learns what they mean. A new mixer is one file of this folder and a row of
// catalog.cpp.

#include <cstddef>
#include <span>

#include "optim/clock/clock.h"
#include "optim/part.h"
#include "optim/vectors.h"

namespace starling::optim {

/// A neighbour's part in a mix.
template <class Scalar>
struct Heard {
  EdgeKey edge;
  Scalar weight = 0;  ///< gamma times the edge's weight, which both ends share.
  std::span<const Scalar> values;
};

struct MixerTraits {
  bool mixes_pairs = false;   ///< Fits clocks at which two nodes meet.
  bool mixes_rounds = false;  ///< Fits clocks at which a node meets all its neighbours.
  /// The change is the sum of weight (theirs - own): what came over each edge can be told apart.
  bool is_linear = true;
  /// Both ends of an edge change by opposite amounts, so that the sum over all nodes stays.
  bool conserves_sum = true;
  /// measure() sees every block before mix() sees the first.
  bool measures = false;
};

template <class Scalar>
class Mixer {
 public:
  struct Site {};

  Mixer() = default;
  Mixer(const Mixer&) = delete;
  Mixer& operator=(const Mixer&) = delete;
  Mixer(Mixer&&) = delete;
  Mixer& operator=(Mixer&&) = delete;
  virtual ~Mixer() = default;

  /// A mix with so many neighbours begins.
  virtual void begin(std::size_t neighbours) { static_cast<void>(neighbours); }
  virtual void measure(std::span<const Scalar> own, std::span<const Heard<Scalar>> heard) {
    static_cast<void>(own);
    static_cast<void>(heard);
  }
  /// One block: `own` and the neighbours' values (at least one) in the same order as at begin().
  /// change: overwritten by what to add to the own vector.
  virtual void mix(std::span<const Scalar> own, std::span<const Heard<Scalar>> heard,
                   std::span<Scalar> change) = 0;
};

struct MixerEntry : PartEntry<Mixer, MixerTraits> {};

[[nodiscard]] const Catalog<MixerEntry>& mixers();

/// change[i] += weight * (theirs[i] - own[i]). Both ends of an edge compute opposite changes from
/// the same two vectors, so their sum stays; equal vectors change nothing.
template <class Scalar, class Target>
void add_difference(Scalar weight, std::span<const Scalar> theirs, std::span<const Scalar> own,
                    std::span<Target> change) {
  for (std::size_t i = 0; i < change.size(); ++i) {
    change[i] += static_cast<Target>(weight * (theirs[i] - own[i]));
  }
}

}  // namespace starling::optim

#pragma once
// What a method adds to the gradient so that unequal data does not pull nodes apart. A correction
// may have a lane of its own. A new correction is one file of this folder and a row of catalog.cpp.

#include <optional>
#include <span>

#include "optim/part.h"
#include "optim/vectors.h"

namespace starling::optim {

/// A vector that travels beside the parameters.
struct ExtraLane {
  VectorId source;         ///< What is encoded.
  VectorId target;         ///< What mixing changes; its sum over all nodes stays.
  EdgeVectorsId counters;  ///< All that ever came into the target over an edge.
};

struct CorrectionTraits {
  /// Its counters tell edges apart, which linear mixers alone allow.
  bool needs_linear_mixer = false;
  /// Mixing its lane must not change the sum over all nodes.
  bool needs_conserved_sum = false;
};

template <class Scalar>
class Correction {
 public:
  struct Site {
    Vectors<Scalar>& vectors;
  };

  Correction() = default;
  Correction(const Correction&) = delete;
  Correction& operator=(const Correction&) = delete;
  Correction(Correction&&) = delete;
  Correction& operator=(Correction&&) = delete;
  virtual ~Correction() = default;

  /// gradient: length P; becomes the direction of the step.
  virtual void on_gradient(std::span<Scalar> gradient) { static_cast<void>(gradient); }
  /// Brings the lane's source up to date; an exchange begins.
  virtual void before_encode() {}
  [[nodiscard]] virtual std::optional<ExtraLane> lane() const { return std::nullopt; }
  /// The neighbour is gone for good: what came over the edge is taken out again.
  virtual void drop(const EdgeKey& edge) { static_cast<void>(edge); }
  /// As before the first step.
  virtual void restart() {}
};

struct CorrectionEntry : PartEntry<Correction, CorrectionTraits> {};

[[nodiscard]] const Catalog<CorrectionEntry>& corrections();

}  // namespace starling::optim

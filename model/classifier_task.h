#pragma once
// Feed-forward classifiers with ReLU between layers, and softmax cross-entropy or the share of
// errors at the end.

#include <cstdint>
#include <memory>
#include <vector>

#include "model/dataset.h"
#include "starling/task.h"

namespace starling::model {

enum class Objective : std::uint8_t {
  cross_entropy,
  error_share,  ///< The share of wrong answers: piecewise constant, so there is no gradient.
};

/// A multi-layer perceptron with the given hidden widths; none is softmax regression.
/// Parameters, layer by layer: weight (outputs x inputs), bias (outputs), named as PyTorch's
/// "layers.0.weight". Hidden layers start at He et al. 2015, eq. 10 (normal, variance 2 / inputs),
/// the output layer at zero, so that the first prediction is uniform.
/// data.train: at least one sample; data.test may be empty: then evaluate() gives nothing.
/// relative_share: of data.train, as Task::relative_share(). objective: what loss() is; evaluate()
/// gives the cross-entropy in either case.
[[nodiscard]] std::unique_ptr<Task> make_mlp_task(
    SplitDataset data, const std::vector<std::size_t>& hidden = {256, 128},
    double relative_share = 1.0, Objective objective = Objective::cross_entropy);

/// Multinomial logistic regression.
[[nodiscard]] std::unique_ptr<Task> make_softmax_task(SplitDataset data);

}  // namespace starling::model

#pragma once
// The layers of a feed-forward classifier, each as a forward and a backward function over flat,
// row-major spans. `d_name` is the derivative of the loss with respect to `name`.

#include <cstddef>
#include <span>

#include "model/dataset.h"

namespace starling::model {

struct LinearShape {
  std::size_t batch = 0;    ///< B
  std::size_t inputs = 0;   ///< I
  std::size_t outputs = 0;  ///< O
};

/// y = x W^T + b.  x: B x I.  weight: O x I.  bias: O.  y: B x O, overwritten.
void linear_forward(const LinearShape& shape, std::span<const float> x,
                    std::span<const float> weight, std::span<const float> bias, std::span<float> y);

/// y += x W^T: what a second input adds. Shapes as above.
void linear_accumulate(const LinearShape& shape, std::span<const float> x,
                       std::span<const float> weight, std::span<float> y);

/// d_weight = d_y^T x, d_bias = column sums of d_y.  d_y: B x O.  x: B x I.  d_weight: O x I,
/// d_bias: O, both overwritten.
void linear_backward_parameters(const LinearShape& shape, std::span<const float> d_y,
                                std::span<const float> x, std::span<float> d_weight,
                                std::span<float> d_bias);

/// d_x = d_y W.  d_y: B x O.  weight: O x I.  d_x: B x I, overwritten.
void linear_backward_input(const LinearShape& shape, std::span<const float> d_y,
                           std::span<const float> weight, std::span<float> d_x);

/// y = max(y, 0), in place; any length.
void relu_forward(std::span<float> y);

/// d_y = 0 where the forward's result y is 0, in place. Lengths are equal. The same for a tangent.
void relu_backward(std::span<const float> y, std::span<float> d_y);

/// Mean over the batch of -log softmax(logits)[label].  logits: B x C, labels: B, each below C.
[[nodiscard]] double cross_entropy_forward(std::span<const float> logits,
                                           std::span<const Label> labels);

/// The same loss; replaces logits by d_logits = (softmax(logits) - one_hot(label)) / B.
double cross_entropy_backward(std::span<float> logits, std::span<const Label> labels);

/// Samples whose largest logit is their label's. Shapes as above.
[[nodiscard]] std::size_t count_correct(std::span<const float> logits,
                                        std::span<const Label> labels);

}  // namespace starling::model

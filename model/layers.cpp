#include "model/layers.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "starling/check.h"

namespace starling::model {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMatrixMap = Eigen::Map<const Matrix>;
using MatrixMap = Eigen::Map<Matrix>;
using ConstRowMap = Eigen::Map<const Eigen::RowVectorXf>;
using RowMap = Eigen::Map<Eigen::RowVectorXf>;

ConstMatrixMap as_matrix(std::span<const float> values, std::size_t rows, std::size_t columns) {
  STARLING_CHECK(values.size() == rows * columns);
  return {values.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns)};
}

MatrixMap as_matrix(std::span<float> values, std::size_t rows, std::size_t columns) {
  STARLING_CHECK(values.size() == rows * columns);
  return {values.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns)};
}

/// log(sum(exp(z))) - z[label], shifted by the maximum so that nothing overflows.
template <class Logits>
double sample_loss(const Logits& logits, Label label) {
  const float largest = logits.maxCoeff();
  const float sum = (logits.array() - largest).exp().sum();
  return std::log(static_cast<double>(sum)) + static_cast<double>(largest - logits[label]);
}

std::size_t class_count(std::size_t logit_count, std::span<const Label> labels) {
  STARLING_CHECK(!labels.empty() && logit_count % labels.size() == 0);
  return logit_count / labels.size();
}

}  // namespace

void linear_forward(const LinearShape& shape, std::span<const float> x,
                    std::span<const float> weight, std::span<const float> bias,
                    std::span<float> y) {
  const auto [batch, inputs, outputs] = shape;
  auto result = as_matrix(y, batch, outputs);
  result.noalias() = as_matrix(x, batch, inputs) * as_matrix(weight, outputs, inputs).transpose();
  result.rowwise() += as_matrix(bias, 1, outputs).row(0);
}

void linear_accumulate(const LinearShape& shape, std::span<const float> x,
                       std::span<const float> weight, std::span<float> y) {
  const auto [batch, inputs, outputs] = shape;
  as_matrix(y, batch, outputs).noalias() +=
      as_matrix(x, batch, inputs) * as_matrix(weight, outputs, inputs).transpose();
}

void linear_backward_parameters(const LinearShape& shape, std::span<const float> d_y,
                                std::span<const float> x, std::span<float> d_weight,
                                std::span<float> d_bias) {
  const auto [batch, inputs, outputs] = shape;
  const auto d_output = as_matrix(d_y, batch, outputs);
  as_matrix(d_weight, outputs, inputs).noalias() =
      d_output.transpose() * as_matrix(x, batch, inputs);
  // Row by row: colwise().sum() rounds in an order that depends on where d_bias lies in memory.
  auto bias_sum = as_matrix(d_bias, 1, outputs);
  bias_sum.setZero();
  for (Eigen::Index row = 0; row < d_output.rows(); ++row) bias_sum += d_output.row(row);
}

void linear_backward_input(const LinearShape& shape, std::span<const float> d_y,
                           std::span<const float> weight, std::span<float> d_x) {
  const auto [batch, inputs, outputs] = shape;
  as_matrix(d_x, batch, inputs).noalias() =
      as_matrix(d_y, batch, outputs) * as_matrix(weight, outputs, inputs);
}

void relu_forward(std::span<float> y) {
  auto values = as_matrix(y, 1, y.size());
  values = values.cwiseMax(0.0F);
}

void relu_backward(std::span<const float> y, std::span<float> d_y) {
  STARLING_CHECK(y.size() == d_y.size());
  auto d_values = as_matrix(d_y, 1, d_y.size()).array();
  d_values = (as_matrix(y, 1, y.size()).array() > 0.0F).select(d_values, 0.0F);
}

double cross_entropy_forward(std::span<const float> logits, std::span<const Label> labels) {
  const std::size_t batch = labels.size();
  const auto rows = as_matrix(logits, batch, class_count(logits.size(), labels));
  double loss = 0;
  for (std::size_t i = 0; i < batch; ++i) {
    loss += sample_loss(rows.row(static_cast<Eigen::Index>(i)), labels[i]);
  }
  return loss / static_cast<double>(batch);
}

double cross_entropy_backward(std::span<float> logits, std::span<const Label> labels) {
  const std::size_t batch = labels.size();
  const double loss = cross_entropy_forward(logits, labels);
  const float scale = 1.0F / static_cast<float>(batch);
  auto rows = as_matrix(logits, batch, class_count(logits.size(), labels));
  for (std::size_t i = 0; i < batch; ++i) {
    auto row = rows.row(static_cast<Eigen::Index>(i)).array();
    row = (row - row.maxCoeff()).exp();
    row *= scale / row.sum();
    row[labels[i]] -= scale;
  }
  return loss;
}

std::size_t count_correct(std::span<const float> logits, std::span<const Label> labels) {
  const std::size_t classes = class_count(logits.size(), labels);
  std::size_t correct = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = logits.subspan(i * classes, classes);
    if (std::ranges::max_element(row) - row.begin() == labels[i]) ++correct;
  }
  return correct;
}

}  // namespace starling::model

#include "model/classifier_task.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "model/batch_sampler.h"
#include "model/layers.h"
#include "starling/check.h"
#include "starling/rng.h"

namespace starling::model {
namespace {

struct Layer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t weight_offset = 0;
  std::size_t bias_offset = 0;

  [[nodiscard]] std::size_t end() const { return bias_offset + outputs; }
  [[nodiscard]] LinearShape shape(std::size_t batch) const { return {batch, inputs, outputs}; }

  template <class Span>
  [[nodiscard]] Span all(Span parameters) const {
    return parameters.subspan(weight_offset, end() - weight_offset);
  }
  template <class Span>
  [[nodiscard]] Span weight(Span parameters) const {
    return parameters.subspan(weight_offset, inputs * outputs);
  }
  template <class Span>
  [[nodiscard]] Span bias(Span parameters) const {
    return parameters.subspan(bias_offset, outputs);
  }
};

std::vector<Layer> stack_layers(std::size_t inputs, const std::vector<std::size_t>& hidden,
                                std::size_t classes) {
  std::vector<std::size_t> widths = hidden;
  widths.push_back(classes);
  std::vector<Layer> layers;
  std::size_t offset = 0;
  for (const std::size_t outputs : widths) {
    layers.push_back({inputs, outputs, offset, offset + inputs * outputs});
    offset = layers.back().end();
    inputs = outputs;
  }
  return layers;
}

/// A grow-only buffer, so that steps after the first allocate nothing.
class Scratch {
 public:
  [[nodiscard]] std::span<float> first(std::size_t count) {
    if (values_.size() < count) values_.resize(count);
    return std::span(values_).first(count);
  }

 private:
  // Eigen computes the ends of an unaligned row one by one and the rest in packets, with another
  // rounding: without a fixed alignment the same step could differ from one process to the next.
  std::vector<float, Eigen::aligned_allocator<float>> values_;
};

class ClassifierTask final : public Task {
 public:
  ClassifierTask(SplitDataset data, const std::vector<std::size_t>& hidden, double relative_share,
                 Objective objective)
      : data_(std::move(data)),
        relative_share_(relative_share),
        objective_(objective),
        layers_(stack_layers(data_.train.feature_count, hidden, data_.train.class_count)),
        sampler_(data_.train.size()),
        activations_(layers_.size()),
        d_activations_(layers_.size()),
        tangents_(layers_.size()) {}

  [[nodiscard]] std::size_t parameter_count() const override { return layers_.back().end(); }
  [[nodiscard]] bool has_gradient() const override {
    return objective_ == Objective::cross_entropy;
  }
  [[nodiscard]] bool has_derivatives() const override { return has_gradient(); }
  [[nodiscard]] std::uint64_t sample_count() const override { return data_.train.size(); }

  [[nodiscard]] double relative_share() const override { return relative_share_; }

  [[nodiscard]] DataForm data_form() const override {
    return {.features = static_cast<std::uint32_t>(data_.train.feature_count),
            .classes = static_cast<std::uint32_t>(data_.train.class_count)};
  }

  void initialize(std::span<float> parameters, std::uint64_t seed) const override {
    STARLING_CHECK(parameters.size() == parameter_count());
    std::ranges::fill(parameters, 0.0F);
    Rng rng(seed);
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
      const double deviation = std::sqrt(2.0 / static_cast<double>(layers_[i].inputs));
      for (float& value : layers_[i].weight(parameters)) {
        value = static_cast<float>(deviation * rng.normal());
      }
    }
  }

  [[nodiscard]] double loss(std::span<const float> parameters, const BatchKey& batch) override {
    gather(batch);
    return mean_loss(forward_batch(parameters), labels_);
  }

  [[nodiscard]] bool has_losses() const override { return true; }
  [[nodiscard]] std::vector<double> losses(std::span<const float> parameters,
                                           const BatchKey& batch) override;

  double gradient(std::span<const float> parameters, const BatchKey& batch,
                  std::span<float> out) override {
    STARLING_CHECK(out.size() == parameter_count());
    const double mean_loss = differentiate_loss(parameters, batch);
    backward(parameters, out);
    return mean_loss;
  }

  double derivatives(std::span<const float> parameters, const BatchKey& batch,
                     const DirectionSource& direction, std::span<double> out) override;

  [[nodiscard]] std::optional<Evaluation> evaluate(std::span<const float> parameters) override;
  [[nodiscard]] std::vector<Segment> segments() const override;

 private:
  /// Copies the batch's rows into inputs_ and labels_, unless they are there already.
  void gather(const BatchKey& batch);

  /// inputs: batch x I. Computes layers from `first` on; earlier ones left their activations.
  /// Returns the logits, batch x C, valid until the next forward().
  std::span<const float> forward(std::span<const float> parameters, std::span<const float> inputs,
                                 std::size_t batch, std::size_t first = 0);

  /// forward() of the gathered batch. Probes of a step that leave the first layers as they were
  /// share those layers' work.
  std::span<const float> forward_batch(std::span<const float> parameters);

  /// By objective_. Shapes as of cross_entropy_forward.
  [[nodiscard]] double mean_loss(std::span<const float> logits,
                                 std::span<const Label> labels) const;

  /// Forward and back to the logits: leaves the activations, and d_activations_.back() = d_logits.
  double differentiate_loss(std::span<const float> parameters, const BatchKey& batch);

  /// The logits' derivative along `direction`. Needs forward() of the gathered batch.
  std::span<const float> push_forward(std::span<const float> parameters,
                                      std::span<const float> direction);

  /// Needs forward() of the gathered batch, and d_activations_.back() = d_logits.
  void backward(std::span<const float> parameters, std::span<float> d_parameters);

  SplitDataset data_;
  double relative_share_;
  Objective objective_;
  std::vector<Layer> layers_;
  BatchSampler sampler_;
  std::optional<BatchKey> gathered_;
  std::vector<float> inputs_;           // B x I
  std::vector<Label> labels_;           // B
  std::vector<float> point_;            // whose activations of the batch are kept; empty: none
  std::vector<Scratch> activations_;    // layer i: B x O_i
  std::vector<Scratch> d_activations_;  // layer i: B x O_i
  std::vector<Scratch> tangents_;       // layer i: B x O_i
  Scratch direction_;                   // one of derivatives()
};

void ClassifierTask::gather(const BatchKey& batch) {
  if (gathered_ == batch) return;
  point_.clear();
  inputs_.clear();
  labels_.clear();
  for (const std::uint32_t row : sampler_.rows(batch)) {
    const auto features = data_.train.row(row);
    inputs_.insert(inputs_.end(), features.begin(), features.end());
    labels_.push_back(data_.train.labels[row]);
  }
  gathered_ = batch;
}

std::span<const float> ClassifierTask::forward_batch(std::span<const float> parameters) {
  const auto first = std::ranges::find_if(layers_, [&](const Layer& layer) {
    return point_.size() < layer.end() ||
           !std::ranges::equal(layer.all(std::span(point_)), layer.all(parameters));
  });
  const std::size_t known = first == layers_.end() ? parameters.size() : first->weight_offset;
  point_.resize(parameters.size());
  std::ranges::copy(parameters.subspan(known), point_.begin() + static_cast<std::ptrdiff_t>(known));
  return forward(parameters, inputs_, labels_.size(),
                 static_cast<std::size_t>(first - layers_.begin()));
}

std::span<const float> ClassifierTask::forward(std::span<const float> parameters,
                                               std::span<const float> inputs, std::size_t batch,
                                               std::size_t first) {
  STARLING_CHECK(parameters.size() == parameter_count());
  std::span<const float> x = inputs;
  if (first > 0) x = activations_[first - 1].first(batch * layers_[first - 1].outputs);
  for (std::size_t i = first; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const auto y = activations_[i].first(batch * layer.outputs);
    linear_forward(layer.shape(batch), x, layer.weight(parameters), layer.bias(parameters), y);
    if (i + 1 < layers_.size()) relu_forward(y);
    x = y;
  }
  return x;
}

double ClassifierTask::differentiate_loss(std::span<const float> parameters,
                                          const BatchKey& batch) {
  gather(batch);
  const auto logits = forward_batch(parameters);
  const auto d_logits = d_activations_.back().first(logits.size());
  std::ranges::copy(logits, d_logits.begin());
  return cross_entropy_backward(d_logits, labels_);
}

double ClassifierTask::derivatives(std::span<const float> parameters, const BatchKey& batch,
                                   const DirectionSource& direction, std::span<double> out) {
  const double mean_loss = differentiate_loss(parameters, batch);
  const std::span<const float> d_logits =
      d_activations_.back().first(labels_.size() * layers_.back().outputs);
  const auto along = direction_.first(parameter_count());
  for (std::size_t j = 0; j < out.size(); ++j) {
    direction(j, along);
    const auto tangent = push_forward(parameters, along);
    out[j] = std::inner_product(tangent.begin(), tangent.end(), d_logits.begin(), 0.0);
  }
  return mean_loss;
}

/// dy = x dW^T + db + dx W^T, and ReLU passes what it passed.
std::span<const float> ClassifierTask::push_forward(std::span<const float> parameters,
                                                    std::span<const float> direction) {
  const std::size_t batch = labels_.size();
  std::span<const float> x = inputs_;
  std::span<const float> x_tangent;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const auto tangent = tangents_[i].first(batch * layer.outputs);
    const auto y = activations_[i].first(tangent.size());
    linear_forward(layer.shape(batch), x, layer.weight(direction), layer.bias(direction), tangent);
    if (i > 0) linear_accumulate(layer.shape(batch), x_tangent, layer.weight(parameters), tangent);
    if (i + 1 < layers_.size()) relu_backward(y, tangent);
    x = y;
    x_tangent = tangent;
  }
  return x_tangent;
}

void ClassifierTask::backward(std::span<const float> parameters, std::span<float> d_parameters) {
  const std::size_t batch = labels_.size();
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    const auto d_y = d_activations_[i].first(batch * layer.outputs);
    const std::span<const float> x =
        i == 0 ? std::span<const float>(inputs_) : activations_[i - 1].first(batch * layer.inputs);
    linear_backward_parameters(layer.shape(batch), d_y, x, layer.weight(d_parameters),
                               layer.bias(d_parameters));
    if (i == 0) return;  // nothing needs the derivative with respect to the data
    const auto d_x = d_activations_[i - 1].first(batch * layer.inputs);
    linear_backward_input(layer.shape(batch), d_y, layer.weight(parameters), d_x);
    relu_backward(x, d_x);
  }
}

std::vector<double> ClassifierTask::losses(std::span<const float> parameters,
                                           const BatchKey& batch) {
  gather(batch);
  std::vector<double> losses(labels_.size());
  if (losses.empty()) return losses;
  const auto logits = forward_batch(parameters);
  const std::size_t classes = logits.size() / labels_.size();
  for (std::size_t i = 0; i < losses.size(); ++i) {
    losses[i] = mean_loss(logits.subspan(i * classes, classes), std::span(labels_).subspan(i, 1));
  }
  return losses;
}

double ClassifierTask::mean_loss(std::span<const float> logits,
                                 std::span<const Label> labels) const {
  if (objective_ == Objective::cross_entropy) return cross_entropy_forward(logits, labels);
  return 1.0 -
         static_cast<double>(count_correct(logits, labels)) / static_cast<double>(labels.size());
}

std::optional<Evaluation> ClassifierTask::evaluate(std::span<const float> parameters) {
  point_.clear();                     // the activations are about to be another batch's
  constexpr std::size_t block = 256;  // keeps the activations in the second-level cache
  const Dataset& test = data_.test;
  if (test.size() == 0) return std::nullopt;
  double loss_sum = 0;
  std::size_t correct = 0;
  for (std::size_t begin = 0; begin < test.size(); begin += block) {
    const std::size_t count = std::min(block, test.size() - begin);
    const auto inputs =
        std::span(test.features).subspan(begin * test.feature_count, count * test.feature_count);
    const auto labels = std::span(test.labels).subspan(begin, count);
    const auto logits = forward(parameters, inputs, count);
    loss_sum += cross_entropy_forward(logits, labels) * static_cast<double>(count);
    correct += count_correct(logits, labels);
  }
  const auto total = static_cast<double>(test.size());
  return Evaluation{loss_sum / total, static_cast<double>(correct) / total};
}

std::vector<Segment> ClassifierTask::segments() const {
  std::vector<Segment> named;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::string prefix = "layers." + std::to_string(i);
    const Layer& layer = layers_[i];
    named.push_back({prefix + ".weight", layer.weight_offset, {layer.outputs, layer.inputs}});
    named.push_back({prefix + ".bias", layer.bias_offset, {layer.outputs}});
  }
  return named;
}

}  // namespace

std::unique_ptr<Task> make_mlp_task(SplitDataset data, const std::vector<std::size_t>& hidden,
                                    double relative_share, Objective objective) {
  return std::make_unique<ClassifierTask>(std::move(data), hidden, relative_share, objective);
}

std::unique_ptr<Task> make_softmax_task(SplitDataset data) {
  return make_mlp_task(std::move(data), {});
}

}  // namespace starling::model

#pragma once
// What a node trains: the embedder's (or a built-in) objective over one flat span of parameters.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace starling {

/// Names a mini-batch. The same key must give the same batch on the same node: a zeroth-order probe
/// evaluates it twice.
struct BatchKey {
  std::uint64_t seed = 0;   ///< The node's data seed.
  std::uint64_t step = 0;   ///< The node's local step.
  std::uint32_t size = 32;  ///< Samples asked for; a task may have fewer.
  /// Every sample is in the batch with probability size / samples held, independently: what the
  /// accounting of privacy rests on (docs/LEDGER.md, Privacy). The batch may be empty. Set for
  /// losses() only.
  bool is_poisson = false;

  friend bool operator==(const BatchKey&, const BatchKey&) = default;
};

/// A named range of the flat parameter vector: a layer's weight or bias.
struct Segment {
  std::string name;
  std::size_t offset = 0;
  std::vector<std::size_t> shape;  ///< Row-major; empty for a single number.

  /// Parameters in the segment.
  [[nodiscard]] constexpr std::size_t length() const {
    std::size_t product = 1;
    for (const std::size_t size : shape) product *= size;
    return product;
  }
};

/// The form of one sample. Nodes whose samples have another form do not train one model, even where
/// their models have as many parameters; 0: the task does not say.
struct DataForm {
  std::uint32_t features = 0;
  std::uint32_t classes = 0;

  friend bool operator==(const DataForm&, const DataForm&) = default;
};

/// Quality on held-out data.
struct Evaluation {
  double loss = 0;
  double accuracy = 0;  ///< In [0, 1]; NaN where a task has no notion of accuracy.
};

/// Writes direction `index` into `out` (length parameter_count, overwritten).
using DirectionSource = std::function<void(std::size_t index, std::span<float> out)>;

/// An objective f(x) over x in R^parameter_count. Called from one thread at a time.
/// Exceptions thrown by a task are caught and end the node with an error naming the task.
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  Task(Task&&) = delete;
  Task& operator=(Task&&) = delete;
  virtual ~Task() = default;

  [[nodiscard]] virtual std::size_t parameter_count() const = 0;

  /// Writes the run's common starting point; a pure function of `seed`. Default: zeros.
  virtual void initialize(std::span<float> parameters, std::uint64_t seed) const {
    static_cast<void>(seed);
    for (float& value : parameters) value = 0.0F;
  }

  /// Mean loss of the batch at `parameters`.
  [[nodiscard]] virtual double loss(std::span<const float> parameters, const BatchKey& batch) = 0;

  /// True if losses() is implemented and honours BatchKey::is_poisson: votes can then protect
  /// single samples at little cost. Without it they bound and drown what the whole batch says.
  [[nodiscard]] virtual bool has_losses() const { return false; }

  /// The loss of every sample of the batch at `parameters`. The order is that of the samples: the
  /// same for every call with this batch.
  [[nodiscard]] virtual std::vector<double> losses(std::span<const float> parameters,
                                                   const BatchKey& batch) {
    return {loss(parameters, batch)};
  }

  /// True if gradient() is implemented; recipes with a first-order oracle need it.
  [[nodiscard]] virtual bool has_gradient() const { return false; }

  /// Writes d loss / d parameters into `out` (overwritten) and returns the batch's mean loss.
  virtual double gradient(std::span<const float> parameters, const BatchKey& batch,
                          std::span<float> out) {
    static_cast<void>(out);
    return loss(parameters, batch);
  }

  /// True if derivatives() is implemented. With it, or with a gradient, recipes may ask for
  /// votes.oracle "derivative"; every task can answer "difference".
  [[nodiscard]] virtual bool has_derivatives() const { return false; }

  /// Forward mode: out[j] = d/de loss(parameters + e * direction j) at e = 0, and returns the
  /// batch's mean loss. All directions come in one call, one after another, so that what they have
  /// in common is computed once and no more than one is in memory.
  /// Source: forward gradient, Baydin et al. 2022, "Gradients without backpropagation".
  virtual double derivatives(std::span<const float> parameters, const BatchKey& batch,
                             const DirectionSource& direction, std::span<double> out) {
    static_cast<void>(direction);
    static_cast<void>(out);
    return loss(parameters, batch);
  }

  /// Held-out quality, if the task has held-out data.
  [[nodiscard]] virtual std::optional<Evaluation> evaluate(std::span<const float> parameters) {
    static_cast<void>(parameters);
    return std::nullopt;
  }

  /// Samples held by this node; the weight of its contribution to the final merge. At least 1.
  [[nodiscard]] virtual std::uint64_t sample_count() const { return 1; }

  /// This node's samples divided by the mean of the run's nodes, where that is known. Recipes with
  /// `sample_weighting` scale the loss by a power of it.
  [[nodiscard]] virtual double relative_share() const { return 1.0; }

  /// The layout of the parameters. Default: one segment named "parameters".
  [[nodiscard]] virtual std::vector<Segment> segments() const {
    return {Segment{"parameters", 0, {parameter_count()}}};
  }

  /// What peers compare before they mix: a node whose form differs is refused. Default: says
  /// nothing.
  [[nodiscard]] virtual DataForm data_form() const { return {}; }
};

}  // namespace starling

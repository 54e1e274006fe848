#include "model/tasks.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "model/classifier_task.h"
#include "model/synthetic.h"

namespace starling::model {
namespace {

using Widths = std::vector<std::size_t>;

/// Where Debian's package dataset-fashion-mnist puts its files.
constexpr std::string_view fashion_mnist_folder = "/usr/share/datasets/fashion-mnist";
/// Mean and deviation of Fashion-MNIST's training pixels scaled to [0, 1]; computed by a test.
constexpr float fashion_mnist_mean = 0.2860F;
constexpr float fashion_mnist_deviation = 0.3530F;

constexpr std::array descriptions{
    TaskDescription{"fashion-mnist",
                    "perceptron 784-256-128-10 on Fashion-MNIST (package dataset-fashion-mnist)"},
    TaskDescription{"fashion-mnist-softmax", "softmax regression on Fashion-MNIST"},
    TaskDescription{"fashion-mnist-softmax-error",
                    "the same model, its loss the share of wrong answers: for votes only"},
    TaskDescription{"mlp", "perceptron with hidden layers 256 and 128 on your data (--data PATH)"},
    TaskDescription{"softmax", "softmax regression on your data (--data PATH)"},
    TaskDescription{"clusters", "perceptron 32-64-10 on 30 Gaussian clusters made from the seed"},
    TaskDescription{"clusters-softmax", "softmax regression on the same clusters"},
    TaskDescription{"clusters-softmax-error", "the same, its loss the share of wrong answers"},
    TaskDescription{"quadratic", "20-dimensional quadratics, a different optimum on each node"},
};

Objective objective_of(std::string_view name) {
  return name.ends_with("-error") ? Objective::error_share : Objective::cross_entropy;
}

Widths hidden_widths(std::string_view name) {
  if (name.contains("softmax")) return {};
  if (name == "clusters") return {64};
  return {256, 128};
}

/// A node's part of a data set, and how it compares with the mean part.
struct Share {
  SplitDataset data;
  double relative = 1.0;
};

/// Selects this node's rows and notes how many there were in all.
class ShareSelector {
 public:
  explicit ShareSelector(const TaskOptions& options) : options_(options) {}

  [[nodiscard]] RowSelector selector() {
    return [this](std::span<const Label> labels) {
      total_ = labels.size();
      auto own = shard_rows(labels, options_.shard, options_.node_index);
      if (own) rows_ = *own;
      return own;
    };
  }

  [[nodiscard]] Share share_of(SplitDataset data) const {
    const double mean = static_cast<double>(total_) / options_.shard.node_count;
    const double relative = total_ == 0 ? 1.0 : static_cast<double>(data.train.size()) / mean;
    return {std::move(data), relative};
  }

  [[nodiscard]] Result<void> shift(SplitDataset& data) const {
    const std::uint64_t seed = options_.shard.seed;
    auto shifted = shift_images(options_.shift, seed, rows_, data.train);
    if (!shifted) return shifted;
    std::vector<std::uint32_t> all(data.test.size());
    std::iota(all.begin(), all.end(), 0U);
    return shift_images(options_.shift, seed, all, data.test);
  }

 private:
  const TaskOptions& options_;
  std::vector<std::uint32_t> rows_;
  std::size_t total_ = 0;
};

Result<SplitDataset> load_fashion_mnist(const TaskOptions& options, const RowSelector& rows) {
  DataSource source = options.data;
  if (source.path.empty()) source.path = fashion_mnist_folder;
  return load_dataset(source, rows);
}

Result<SplitDataset> share_of_clusters(const TaskOptions& options, const RowSelector& select) {
  SplitDataset data = make_clusters({}, options.shard.seed);
  const auto rows = select(data.train.labels);
  if (!rows) return std::unexpected(rows.error());
  data.train = take_rows(data.train, *rows);
  return data;
}

Result<SplitDataset> load_rows(std::string_view name, const TaskOptions& options,
                               const RowSelector& rows) {
  if (name.starts_with("fashion-mnist")) return load_fashion_mnist(options, rows);
  if (name.starts_with("clusters")) return share_of_clusters(options, rows);
  if (options.data.path.empty()) {
    return invalid_input("task " + std::string(name) +
                         " has no data path, expected a directory or file of samples");
  }
  return load_dataset(options.data, rows);
}

Result<Share> load_share(std::string_view name, const TaskOptions& options) {
  ShareSelector select(options);
  auto data = load_rows(name, options, select.selector());
  if (!data) return std::unexpected(data.error());
  if (auto shifted = select.shift(*data); !shifted) {
    return invalid_input("task " + std::string(name) + ": " + shifted.error().message);
  }
  if (name.starts_with("fashion-mnist")) {
    standardize(data->train, fashion_mnist_mean, fashion_mnist_deviation);
    standardize(data->test, fashion_mnist_mean, fashion_mnist_deviation);
  }
  return select.share_of(std::move(*data));
}

std::unexpected<Error> unknown_task(std::string_view name) {
  std::string allowed;
  for (const TaskDescription& task : descriptions) {
    allowed += (allowed.empty() ? "" : ", ") + std::string(task.name);
  }
  return invalid_input("task is '" + std::string(name) + "', expected one of " + allowed);
}

}  // namespace

std::span<const TaskDescription> describe_tasks() {
  return descriptions;
}

Result<std::unique_ptr<Task>> make_task(std::string_view name, const TaskOptions& options) {
  if (std::ranges::find(descriptions, name, &TaskDescription::name) == descriptions.end()) {
    return unknown_task(name);
  }
  const auto& [rule, node_count, seed] = options.shard;
  if (options.node_index >= node_count) {
    return invalid_input("node index is " + std::to_string(options.node_index) +
                         ", expected below " + std::to_string(node_count));
  }
  if (name == "quadratic") {
    if (options.shift.kind != ShiftKind::none) {
      return invalid_input("shift is '" + shift_text(options.shift) +
                           "', but task quadratic has no images");
    }
    return make_quadratic_task(
        {.node_count = node_count, .node_index = options.node_index, .seed = seed});
  }
  auto share = load_share(name, options);
  if (!share) return std::unexpected(share.error());
  return make_mlp_task(std::move(share->data), hidden_widths(name), share->relative,
                       objective_of(name));
}

Result<std::vector<std::vector<std::uint64_t>>> count_labels(std::string_view name,
                                                             const TaskOptions& options) {
  std::vector<std::vector<std::uint64_t>> counts;
  if (name == "quadratic") return counts;
  const RowSelector rows =
      [&](std::span<const Label> labels) -> Result<std::vector<std::uint32_t>> {
    const std::size_t classes = std::size_t{*std::ranges::max_element(labels)} + 1;
    for (std::uint32_t node = 0; node < options.shard.node_count; ++node) {
      const auto share = shard_rows(labels, options.shard, node);
      if (!share) return std::unexpected(share.error());
      auto& of_node = counts.emplace_back(classes, 0);
      for (const std::uint32_t row : *share) ++of_node[labels[row]];
    }
    return std::vector<std::uint32_t>{0};  // the samples themselves are of no use here
  };
  const auto loaded = load_rows(name, options, rows);
  if (!loaded) return std::unexpected(loaded.error());
  return counts;
}

}  // namespace starling::model

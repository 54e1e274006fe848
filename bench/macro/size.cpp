// Nodes of one program that train a synthetic model of any size: does it exchange, does it merge,
// and how much memory does it take? Prints one JSON object.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "starling/node.h"

namespace starling::bench {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Options {
  std::uint64_t parameters = 10'000'000;
  std::uint32_t nodes = 4;
  std::uint32_t steps = 40;
  std::string recipe = "gossip";
};

/// f(x) = |x - t|^2 / 2, t of magnitude 0.1 and different on every node: a step costs what reading
/// and writing the vectors costs, so that memory and network are what is measured.
class Bowl final : public Task {
 public:
  Bowl(std::size_t parameters, std::uint32_t node) : parameters_(parameters), node_(node) {}
  [[nodiscard]] std::size_t parameter_count() const override { return parameters_; }
  [[nodiscard]] double loss(std::span<const float> x, const BatchKey&) override {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float distance = x[i] - target(i);
      sum += 0.5 * static_cast<double>(distance) * static_cast<double>(distance);
    }
    return sum / static_cast<double>(x.size());
  }
  [[nodiscard]] bool has_gradient() const override { return true; }
  double gradient(std::span<const float> x, const BatchKey&, std::span<float> out) override {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[i] = x[i] - target(i);
      sum += 0.5 * static_cast<double>(out[i]) * static_cast<double>(out[i]);
    }
    return sum / static_cast<double>(x.size());
  }

 private:
  [[nodiscard]] float target(std::size_t i) const {
    const auto mixed = static_cast<std::uint32_t>(i) * 0x9e3779b9U + node_ * 0x85ebca6bU;
    return (static_cast<float>(mixed >> 8U) * 0x1.0p-24F - 0.5F) * 0.2F;
  }
  std::size_t parameters_;
  std::uint32_t node_;
};

/// A moment of the run, and the processor time that all threads had used by then.
struct Moment {
  Clock::time_point at;
  double processor_s = 0;

  [[nodiscard]] static Moment now() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return {Clock::now(), seconds(usage.ru_utime) + seconds(usage.ru_stime)};
  }
  friend bool operator<(const Moment& a, const Moment& b) { return a.at < b.at; }
};

/// What a node told from its start to its end.
struct Story {
  std::size_t contributors = 0;
  Moment merge_began = {.at = Clock::time_point::max()};
  Moment merge_ended = {.at = Clock::time_point::min()};
  Digest model;
  std::uint64_t exchanges = 0;
  std::uint64_t warnings = 0;
  std::string error;
};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "size: %s\n", message.c_str());
  std::exit(1);
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Takes what happens to the node until it has ended.
Story follow(Node& node) {
  Story story;
  while (const auto event = node.wait_event(1h)) {
    story.exchanges = std::max(story.exchanges, node.status().exchanges);
    if (std::holds_alternative<MergeStarted>(*event)) story.merge_began = Moment::now();
    if (const auto* merged = std::get_if<Merged>(&*event)) {
      story.contributors = merged->manifest.contributors.size();
      story.model = merged->manifest.model;
      story.merge_ended = Moment::now();
    }
    if (const auto* warned = std::get_if<Warned>(&*event)) {
      story.warnings += 1;
      std::fprintf(stderr, "size: %s\n", warned->text.c_str());
    }
    if (const auto* lost = std::get_if<PeerLost>(&*event)) {
      std::fprintf(stderr, "size: lost %s: %s\n", lost->peer.short_text().c_str(),
                   lost->reason.c_str());
    }
    if (const auto* stopped = std::get_if<Stopped>(&*event)) {
      story.error = stopped->error;
      break;
    }
  }
  return story;
}

std::vector<Node> start(const Options& options) {
  const RunOptions run{.name = "size",
                       .task = "bowl",
                       .recipe = options.recipe,
                       .steps = options.steps,
                       .nodes = options.nodes,
                       .evaluate_every = 0,
                       .checkpoint_every = 0,
                       .interval_scale = 0.5};
  const NodeOptions quiet{.uses_lan = false, .maps_port = false};
  std::vector<Node> nodes;
  for (std::uint32_t i = 0; i < options.nodes; ++i) {
    auto task = std::make_unique<Bowl>(options.parameters, i);
    auto node = i == 0 ? Node::create(run, std::move(task), quiet)
                       : Node::join(nodes[0].ticket(), std::move(task), quiet);
    if (!node) fail(node.error().message);
    nodes.push_back(std::move(*node));
  }
  return nodes;
}

/// merge_s: from the first node's MergeStarted to the last one's Merged; 0: there was none, or not
/// one model.
void print(const Options& options, const std::vector<Story>& stories, double seconds) {
  Story all = stories.front();
  all.exchanges = all.warnings = 0;
  for (const Story& story : stories) {
    all.exchanges += story.exchanges;
    all.warnings += story.warnings;
    all.contributors = std::min(all.contributors, story.contributors);
    all.merge_began = std::min(all.merge_began, story.merge_began);
    all.merge_ended = std::max(all.merge_ended, story.merge_ended);
    if (story.model != all.model) all.contributors = 0;
    if (!story.error.empty()) all.error = story.error;
  }
  const double merge_s =
      all.contributors == 0
          ? 0
          : std::chrono::duration<double>(all.merge_ended.at - all.merge_began.at).count();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const double peak = static_cast<double>(usage.ru_maxrss) * 1024;
  const double models =
      4.0 * static_cast<double>(options.parameters) * static_cast<double>(options.nodes);
  std::printf(
      "{\"parameters\": %llu, \"nodes\": %u, \"recipe\": \"%s\", \"steps\": %u, "
      "\"exchanges\": %llu, \"merge_contributors\": %zu, \"merge_s\": %.3f, \"merge_processor_s\": "
      "%.3f, \"seconds\": %.2f, "
      "\"warnings\": %llu, \"peak_bytes\": %.0f, \"peak_model_multiples\": %.3f, "
      "\"error\": \"%s\"}\n",
      static_cast<unsigned long long>(options.parameters), options.nodes, options.recipe.c_str(),
      options.steps, static_cast<unsigned long long>(all.exchanges), all.contributors, merge_s,
      all.merge_ended.processor_s - all.merge_began.processor_s, seconds,
      static_cast<unsigned long long>(all.warnings), peak, peak / models, all.error.c_str());
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    const char* value = arguments[i + 1];
    if (name == "--parameters") {
      options.parameters = std::strtoull(value, nullptr, 10);
    } else if (name == "--nodes") {
      options.nodes = static_cast<std::uint32_t>(std::strtoul(value, nullptr, 10));
    } else if (name == "--steps") {
      options.steps = static_cast<std::uint32_t>(std::strtoul(value, nullptr, 10));
    } else if (name == "--recipe") {
      options.recipe = value;
    } else {
      fail("unknown option " + std::string(name) +
           "; allowed: --parameters, --nodes, --steps, --recipe");
    }
  }
  if (count % 2 == 0) fail("every option takes a value");
  return options;
}

int run(const Options& options) {
  const Clock::time_point begin = Clock::now();
  std::vector<Node> nodes = start(options);
  std::vector<Story> stories(nodes.size());
  {
    std::vector<std::jthread> followers;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      followers.emplace_back([&, i] { stories[i] = follow(nodes[i]); });
    }
  }
  print(options, stories, seconds_since(begin));
  return 0;
}

}  // namespace
}  // namespace starling::bench

int main(int count, char** arguments) {
  return starling::bench::run(starling::bench::parse(count, arguments));
}

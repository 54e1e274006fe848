// Nodes of one program that train a synthetic model of any size over loopback, and merge it. Tells
// how long the merge took, how many contributed, and how much memory all of it needed.

#include <starling/node.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace starling;
using Clock = std::chrono::steady_clock;

struct Options {
  std::size_t parameters = 10'000'000;
  std::uint32_t nodes = 8;
  std::uint32_t steps = 2;
  double interval_scale = 1;
  std::string recipe = "gossip";
};

/// f(x) = |x - target|^2 / 2 over P parameters; targets differ from node to node. As cheap as an
/// objective can be, and it keeps no memory of its own.
class Valley final : public Task {
 public:
  Valley(std::size_t parameters, float target) : parameters_(parameters), target_(target) {}
  std::size_t parameter_count() const override { return parameters_; }
  bool has_gradient() const override { return true; }
  double loss(std::span<const float> x, const BatchKey&) override {
    const double off = static_cast<double>(x[0]) - target_;
    return off * off / 2;
  }
  double gradient(std::span<const float> x, const BatchKey& batch, std::span<float> out) override {
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = x[i] - target_;
    return loss(x, batch);
  }

 private:
  std::size_t parameters_;
  float target_;
};

/// What one node told of itself.
struct Story {
  std::optional<Clock::time_point> merge_started;
  std::optional<Clock::time_point> merged;
  std::size_t contributors = 0;
  std::uint64_t exchanges = 0;
  std::string model;
  std::string error;
  std::vector<std::string> warnings;
};

Story follow(Node& node) {
  Story story;
  while (const auto event = node.wait_event(std::chrono::hours(1))) {
    if (std::holds_alternative<MergeStarted>(*event) && !story.merge_started) {
      story.merge_started = Clock::now();
    } else if (const auto* merged = std::get_if<Merged>(&*event)) {
      story.merged = Clock::now();
      story.contributors = merged->manifest.contributors.size();
      story.model = merged->manifest.model.hex();
    } else if (const auto* warned = std::get_if<Warned>(&*event)) {
      story.warnings.push_back(warned->text);
    } else if (const auto* stopped = std::get_if<Stopped>(&*event)) {
      story.error = stopped->error;
      break;
    }
  }
  story.exchanges = node.status().exchanges;
  return story;
}

double resident_bytes_max() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

template <class Number>
Number number_of(std::string_view flag, const char* text) {
  Number value{};
  const char* end = text + std::string_view(text).size();
  const auto [at, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || at != end || value <= Number{}) {
    std::fprintf(stderr, "swarm: %s is '%s', expected a number above 0\n",
                 std::string(flag).c_str(), text);
    std::exit(2);
  }
  return value;
}

Options options_of(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const std::string_view flag = arguments[i];
    const char* value = i + 1 < count ? arguments[i + 1] : "";
    if (flag == "--parameters") {
      options.parameters = number_of<std::size_t>(flag, value);
    } else if (flag == "--nodes") {
      options.nodes = number_of<std::uint32_t>(flag, value);
    } else if (flag == "--steps") {
      options.steps = number_of<std::uint32_t>(flag, value);
    } else if (flag == "--interval-scale") {
      options.interval_scale = number_of<double>(flag, value);
    } else if (flag == "--recipe") {
      options.recipe = value;
    } else {
      std::fprintf(stderr,
                   "swarm: unknown flag '%s'; allowed: --parameters N --nodes N --steps N "
                   "--interval-scale X --recipe NAME\n",
                   arguments[i]);
      std::exit(2);
    }
  }
  return options;
}

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "swarm: %s\n", error.message.c_str());
  std::exit(1);
}

std::vector<Node> nodes_of(const Options& options) {
  const NodeOptions local{.uses_lan = false, .maps_port = false};
  const auto task = [&](std::uint32_t i) {
    return std::make_unique<Valley>(options.parameters, static_cast<float>(i + 1));
  };
  std::vector<Node> nodes;
  auto owner = Node::create({.recipe = options.recipe,
                             .steps = options.steps,
                             .nodes = options.nodes,
                             .evaluate_every = 0,
                             .checkpoint_every = 0,
                             .interval_scale = options.interval_scale},
                            task(0), local);
  if (!owner) give_up(owner.error());
  nodes.push_back(std::move(*owner));
  for (std::uint32_t i = 1; i < options.nodes; ++i) {
    NodeOptions joining = local;
    joining.description = nodes.front().description();
    auto guest = Node::join(nodes.front().ticket(), task(i), joining);
    if (!guest) give_up(guest.error());
    nodes.push_back(std::move(*guest));
  }
  return nodes;
}

/// One JSON object. merge_s: from the first node's MergeStarted to the last one's Merged; null if a
/// node has no merged model, or another one.
bool tell(const Options& options, const std::vector<Story>& stories, double peak_bytes) {
  auto first = Clock::time_point::max();
  auto last = Clock::time_point::min();
  std::size_t contributors = options.nodes;
  std::uint64_t exchanges = UINT64_MAX;
  std::set<std::string> models;
  bool is_merged = true;
  for (const Story& story : stories) {
    for (const std::string& text : story.warnings)
      std::fprintf(stderr, "warned: %s\n", text.c_str());
    if (!story.error.empty()) std::fprintf(stderr, "stopped: %s\n", story.error.c_str());
    is_merged = is_merged && story.merged && story.error.empty();
    if (story.merge_started) first = std::min(first, *story.merge_started);
    if (story.merged) last = std::max(last, *story.merged);
    contributors = std::min(contributors, story.contributors);
    exchanges = std::min(exchanges, story.exchanges);
    models.insert(story.model);
  }
  is_merged = is_merged && models.size() == 1;
  const double merge_s = std::chrono::duration<double>(last - first).count();
  const double model_bytes = 4.0 * static_cast<double>(options.parameters) * options.nodes;
  std::printf(
      "{\"parameters\": %zu, \"nodes\": %u, \"merge_s\": %s, \"contributors_min\": %zu, "
      "\"exchanges_min\": %llu, \"peak_bytes\": %.0f, \"peak_model_multiples\": %.2f}\n",
      options.parameters, options.nodes, is_merged ? std::to_string(merge_s).c_str() : "null",
      contributors, static_cast<unsigned long long>(exchanges), peak_bytes,
      peak_bytes / model_bytes);
  return is_merged;
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = options_of(count, arguments);
  std::vector<Node> nodes = nodes_of(options);
  std::vector<Story> stories(nodes.size());
  {
    std::vector<std::jthread> followers;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      followers.emplace_back([&, i] { stories[i] = follow(nodes[i]); });
    }
  }
  return tell(options, stories, resident_bytes_max()) ? 0 : 1;
}

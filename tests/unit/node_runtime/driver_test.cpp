#include "node/runtime/driver.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "temporary_directory.h"

namespace starling::runtime {
namespace {

using testing::TemporaryDirectory;

/// f(x) = |x - target|^2 / 2: nodes with different targets agree on the mean only by exchange.
class Bowl final : public Task {
 public:
  explicit Bowl(float target) : target_(target) {}
  [[nodiscard]] std::size_t parameter_count() const override { return 16; }
  [[nodiscard]] double loss(std::span<const float> parameters, const BatchKey&) override {
    double sum = 0;
    for (const float x : parameters) sum += 0.5 * (x - target_) * (x - target_);
    return sum;
  }
  [[nodiscard]] bool has_gradient() const override { return true; }
  double gradient(std::span<const float> parameters, const BatchKey& batch,
                  std::span<float> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = parameters[i] - target_;
    return loss(parameters, batch);
  }

 private:
  float target_;
};

crypto::SigningKey key_of(std::uint8_t byte) {
  std::array<std::uint8_t, 32> seed;
  seed.fill(byte);
  return crypto::SigningKey::from_seed(crypto::Secret<32>(seed));
}

DriverOptions options_for(std::uint8_t key, Listener listener, const std::string& other_address,
                          const std::filesystem::path& directory) {
  const optim::Recipe recipe = *optim::builtin_recipe("gossip");
  node::Config core{{}, {}, key_of(key), {}, {}, {}, {}};
  core.recipe = recipe;
  core.bootstrap.push_back({NodeId{}, other_address});
  core.run.bytes.fill(1);
  core.steps_total = 500;
  core.nodes_expected = 2;
  core.interval_scale = 0.1;
  node::LearnerOptions learner{.recipe = recipe,
                               .run = core.run,
                               .self = core.key.id(),
                               .steps_total = core.steps_total,
                               .model_seed = 1,
                               .data_seed = key};
  DriverOptions options{.core = std::move(core),
                        .learner = std::move(*node::Learner::create(
                            std::move(learner), std::make_unique<Bowl>(static_cast<float>(key)))),
                        .listener = std::move(listener)};
  options.store = std::move(*Store::open(directory));
  options.encode_model = [](std::span<const float> parameters) {
    return Bytes(parameters.size_bytes(), 7);
  };
  return options;
}

class DriverTest : public ::testing::Test {
 protected:
  std::unique_ptr<Driver> make(std::uint8_t key, Listener listener, const std::string& other,
                               const TemporaryDirectory& directory, std::vector<Event>& events) {
    DriverOptions options = options_for(key, std::move(listener), other, directory.path());
    options.on_event = [&events](const Event& event) { events.push_back(event); };
    auto driver = Driver::create(std::move(options));
    EXPECT_TRUE(driver.has_value()) << driver.error().message;
    return std::move(*driver);
  }

  Listener listener_a_ = std::move(*listen_on("127.0.0.1:0"));
  Listener listener_b_ = std::move(*listen_on("127.0.0.1:0"));
  std::string address_a_ = listener_a_.address;
  std::string address_b_ = listener_b_.address;
  TemporaryDirectory directory_a_;
  TemporaryDirectory directory_b_;
  std::vector<Event> events_a_;
  std::vector<Event> events_b_;
};

template <class T>
const T* last(const std::vector<Event>& events) {
  const T* found = nullptr;
  for (const Event& event : events) {
    if (const T* item = std::get_if<T>(&event)) found = item;
  }
  return found;
}

TEST_F(DriverTest, TwoNodesTrainMergeAndKeepTheModel) {
  auto a = make(1, std::move(listener_a_), address_b_, directory_a_, events_a_);
  auto b = make(2, std::move(listener_b_), address_a_, directory_b_, events_b_);
  Result<void> result_b;
  std::thread other([&] { result_b = b->run(); });
  const Result<void> result_a = a->run();
  other.join();
  EXPECT_TRUE(result_a.has_value()) << result_a.error().message;
  EXPECT_TRUE(result_b.has_value()) << result_b.error().message;
  const auto* merged_a = last<Merged>(events_a_);
  const auto* merged_b = last<Merged>(events_b_);
  ASSERT_TRUE(merged_a != nullptr && merged_b != nullptr);
  EXPECT_EQ(merged_a->manifest.members.size(), 2U);
  EXPECT_EQ(merged_a->manifest.model, merged_b->manifest.model);
  for (const TemporaryDirectory* directory : {&directory_a_, &directory_b_}) {
    EXPECT_TRUE(std::filesystem::exists(directory->path() / "model.safetensors"));
    EXPECT_TRUE(std::filesystem::exists(directory->path() / "manifest.json"));
    EXPECT_TRUE(std::filesystem::exists(directory->path() / "status.json"));
  }
  EXPECT_EQ(a->status().bytes_sent, b->status().bytes_received);
}

TEST_F(DriverTest, LeavesWhenAskedTo) {
  auto a = make(1, std::move(listener_a_), address_b_, directory_a_, events_a_);
  a->request_leave();
  const Result<void> result = a->run();
  EXPECT_TRUE(result.has_value()) << result.error().message;
  EXPECT_NE(last<Stopped>(events_a_), nullptr);
}

TEST_F(DriverTest, KeepsThePortThatItListensOn) {
  make(1, std::move(listener_a_), address_b_, directory_a_, events_a_).reset();
  const auto store = Store::open(directory_a_.path());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(store->load_port(), parse_host_port(address_a_)->port_number());
}

}  // namespace
}  // namespace starling::runtime

#include "node/runtime/port_mapper.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/platform.h"

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;
using News = std::vector<MappingNews>;

/// What a test tells the router and the machine, and what they were asked; seen by two threads.
struct World {
  std::mutex mutex;
  std::optional<std::string> private_host = "10.0.0.2";
  int looked = 0;  // for the private address
  std::optional<OpenedPort> opened = OpenedPort{"203.0.113.1", 61000, 20min};
  int asked = 0;
  int closed = 0;

  template <class Value>
  Value read(Value World::* field) {
    const std::lock_guard lock(mutex);
    return this->*field;
  }
  template <class Value>
  void write(Value World::* field, Value value) {
    const std::lock_guard lock(mutex);
    this->*field = std::move(value);
  }
};

class WilledGateway final : public Gateway {
 public:
  explicit WilledGateway(std::shared_ptr<World> world) : world_(std::move(world)) {}
  std::string_view name() const override { return "a test"; }
  std::optional<OpenedPort> open(const std::string&, std::uint16_t) override {
    const std::lock_guard lock(world_->mutex);
    ++world_->asked;
    return world_->opened;
  }
  void close() override {
    const std::lock_guard lock(world_->mutex);
    ++world_->closed;
  }

 private:
  std::shared_ptr<World> world_;
};

class PortMapperTest : public ::testing::Test {
 protected:
  ~PortMapperTest() override { end(); }

  PortMapper& begin() {
    PortMapperOptions options{.port = 4747, .gateways = {}};
    options.gateways.push_back(std::make_unique<WilledGateway>(world_));
    options.private_host = [world = world_] {
      const std::lock_guard lock(world->mutex);
      ++world->looked;
      return world->private_host;
    };
    return mapper_.emplace(
        network_, std::move(options),
        PortMapper::Actions{
            .changed = [this](const MappingNews& news) { news_.push_back(news); },
            .warn = [this](const std::string& text) { warnings_.push_back(text); }});
  }
  /// The thread has ended after it.
  void end() {
    if (!mapper_) return;
    bool closed = false;
    mapper_->close([&] { closed = true; });
    EXPECT_TRUE(run_until([&] { return closed; }));
    mapper_.reset();
  }
  template <class Condition>
  bool run_until(Condition is_met) {
    const Instant deadline = monotonic_now() + 20s;
    while (!is_met() && monotonic_now() < deadline) {
      network_.restart();
      network_.run_one_for(10ms);
    }
    return is_met();
  }

  std::shared_ptr<World> world_ = std::make_shared<World>();  // a thread may be the last user
  asio::io_context network_;
  News news_;
  std::vector<std::string> warnings_;
  std::optional<PortMapper> mapper_;
};

TEST_F(PortMapperTest, TellsThePortThatTheRouterOpensAndClosesItAtTheEnd) {
  begin();
  ASSERT_TRUE(run_until([&] { return !news_.empty(); }));
  EXPECT_EQ(news_, (News{{"203.0.113.1:61000", true}}));
  end();
  EXPECT_EQ(world_->closed, 1);
}

TEST_F(PortMapperTest, WithoutANetworkItLooksOnlyWhenTheMachineHasMoved) {
  world_->private_host = std::nullopt;
  PortMapper& mapper = begin();
  ASSERT_TRUE(run_until([&] { return world_->read(&World::looked) >= 1; }));
  mapper.moved();
  ASSERT_TRUE(run_until([&] { return world_->read(&World::looked) >= 2; }));
  for (int i = 0; i < 10; ++i) network_.run_one_for(10ms);  // a thread that spins looks 1,000 times
  EXPECT_EQ(world_->read(&World::looked), 2);
}

TEST_F(PortMapperTest, AsksNoRouterFromAPublicAddress) {
  world_->private_host = std::nullopt;
  begin();
  end();
  EXPECT_EQ(world_->asked, 0);
  EXPECT_TRUE(news_.empty());
}

TEST_F(PortMapperTest, AsksAgainInAnotherNetwork) {
  PortMapper& mapper = begin();
  ASSERT_TRUE(run_until([&] { return news_.size() == 1; }));
  world_->write(&World::private_host, std::optional<std::string>("10.0.9.2"));
  world_->write(&World::opened, std::optional(OpenedPort{"203.0.113.9", 61000, 20min}));
  mapper.moved();
  ASSERT_TRUE(run_until([&] { return news_.size() == 3; }));
  EXPECT_EQ(news_[1], (MappingNews{"203.0.113.1:61000", false}));
  EXPECT_EQ(news_[2], (MappingNews{"203.0.113.9:61000", true}));
}

TEST_F(PortMapperTest, WithdrawsThePortWhenTheMachineHasNoPrivateAddressAnyMore) {
  PortMapper& mapper = begin();
  ASSERT_TRUE(run_until([&] { return news_.size() == 1; }));
  world_->write(&World::private_host, std::optional<std::string>());
  mapper.moved();
  ASSERT_TRUE(run_until([&] { return news_.size() == 2; }));
  EXPECT_FALSE(news_[1].is_up);
  EXPECT_EQ(world_->read(&World::asked), 1);
}

TEST_F(PortMapperTest, WarnsOfARouterBehindAnotherRouter) {
  world_->opened->host = "192.168.1.7";
  begin();
  ASSERT_TRUE(run_until([&] { return !warnings_.empty(); }));
  EXPECT_NE(warnings_[0].find("192.168.1.7"), std::string::npos) << warnings_[0];
  EXPECT_TRUE(news_.empty());
}

TEST_F(PortMapperTest, MayBeDestroyedWhileTheRouterIsBeingAsked) {
  std::unique_lock asking(world_->mutex);
  begin();
  mapper_.reset();
  asking.unlock();
  EXPECT_TRUE(run_until([&] { return world_.use_count() == 1; })) << "the thread goes on";
}

}  // namespace
}  // namespace starling::runtime

#include "node/runtime/dial.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/runtime/own_address.h"

namespace starling::runtime {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;
using protocol::DialProblem;

class DialTest : public ::testing::Test {
 protected:
  struct Outcome {
    std::optional<DialProblem> problem;
    std::optional<tcp::endpoint> reached;
  };

  std::shared_ptr<Dial> begin(const std::string& address) {
    auto dial = std::make_shared<Dial>(
        network_, resolver_, DialOptions{.address = address, .source_port = 0, .is_self = {}},
        [this](std::optional<DialProblem> problem, tcp::socket socket) {
          outcomes_.push_back({problem, {}});
          if (!problem) outcomes_.back().reached = socket.remote_endpoint();
        });
    dial->start();
    return dial;
  }
  /// A dial whose end never comes fails the test instead of hanging.
  void run_until_outcomes(std::size_t count) {
    while (outcomes_.size() < count) ASSERT_GT(network_.run_one_for(20s), 0U);
  }
  Outcome outcome_of(const std::string& address) {
    const auto dial = begin(address);
    run_until_outcomes(1);
    return outcomes_.front();
  }
  static std::string text_of(const tcp::endpoint& endpoint) {
    return address_text(endpoint.address().to_string(), std::to_string(endpoint.port()));
  }

  /// Takes no connection and refuses none: its queue is full, so that the kernel drops every SYN.
  tcp::endpoint black_hole() {
    tcp::acceptor full(network_, tcp::v4());
    full.bind({asio::ip::address_v4::loopback(), 0});
    full.listen(0);
    const tcp::endpoint where = full.local_endpoint();
    for (int i = 0; i < 4; ++i) {
      tcp::socket waiting(network_);
      waiting.open(tcp::v4());
      waiting.native_non_blocking(true);
      static_cast<void>(
          ::connect(waiting.native_handle(), where.data(), static_cast<socklen_t>(where.size())));
      waiting_.push_back(std::move(waiting));
    }
    acceptors_.push_back(std::move(full));
    return where;
  }
  tcp::endpoint open_port(const tcp& family = tcp::v4()) {
    const asio::ip::address host = family == tcp::v4()
                                       ? asio::ip::address(asio::ip::address_v4::loopback())
                                       : asio::ip::address(asio::ip::address_v6::loopback());
    acceptors_.emplace_back(network_, tcp::endpoint(host, 0));
    return acceptors_.back().local_endpoint();
  }
  tcp::endpoint closed_port() {
    const tcp::acceptor gone(network_, {asio::ip::address_v4::loopback(), 0});
    return gone.local_endpoint();
  }

  asio::io_context network_;
  Resolver resolver_{network_};
  std::vector<tcp::acceptor> acceptors_;
  std::vector<tcp::socket> waiting_;
  std::vector<Outcome> outcomes_;
};

TEST_F(DialTest, ReachesAnAddress) {
  const tcp::endpoint there = open_port();
  EXPECT_EQ(outcome_of(text_of(there)).reached, there);
}

TEST_F(DialTest, LooksUpNames) {
  const tcp::endpoint there = open_port();
  EXPECT_EQ(outcome_of("localhost:" + std::to_string(there.port())).reached, there);
}

TEST_F(DialTest, GoesOnToTheNextAddressAtOnceWhereOneIsRefused) {
  const tcp::endpoint there = open_port();
  EXPECT_EQ(outcome_of(text_of(closed_port()) + "," + text_of(there)).reached, there);
}

TEST_F(DialTest, AnAddressThatDoesNotAnswerDoesNotHoldUpTheNext) {
  const tcp::endpoint there = open_port();
  const auto hopeless = begin(text_of(black_hole()));  // ends when a connect has timed out
  const std::string two_holes = text_of(black_hole()) + "," + text_of(black_hole());
  EXPECT_EQ(outcome_of(two_holes + "," + text_of(there)).reached, there);
}

TEST_F(DialTest, ANameNobodyKnowsDoesNotSpoilTheOtherAddresses) {
  const tcp::endpoint there = open_port();
  EXPECT_EQ(outcome_of("a..b:1," + text_of(there)).reached, there);
}

TEST_F(DialTest, TriesIpv6FirstWhereThisMachineHasIt) {
  const bool has_v6 = is_own_host("::1");
  const tcp::endpoint four = open_port();
  const tcp::endpoint six = has_v6 ? open_port(tcp::v6()) : tcp::endpoint(tcp::v6(), 1);
  const auto reached = outcome_of(text_of(four) + ",[::1]:" + std::to_string(six.port())).reached;
  EXPECT_EQ(reached, has_v6 ? six : four);
}

TEST_F(DialTest, GoesOnWithTheAddressesLeftWhenTheFirstDisappoints) {
  const tcp::endpoint first = open_port();
  const tcp::endpoint second = open_port();
  const auto dial = begin(text_of(first) + "," + text_of(second));
  run_until_outcomes(1);
  dial->resume(DialProblem::wrong_identity);
  run_until_outcomes(2);
  EXPECT_EQ(outcomes_[0].reached, first);
  EXPECT_EQ(outcomes_[1].reached, second);
  dial->resume(DialProblem::wrong_identity);
  run_until_outcomes(3);
  EXPECT_EQ(outcomes_[2].problem, DialProblem::wrong_identity);
}

TEST_F(DialTest, SaysWhy) {
  EXPECT_EQ(outcome_of(text_of(closed_port())).problem, DialProblem::refused);
}

TEST_F(DialTest, SaysThatANameIsUnknown) {
  EXPECT_EQ(outcome_of("a..b:1").problem, DialProblem::name_unknown);
}

TEST_F(DialTest, SaysThatATextIsNoAddress) {
  EXPECT_EQ(outcome_of("host without port").problem, DialProblem::bad_address);
}

TEST_F(DialTest, SaysThatNobodyAnswered) {
  EXPECT_EQ(outcome_of(text_of(black_hole())).problem, DialProblem::timed_out);
}

TEST_F(DialTest, SaysTheMostTellingOfSeveralProblems) {
  EXPECT_EQ(outcome_of("a..b:1," + text_of(closed_port()) + ",a..c:1").problem,
            DialProblem::refused);
}

TEST_F(DialTest, SaysNothingAfterItWasCancelled) {
  const auto dial = begin(text_of(open_port()));
  dial->cancel();
  while (network_.run_one_for(1s) > 0) {
  }
  EXPECT_TRUE(outcomes_.empty());
}

}  // namespace
}  // namespace starling::runtime

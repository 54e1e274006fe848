#include "node/runtime/dial.h"

#include <asio/connect.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "node/runtime/listener.h"

namespace starling::runtime {

namespace {

using Tcp = asio::ip::tcp;

/// One attempt; its handlers own it.
class Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  using Done = std::function<void(std::error_code, Tcp::socket)>;

  Attempt(asio::io_context& network, Done done)
      : resolver_(network), socket_(network), timer_(network), done_(std::move(done)) {}

  void start(const HostPort& target, Duration time_max) {
    timer_.expires_after(time_max);
    timer_.async_wait([self = shared_from_this()](std::error_code cancelled) {
      if (!cancelled) self->finish(asio::error::timed_out);
    });
    resolver_.async_resolve(target.host, target.port,
                            [self = shared_from_this()](std::error_code problem,
                                                        const Tcp::resolver::results_type& to) {
                              if (problem) return self->finish(problem);
                              asio::async_connect(self->socket_, to,
                                                  [self](std::error_code refused, const auto&) {
                                                    self->finish(refused);
                                                  });
                            });
  }

  void finish(std::error_code problem) {
    if (!done_) return;
    timer_.cancel();
    resolver_.cancel();
    if (problem) {
      std::error_code ignored;
      socket_.close(ignored);
    }
    std::exchange(done_, nullptr)(problem, std::move(socket_));
  }

 private:
  Tcp::resolver resolver_;
  Tcp::socket socket_;
  asio::steady_timer timer_;
  Done done_;
};

}  // namespace

void dial(asio::io_context& network, const std::string& address, Duration time_max,
          std::function<void(std::error_code, Tcp::socket)> done) {
  const auto attempt = std::make_shared<Attempt>(network, std::move(done));
  if (const Result<HostPort> target = parse_host_port(address)) {
    attempt->start(*target, time_max);
  } else {
    asio::post(network, [attempt] { attempt->finish(asio::error::invalid_argument); });
  }
}

}  // namespace starling::runtime

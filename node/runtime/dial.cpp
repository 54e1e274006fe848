#include "node/runtime/dial.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <asio/post.hpp>
#include <chrono>
#include <utility>

#include "node/runtime/address.h"

namespace starling::runtime {

namespace {

using protocol::DialProblem;
using Tcp = asio::ip::tcp;
using namespace std::chrono_literals;

// RFC 8305, section 8: the recommended delay between two attempts.
constexpr Duration attempt_delay = 250ms;
// A SYN is retried after 1 s and 3 s (RFC 6298, Linux): time for the second retry.
constexpr Duration connect_time_max = 5s;
// For all names and addresses together, so that a black hole at each costs one time-out; with the
// handshake it stays close to limits::dial_time_max.
constexpr Duration dial_time_max = 8s;
// Three addresses, most names having one of each family (our guess).
constexpr std::size_t attempts_max = 8;

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

DialProblem problem_of(std::error_code error) {
  if (error == asio::error::connection_refused || error == asio::error::connection_reset) {
    return DialProblem::refused;
  }
  return error == asio::error::timed_out ? DialProblem::timed_out : DialProblem::unreachable;
}

/// How much a problem tells the owner, among those of several addresses: what answered before what
/// did not.
int weight_of(DialProblem problem) {
  constexpr std::array vague_first = {DialProblem::bad_address,  DialProblem::self,
                                      DialProblem::name_unknown, DialProblem::unreachable,
                                      DialProblem::timed_out,    DialProblem::refused};
  return static_cast<int>(std::ranges::find(vague_first, problem) - vague_first.begin());
}

/// False: the port cannot be shared; the system chooses one.
bool bind_to_port(Tcp::socket& socket, const Tcp& family, std::uint16_t port) {
  std::error_code refused;
  socket.set_option(asio::socket_base::reuse_address(true), refused);
  if (!refused) socket.set_option(ReusePort(true), refused);
  if (!refused) socket.bind({family, port}, refused);
  return !refused;
}

/// The port is taken for exactly this peer, by a link or by one that has just ended.
bool is_port_taken(std::error_code problem) {
  return problem.value() == EADDRNOTAVAIL || problem.value() == EADDRINUSE;
}

}  // namespace

Dial::Dial(asio::io_context& network, Resolver& resolver, DialOptions options, Done done)
    : network_(network),
      resolver_(resolver),
      options_(std::move(options)),
      done_(std::move(done)),
      stagger_(network),
      deadline_(network) {}

void Dial::start() {
  if (const auto targets = parse_addresses(options_.address)) {
    for (const HostPort& target : *targets) look_up(target);
  } else {
    note(DialProblem::bad_address);
  }
  begin_race();
}

void Dial::resume(DialProblem problem) {
  note(problem);
  begin_race();
}

bool Dial::dial_from_another_port() {
  if (!reached_) return false;
  put_first({.at = reached_->at, .from_any_port = true});
  reached_.reset();
  begin_race();
  return true;
}

/// What comes of it is told from Asio's loop, never from within the call.
void Dial::begin_race() {
  is_racing_ = true;
  deadline_.expires_after(dial_time_max);
  deadline_.async_wait([self = shared_from_this()](std::error_code cancelled) {
    if (cancelled || !self->is_racing_) return;
    self->is_over_ = true;
    self->note(self->attempts_.empty() ? DialProblem::name_unknown : DialProblem::timed_out);
    self->stop_attempts();
    self->proceed();
  });
  asio::post(network_, [self = shared_from_this()] { self->proceed(); });
}

void Dial::cancel() {
  is_over_ = true;
  done_ = nullptr;
  if (is_racing_) finish({}, Tcp::socket(network_));
}

// --- Names ---

void Dial::look_up(const HostPort& target) {
  if (const auto known = Resolver::numeric(target); !known.empty()) return add(known);
  ++lookups_;
  resolver_.look_up(target, [self = shared_from_this()](const std::vector<Tcp::endpoint>& found) {
    if (self->is_over_) return;
    --self->lookups_;
    if (found.empty()) self->note(DialProblem::name_unknown);
    self->add(found);
    self->proceed();
  });
}

void Dial::add(const std::vector<Tcp::endpoint>& found) {
  for (const Tcp::endpoint& to : found) {
    if (to.port() == 0) {
      note(DialProblem::bad_address);
    } else if (options_.is_self && options_.is_self(to)) {
      note(DialProblem::self);
    } else {
      (to.address().is_v6() ? v6_ : v4_).push_back({to});
    }
  }
}

// --- The race ---

/// Begins the next attempt if it is due, and ends the race if nothing is left.
void Dial::proceed() {
  if (!is_racing_) return;
  if (!is_staggered_ && !is_over_) {
    if (const auto next = take_next()) return attempt(*next);
  }
  const bool is_hopeful = !is_over_ && (!attempts_.empty() || is_staggered_ || lookups_ > 0);
  if (!is_hopeful) finish(problem_.value_or(DialProblem::unreachable), Tcp::socket(network_));
}

/// The families in turn, IPv6 first (RFC 8305, section 4).
std::optional<Dial::Target> Dial::take_next() {
  if (tried_ >= attempts_max || (v6_.empty() && v4_.empty())) return std::nullopt;
  std::deque<Target>& from = v4_.empty() || (takes_v6_next_ && !v6_.empty()) ? v6_ : v4_;
  takes_v6_next_ = &from == &v4_;
  const Target next = from.front();
  from.pop_front();
  return next;
}

void Dial::put_first(const Target& target) {
  (target.at.address().is_v6() ? v6_ : v4_).push_front(target);
  --tried_;
}

void Dial::attempt(const Target& to) {
  ++tried_;
  is_staggered_ = true;
  stagger_.expires_after(attempt_delay);
  stagger_.async_wait([self = shared_from_this()](std::error_code cancelled) {
    if (cancelled) return;
    self->is_staggered_ = false;
    self->proceed();
  });
  attempts_.push_back(std::make_shared<Attempt>(network_, to));
  const AttemptPtr attempt = attempts_.back();
  attempt->timer.expires_after(connect_time_max);
  attempt->timer.async_wait([attempt](std::error_code cancelled) {
    if (!cancelled) attempt->socket.close(cancelled);  // which ends the connect below
  });
  connect(attempt, options_.source_port != 0 && !to.from_any_port);
}

void Dial::connect(const AttemptPtr& attempt, bool from_port) {
  std::error_code problem;
  attempt->socket.open(attempt->to.at.protocol(), problem);
  attempt->is_from_port =
      !problem && from_port &&
      bind_to_port(attempt->socket, attempt->to.at.protocol(), options_.source_port);
  if (problem) {
    asio::post(network_, [self = shared_from_this(), attempt, problem] {
      self->connected(attempt, problem);
    });
    return;
  }
  attempt->socket.async_connect(attempt->to.at,
                                [self = shared_from_this(), attempt](std::error_code refused) {
                                  self->connected(attempt, refused);
                                });
}

void Dial::connected(const AttemptPtr& attempt, std::error_code problem) {
  if (attempt->is_out) return;
  std::error_code ignored;
  if (attempt->is_from_port && is_port_taken(problem) && !options_.needs_source_port) {
    attempt->socket.close(ignored);
    return connect(attempt, false);
  }
  attempt->timer.cancel();
  // Closed by its timer, perhaps when it had just connected.
  const bool timed_out = problem == asio::error::operation_aborted || !attempt->socket.is_open();
  if (timed_out) problem = asio::error::timed_out;
  const bool is_self = !problem && attempt->socket.local_endpoint(ignored) == attempt->to.at;
  if (!problem && !is_self) {
    std::erase(attempts_, attempt);
    reached_ = attempt->is_from_port ? std::optional(attempt->to) : std::nullopt;
    return finish({}, std::move(attempt->socket));
  }
  attempt->socket.close(ignored);
  std::erase(attempts_, attempt);
  note(is_self ? DialProblem::self : problem_of(problem));
  stagger_.cancel();
  is_staggered_ = false;
  proceed();
}

void Dial::note(DialProblem problem) {
  if (!problem_ || weight_of(problem) >= weight_of(*problem_)) problem_ = problem;
}

/// Those that were under way may still be wanted, should the winner disappoint.
void Dial::stop_attempts() {
  std::error_code ignored;
  for (const AttemptPtr& attempt : attempts_) {
    attempt->is_out = true;
    attempt->timer.cancel();
    attempt->socket.close(ignored);
    put_first(attempt->to);
  }
  attempts_.clear();
  stagger_.cancel();
  is_staggered_ = false;
}

void Dial::finish(std::optional<DialProblem> problem, Tcp::socket socket) {
  is_racing_ = false;
  stop_attempts();
  deadline_.cancel();
  if (const Done done = done_) done(problem, std::move(socket));
}

}  // namespace starling::runtime

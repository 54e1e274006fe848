#include "node/runtime/lan_beacon.h"

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/multicast.hpp>
#include <asio/ip/udp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <set>
#include <utility>

#include "node/runtime/address.h"
#include "node/runtime/platform.h"
#include "protocol/limits.h"
#include "protocol/link/beacon.h"
#include "protocol/token_bucket.h"

namespace starling::runtime {

namespace {

namespace limits = protocol::limits;
using namespace std::chrono_literals;
using asio::ip::udp;
using protocol::Beacon;
using protocol::BeaconKind;
using protocol::BeaconVerdict;

// Of the local scope (RFC 2365): routers do not forward it. Not registered.
const asio::ip::address_v4 group_v4 = asio::ip::make_address_v4("239.255.83.84");
// Link-local scope, transient, because nobody has assigned it (RFC 4291, 2.7).
const asio::ip::address_v6 group_v6 = asio::ip::make_address_v6("ff12::5354:524c");
// While more comes than is read; our guess.
constexpr Duration flood_pause = 100ms;

protocol::BeaconNonce fresh_nonce() {
  protocol::BeaconNonce nonce{};
  fill_entropy(nonce);
  return nonce;
}

/// Up to a quarter more, so that machines that were started together do not ask together.
Duration with_jitter(Duration pause) {
  return pause + pause / 4 * static_cast<int>(random_nonzero() % 100) / 100;
}

}  // namespace

/// The state behind LanBeacon; shared with the handlers of its sockets.
class LanBeacon::Sockets : public std::enable_shared_from_this<Sockets> {
 public:
  Sockets(asio::io_context& network, LanBeaconOptions options, Actions actions);

  void ask();
  void close();

 private:
  /// An ear hears one datagram at a time, of which one byte too many is read to tell longer ones.
  struct Ear {
    explicit Ear(asio::io_context& network) : socket(network), flood_timer(network) {}

    udp::socket socket;
    asio::steady_timer flood_timer;
    udp::endpoint source{};
    std::array<std::uint8_t, protocol::beacon_bytes + 1> buffer{};
    LanAddress address{};  ///< Of an asking one.
  };
  using SharedEar = std::shared_ptr<Ear>;

  void ask_again_in(Duration pause);
  void follow_addresses();
  void open_group_ear(SharedEar& ear, const udp& family);
  [[nodiscard]] SharedEar asking_ear(const LanAddress& address);
  void join_groups();
  void send_query(Ear& ear);
  void listen(const SharedEar& ear);
  void heard(const SharedEar& ear, std::size_t length);
  void take(const Beacon& beacon, Ear& ear);
  void warn_once(const std::string& text);

  asio::io_context& network_;
  LanBeaconOptions options_;
  Actions actions_;
  crypto::Secret<32> key_;
  protocol::BeaconJudge judge_;
  asio::steady_timer timer_;
  Duration pause_ = limits::beacon_query_pause_first;
  protocol::TokenBucket received_{limits::beacons_received_per_second_max};
  protocol::TokenBucket answered_{limits::beacons_answered_per_second_max};
  protocol::TokenBucket told_{limits::beacon_contacts_per_second_max};
  SharedEar group_v4_ear_;           // queries come here, on a port that all processes share
  SharedEar group_v6_ear_;           // null without IPv6
  std::vector<SharedEar> asking_;    // queries leave from here, and answers come back
  std::set<std::string> warned_of_;  // at most one text for each kind of warning
  bool closed_ = false;
};

LanBeacon::Sockets::Sockets(asio::io_context& network, LanBeaconOptions options, Actions actions)
    : network_(network),
      options_(std::move(options)),
      actions_(std::move(actions)),
      key_(protocol::beacon_key(options_.run, options_.psk)),
      judge_(options_.self),
      timer_(network) {}

void LanBeacon::Sockets::ask() {
  pause_ = limits::beacon_query_pause_first;
  ask_again_in(0s);
}

void LanBeacon::Sockets::ask_again_in(Duration pause) {
  timer_.expires_after(pause);
  timer_.async_wait([self = shared_from_this()](std::error_code cancelled) {
    if (cancelled || self->closed_) return;
    self->follow_addresses();
    for (const SharedEar& ear : self->asking_) self->send_query(*ear);
    self->ask_again_in(with_jitter(self->pause_));
    self->pause_ = std::min(self->pause_ * 2, limits::beacon_query_interval);
  });
}

/// What a machine without a network cannot open is tried again with the next query.
void LanBeacon::Sockets::follow_addresses() {
  const std::vector<LanAddress> now = options_.addresses();
  std::erase_if(asking_, [&](const SharedEar& ear) {
    const bool is_gone = std::ranges::find(now, ear->address) == now.end();
    std::error_code ignored;
    if (is_gone) ear->socket.close(ignored);
    return is_gone;
  });
  for (const LanAddress& address : now) {
    const bool is_known =
        std::ranges::any_of(asking_, [&](const SharedEar& ear) { return ear->address == address; });
    if (is_known) continue;
    if (SharedEar ear = asking_ear(address)) asking_.push_back(std::move(ear));
  }
  if (!group_v4_ear_) open_group_ear(group_v4_ear_, udp::v4());
  if (!group_v6_ear_) open_group_ear(group_v6_ear_, udp::v6());
  join_groups();
}

void LanBeacon::Sockets::open_group_ear(SharedEar& ear, const udp& family) {
  auto fresh = std::make_shared<Ear>(network_);
  std::error_code problem;
  fresh->socket.open(family, problem);
  if (problem) return;  // a machine without this family
  if (family == udp::v6()) fresh->socket.set_option(asio::ip::v6_only(true), problem);
  fresh->socket.set_option(udp::socket::reuse_address(true), problem);
  fresh->socket.bind({family, options_.group_port}, problem);
  if (problem) {
    return warn_once("UDP port " + std::to_string(options_.group_port) + " cannot be shared (" +
                     problem.message() + "): members on this network do not find this node by " +
                     "themselves");
  }
  ear = std::move(fresh);
  listen(ear);
}

/// Again with every query: interfaces come and go. One that has joined before says so, by an error.
void LanBeacon::Sockets::join_groups() {
  for (const SharedEar& asking : asking_) {
    std::error_code joined_before;
    const LanAddress& own = asking->address;
    if (own.address.is_v4() && group_v4_ear_) {
      group_v4_ear_->socket.set_option(
          asio::ip::multicast::join_group(group_v4, own.address.to_v4()), joined_before);
    } else if (own.address.is_v6() && group_v6_ear_) {
      group_v6_ear_->socket.set_option(asio::ip::multicast::join_group(group_v6, own.interface),
                                       joined_before);
    }
  }
}

/// Null: the address has just gone.
LanBeacon::Sockets::SharedEar LanBeacon::Sockets::asking_ear(const LanAddress& own) {
  auto ear = std::make_shared<Ear>(network_);
  ear->address = own;
  std::error_code problem;
  ear->socket.open(own.address.is_v6() ? udp::v6() : udp::v4(), problem);
  if (!problem) ear->socket.bind({own.address, 0}, problem);
  if (!problem && own.address.is_v6()) {
    ear->socket.set_option(asio::ip::multicast::outbound_interface(own.interface), problem);
  } else if (!problem) {
    ear->socket.set_option(asio::ip::multicast::outbound_interface(own.address.to_v4()), problem);
  }
  if (!problem) ear->socket.set_option(asio::ip::multicast::hops(1), problem);
  // Other processes of this machine hear it, too.
  if (!problem) ear->socket.set_option(asio::ip::multicast::enable_loopback(true), problem);
  if (problem) return nullptr;
  listen(ear);
  return ear;
}

/// A datagram that is not sent is lost like any other: the next query follows.
void LanBeacon::Sockets::send_query(Ear& ear) {
  const Beacon query{.nonce = fresh_nonce(),
                     .kind = BeaconKind::query,
                     .sent_at = unix_now(),
                     .port = options_.port,
                     .sender = options_.self};
  judge_.asked(query.nonce);
  const bool is_v6 = ear.address.address.is_v6();
  const udp::endpoint group(is_v6 ? asio::ip::address(group_v6) : asio::ip::address(group_v4),
                            options_.group_port);
  std::error_code ignored;
  ear.socket.send_to(asio::buffer(protocol::seal_beacon(key_, query)), group, 0, ignored);
}

void LanBeacon::Sockets::listen(const SharedEar& ear) {
  std::error_code ignored;
  ear->socket.non_blocking(true, ignored);
  ear->socket.async_receive_from(
      asio::buffer(ear->buffer), ear->source,
      [self = shared_from_this(), ear](std::error_code problem, std::size_t length) {
        if (self->closed_ || !ear->socket.is_open()) return;
        // An error belongs to something sent before, to a port that is closed by now.
        self->heard(ear, problem ? 0 : length);
      });
}

/// What comes faster than it may waits in the kernel, which drops what it has no room for.
void LanBeacon::Sockets::heard(const SharedEar& ear, std::size_t length) {
  if (!received_.take(monotonic_now())) {
    ear->flood_timer.expires_after(flood_pause);
    ear->flood_timer.async_wait([self = shared_from_this(), ear](std::error_code cancelled) {
      if (!cancelled && !self->closed_ && ear->socket.is_open()) self->listen(ear);
    });
    return;
  }
  if (const auto beacon = protocol::open_beacon(key_, ByteSpan(ear->buffer).first(length))) {
    take(*beacon, *ear);
  }
  if (!closed_) listen(ear);
}

void LanBeacon::Sockets::take(const Beacon& beacon, Ear& ear) {
  const std::string host = ear.source.address().to_string();
  const BeaconVerdict verdict = judge_.judge(beacon, unix_now());
  if (verdict == BeaconVerdict::other_clock) {
    warn_once("a node of this run at " + host +
              " asks on the local network with another time than this machine's; set both clocks");
  }
  if (verdict != BeaconVerdict::believed) return;
  if (beacon.kind == BeaconKind::query && options_.port != 0 && answered_.take(monotonic_now())) {
    const Beacon answer{.nonce = fresh_nonce(),
                        .kind = BeaconKind::answer,
                        .sent_at = unix_now(),
                        .port = options_.port,
                        .sender = options_.self,
                        .answered = beacon.nonce};
    std::error_code lost;
    ear.socket.send_to(asio::buffer(protocol::seal_beacon(key_, answer)), ear.source, 0, lost);
  }
  if (beacon.port == 0 || !told_.take(monotonic_now())) return;
  actions_.found({beacon.sender, address_text(host, std::to_string(beacon.port))});
}

void LanBeacon::Sockets::warn_once(const std::string& text) {
  constexpr std::size_t warnings_max = 4;
  if (warned_of_.size() < warnings_max && warned_of_.insert(text).second) actions_.warn(text);
}

void LanBeacon::Sockets::close() {
  closed_ = true;
  timer_.cancel();
  std::vector<SharedEar> ears = std::exchange(asking_, {});
  ears.push_back(std::exchange(group_v4_ear_, nullptr));
  ears.push_back(std::exchange(group_v6_ear_, nullptr));
  for (const SharedEar& ear : ears) {
    if (!ear) continue;
    std::error_code ignored;
    ear->socket.close(ignored);
    ear->flood_timer.cancel();
  }
}

LanBeacon::LanBeacon(asio::io_context& network, LanBeaconOptions options, Actions actions)
    : sockets_(std::make_shared<Sockets>(network, std::move(options), std::move(actions))) {}

LanBeacon::~LanBeacon() {
  sockets_->close();
}

void LanBeacon::ask() {
  sockets_->ask();
}

void LanBeacon::close() {
  sockets_->close();
}

}  // namespace starling::runtime

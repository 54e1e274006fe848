#include "node/runtime/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/post.hpp>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace starling::runtime {

namespace {

using Tcp = asio::ip::tcp;

// As many as there are dials at a time (limits::dials_pending_max).
constexpr std::size_t lookups_max = 16;

std::vector<Tcp::endpoint> ask(const HostPort& target, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  if (::getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &first) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(first, &::freeaddrinfo);
  std::vector<Tcp::endpoint> endpoints;
  for (const addrinfo* entry = first; entry != nullptr; entry = entry->ai_next) {
    Tcp::endpoint endpoint;
    if (entry->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
    endpoint.resize(entry->ai_addrlen);
    endpoints.push_back(endpoint);
  }
  return endpoints;
}

}  // namespace

/// Who is to be told; the loop's alone. A thread that held one of them could be the last to do so,
/// and would destroy a dial whose loop is gone.
struct Resolver::Waiting {
  std::map<std::uint64_t, Found> by_number;
  std::uint64_t next = 0;

  void answer(std::uint64_t number, std::vector<Tcp::endpoint> endpoints) {
    const auto found = by_number.extract(number);
    if (!found.empty()) found.mapped()(std::move(endpoints));
  }
};

/// What the threads share with the loop. network: null once nobody waits any more.
struct Resolver::Mailbox {
  std::mutex mutex;
  asio::io_context* network = nullptr;
  std::size_t lookups = 0;

  bool begin() {
    const std::lock_guard lock(mutex);
    if (lookups >= lookups_max) return false;
    ++lookups;
    return true;
  }
  void end(std::weak_ptr<Waiting> waiting, std::uint64_t number,
           std::vector<Tcp::endpoint> endpoints) {
    const std::lock_guard lock(mutex);
    --lookups;
    if (network == nullptr) return;
    asio::post(*network,
               [waiting = std::move(waiting), number, endpoints = std::move(endpoints)]() mutable {
                 if (const auto living = waiting.lock())
                   living->answer(number, std::move(endpoints));
               });
  }
};

Resolver::Resolver(asio::io_context& network)
    : mailbox_(std::make_shared<Mailbox>()), waiting_(std::make_shared<Waiting>()) {
  mailbox_->network = &network;
}

Resolver::~Resolver() {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->network = nullptr;
}

void Resolver::look_up(const HostPort& target, Found found) {
  if (!mailbox_->begin()) {
    asio::post(*mailbox_->network, [found = std::move(found)] { found({}); });
    return;
  }
  const std::uint64_t number = waiting_->next++;
  waiting_->by_number.emplace(number, std::move(found));
  const std::weak_ptr<Waiting> waiting = waiting_;
  try {
    std::thread([mailbox = mailbox_, waiting, number, target] {
      mailbox->end(waiting, number, ask(target, 0));
    }).detach();
  } catch (const std::system_error&) {  // no thread to be had
    mailbox_->end(waiting, number, {});
  }
}

std::vector<Tcp::endpoint> Resolver::numeric(const HostPort& target) {
  return ask(target, AI_NUMERICHOST);
}

}  // namespace starling::runtime

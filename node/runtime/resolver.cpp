#include "node/runtime/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/post.hpp>
#include <cstring>
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
  void end(Found found, std::vector<Tcp::endpoint> endpoints) {
    const std::lock_guard lock(mutex);
    --lookups;
    if (network == nullptr) return;
    asio::post(*network, [found = std::move(found), endpoints = std::move(endpoints)]() mutable {
      found(std::move(endpoints));
    });
  }
};

Resolver::Resolver(asio::io_context& network) : mailbox_(std::make_shared<Mailbox>()) {
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
  try {
    std::thread([mailbox = mailbox_, target, found] {
      mailbox->end(found, ask(target, 0));
    }).detach();
  } catch (const std::system_error&) {  // no thread to be had
    mailbox_->end(std::move(found), {});
  }
}

std::vector<Tcp::endpoint> Resolver::numeric(const HostPort& target) {
  return ask(target, AI_NUMERICHOST);
}

}  // namespace starling::runtime

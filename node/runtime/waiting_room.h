#pragma once
// Second processes under the name of a linked peer, kept waiting until the core has found out
// whether the first one still lives (node::SecondProcess).

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/wire/message.h"
#include "starling/ids.h"

namespace starling::runtime {

class Connection;

class WaitingRoom {
 public:
  struct Waiting {
    Connection* connection = nullptr;
    std::uint64_t incarnation = 0;
    /// What came with the last words of the handshake; at most one read's worth, because nothing
    /// more is read from whoever waits.
    std::vector<protocol::Message> messages;
  };

  /// False: another one waits under this name already.
  [[nodiscard]] bool enter(const NodeId& peer, Connection& connection, std::uint64_t incarnation) {
    return waiting_.try_emplace(peer, Waiting{&connection, incarnation, {}}).second;
  }

  [[nodiscard]] bool contains(const Connection& connection) const {
    return find(connection) != waiting_.end();
  }

  /// Keeps a message of one that waits.
  void keep(const NodeId& peer, protocol::Message message) {
    waiting_.at(peer).messages.push_back(std::move(message));
  }

  /// Nothing if that process does not wait (any more).
  [[nodiscard]] std::optional<Waiting> take(const NodeId& peer, std::uint64_t incarnation) {
    const auto found = waiting_.find(peer);
    if (found == waiting_.end() || found->second.incarnation != incarnation) return std::nullopt;
    return std::move(waiting_.extract(found).mapped());
  }

  /// It has gone by itself. False: it did not wait.
  bool leave(const Connection& connection) {
    const auto found = find(connection);
    if (found == waiting_.end()) return false;
    waiting_.erase(found);
    return true;
  }

  void clear() { waiting_.clear(); }

 private:
  using ByPeer = std::map<NodeId, Waiting>;

  [[nodiscard]] ByPeer::const_iterator find(const Connection& connection) const {
    auto at = waiting_.begin();
    while (at != waiting_.end() && at->second.connection != &connection) ++at;
    return at;
  }

  ByPeer waiting_;  ///< At most one for each link, and one under our own name.
};

}  // namespace starling::runtime

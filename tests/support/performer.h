#pragma once
// What performs for nodes, seen from the outside: hosts that dial, send and hang up, and hear what
// happens to them. tests/conformance asks the same questions of every performer.

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include "node/core/io.h"

namespace starling::testing {

class Performer {
 public:
  using Reaction = std::function<void(const node::Input&)>;

  Performer() = default;
  Performer(const Performer&) = delete;
  Performer& operator=(const Performer&) = delete;
  virtual ~Performer() = default;

  /// The largest bulk message that hosts take, of any kind.
  static constexpr std::size_t bulk_bytes_max = 1U << 20U;

  /// Hosts are numbered from 0; all run. Where host `index` is dialled, and its name.
  [[nodiscard]] virtual std::size_t hosts() const = 0;
  [[nodiscard]] virtual protocol::PeerRecord record(std::size_t index) const = 0;

  // --- What a core asks for ---
  virtual void connect(std::size_t index, const protocol::PeerRecord& peer) = 0;
  /// Over a circuit of the linked peer `via`.
  virtual void connect_over(std::size_t index, const protocol::PeerRecord& peer,
                            const NodeId& via) = 0;
  virtual void probe(std::size_t index, const protocol::PeerRecord& peer, std::uint64_t nonce) = 0;
  virtual void disconnect(std::size_t index, const NodeId& peer, protocol::CloseReason reason) = 0;
  virtual void send(std::size_t index, const NodeId& peer, protocol::Message message) = 0;

  /// The process ends without a farewell; what it heard is forgotten.
  virtual void end(std::size_t index) = 0;
  /// A new process with the same name and address.
  virtual void start_again(std::size_t index) = 0;

  /// Lets things happen until `done`; false: nothing happens any more.
  [[nodiscard]] virtual bool run_until(const std::function<bool()>& done) = 0;

  /// Everything the host's process heard, in order.
  [[nodiscard]] const std::vector<node::Input>& heard(std::size_t index) const {
    return ears_[index].heard;
  }
  /// Called for each input of the host, as a core would be: one after the other.
  void react(std::size_t index, Reaction reaction) { ears_[index].reaction = std::move(reaction); }

 protected:
  void hear(std::size_t index, node::Input input) {
    Ears& ears = ears_[index];
    ears.inbox.push_back(std::move(input));
    if (std::exchange(ears.is_listening, true)) return;
    while (!ears.inbox.empty()) {
      ears.heard.push_back(std::move(ears.inbox.front()));
      ears.inbox.pop_front();
      if (ears.reaction) ears.reaction(node::Input(ears.heard.back()));
    }
    ears.is_listening = false;
  }
  void forget(std::size_t index) { ears_[index] = Ears(); }
  void make_ears(std::size_t count) { ears_.resize(count); }

 private:
  struct Ears {
    std::vector<node::Input> heard;
    std::deque<node::Input> inbox;  ///< What an action within a reaction led to at once.
    bool is_listening = false;
    Reaction reaction;
  };
  std::vector<Ears> ears_;
};

}  // namespace starling::testing

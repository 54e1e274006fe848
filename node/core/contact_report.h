#pragma once
// Why nobody can be reached, as one line for each address and cause, and what to do about it: for
// the owner of a node that has no neighbour. Decides nothing.

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "protocol/link/dial_problem.h"
#include "starling/event.h"

namespace starling::node {

/// The line's second half: what to do. Where the problem has numbers, they are named.
[[nodiscard]] std::string advice_for(protocol::DialProblem problem,
                                     const protocol::DialDetail& detail);

/// At the start of a node that knows no other: its ticket names only itself.
[[nodiscard]] ContactFailed nobody_known(const std::string& own_address);

class ContactReport {
 public:
  /// A dial has failed while there was no neighbour. The event, if this address failed for another
  /// reason before, or is one of the first that failed.
  [[nodiscard]] std::optional<ContactFailed> failed(const std::string& address,
                                                    protocol::DialProblem problem,
                                                    const protocol::DialDetail& detail);
  /// Somebody is there: what fails from now on is news again.
  void reached() { told_.clear(); }

 private:
  // A restart knows hundreds of addresses: a person reads a few. Our guess.
  static constexpr std::size_t addresses_max = 8;

  std::map<std::string, protocol::DialProblem> told_;
};

}  // namespace starling::node

#pragma once
// Why a dial did not lead to a link: what the dialling node could find out, for its own decisions
// and for the line that its owner reads.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace starling::protocol {

enum class DialProblem : std::uint8_t {
  refused,         ///< The machine answers, and nothing listens there.
  unreachable,     ///< No route, or a firewall says so.
  name_unknown,    ///< The host's name has no address, or no name server answers.
  timed_out,       ///< No answer in time, from the machine or from what listens there.
  bad_address,     ///< Not an address text.
  other_version,   ///< A node of another version of the protocol.
  other_run,       ///< A node of another run.
  wrong_key,       ///< A node of this run, as it seems, with another pre-shared key.
  clock,           ///< The certificate's time and our clock do not agree.
  wrong_identity,  ///< Another node than the one meant.
  not_accepted,    ///< Closed without a word, or by a node with too many links.
  self,            ///< This very node listens there.
  already_linked,  ///< There is a link to that node; no second one is made.
  not_starling,    ///< What answers there is another program.
};

/// Numbers that go with some problems.
struct DialDetail {
  std::uint8_t version = 0;        ///< other_version: the one spoken there.
  std::int64_t clock_ahead_s = 0;  ///< clock: by how much the clock there is ahead of ours.
  friend bool operator==(const DialDetail&, const DialDetail&) = default;
};

inline constexpr std::array<std::string_view, 14> dial_problem_names = {
    "refused",       "unreachable", "name_unknown",   "timed_out",   "bad_address",
    "other_version", "other_run",   "wrong_key",      "clock",       "wrong_identity",
    "not_accepted",  "self",        "already_linked", "not_starling"};

[[nodiscard]] constexpr std::string_view name_of(DialProblem problem) {
  return dial_problem_names[static_cast<std::size_t>(problem)];
}

}  // namespace starling::protocol

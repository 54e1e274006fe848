#include "node/core/contact_report.h"

#include <chrono>
#include <cstdlib>

#include "protocol/limits.h"

namespace starling::node {

namespace {

using protocol::DialDetail;
using protocol::DialProblem;

std::string version_advice(const DialDetail& detail) {
  const unsigned own = protocol::limits::protocol_version;
  const unsigned theirs = detail.version;
  return "the node there speaks version " + std::to_string(theirs) +
         " of the protocol, this one version " + std::to_string(own) + "; update " +
         (theirs < own ? "the node there" : "starling on this machine");
}

/// "3 hours", "25 minutes".
std::string span_text(std::int64_t seconds) {
  const std::int64_t minutes = (std::llabs(seconds) + 30) / 60;
  const bool in_hours = minutes >= 90;
  const std::int64_t count = in_hours ? (minutes + 30) / 60 : minutes;
  return std::to_string(count) + (in_hours ? " hour" : " minute") + (count == 1 ? "" : "s");
}

std::string clock_advice(const DialDetail& detail) {
  return "this machine's clock is " + span_text(detail.clock_ahead_s) +
         (detail.clock_ahead_s > 0 ? " behind" : " ahead of") +
         " that of the node there; set the one that is wrong";
}

}  // namespace

std::string advice_for(DialProblem problem, const DialDetail& detail) {
  switch (problem) {
    case DialProblem::refused:
      return "nothing listens there; start the node there, or check the address";
    case DialProblem::unreachable:
      return "there is no route to it; check this machine's network";
    case DialProblem::name_unknown:
      return "its name has no address; check the name, and this machine's network";
    case DialProblem::timed_out:
      return "no answer; the machine there may be off, or a firewall may drop the packets";
    case DialProblem::bad_address:
      return "this is no HOST:PORT; ask the run's owner for another ticket";
    case DialProblem::other_version:
      return version_advice(detail);
    case DialProblem::other_run:
      return "a node of another run listens there; check the ticket, or ask the run's owner for a "
             "new one";
    case DialProblem::wrong_key:
      return "the node there does not take the ticket's secret; ask the run's owner for the ticket "
             "again";
    case DialProblem::clock:
      return clock_advice(detail);
    case DialProblem::wrong_identity:
      return "another node listens there than the one that was there before";
    case DialProblem::not_accepted:
      return "the link was closed without a word: that is no node of this version, or it has no "
             "room left";
    case DialProblem::self:
      return "this is the node's own address; it waits for others to dial it";
    case DialProblem::not_starling:
      return "another program answers there, not a Starling node; check the address and its port";
    case DialProblem::already_linked:
      return "there is a link to that node already";
  }
  return {};
}

ContactFailed nobody_known(const std::string& own_address) {
  return {own_address, std::string(protocol::name_of(DialProblem::self)),
          "the ticket names no node but this one, which others dial at " + own_address +
              "; waiting for the first of them"};
}

std::optional<ContactFailed> ContactReport::failed(const std::string& address, DialProblem problem,
                                                   const DialDetail& detail) {
  if (problem == DialProblem::already_linked) return std::nullopt;
  const auto told = told_.find(address);
  if (told == told_.end() && told_.size() >= addresses_max) return std::nullopt;
  if (told != told_.end() && told->second == problem) return std::nullopt;
  told_[address] = problem;
  return ContactFailed{address, std::string(protocol::name_of(problem)),
                       advice_for(problem, detail)};
}

}  // namespace starling::node

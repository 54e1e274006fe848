#pragma once
// How a node comes by its run: from its directory if it has joined before, otherwise from a ticket
// and the first member that answers.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "node/invitation.h"
#include "node/runtime/store.h"
#include "starling/event.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling {

struct AdmissionRequest {
  std::string ticket = {};                                ///< Empty: the one kept in `directory`.
  std::filesystem::path directory = {};                   ///< Empty: none; need not exist.
  std::optional<std::string> description = std::nullopt;  ///< Instead of asking a member for it.
  std::function<void(const std::string& line)> say = {};  ///< Before it blocks; may be empty.
  std::function<void(const ContactFailed&)> on_contact_failed = {};  ///< May be empty.
  Duration fetch_time_max = Duration::max();
  /// Members on the local network are asked, too, unless the ticket is for this machine alone.
  bool looks_on_lan = false;
  bool stop_on_signal = false;  ///< While a member is asked: SIGINT and SIGTERM.
  bool stop_when_standard_input_ends = false;
};

struct Admission {
  std::string ticket;  ///< Its text.
  Invitation invitation;
  std::optional<runtime::Store> store;  ///< If the directory exists.
};

/// Blocks while a member is asked. Nothing is written.
/// Error: invalid_input: no ticket, a bad one, an expired one of a newcomer, a description that
/// does not belong to it, a directory of another run or a finished one; failure: nobody gave the
/// description.
[[nodiscard]] Result<Admission> seek_admission(AdmissionRequest request);

}  // namespace starling

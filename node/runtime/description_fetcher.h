#pragma once
// Performs a DescriptionFetch with sockets and the machine's clock: from a ticket to the run's
// description, on a network thread of its own call.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "starling/event.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling::runtime {

struct DescriptionFetcherOptions {
  RunId run;
  std::optional<crypto::Secret<32>> psk = std::nullopt;  ///< Set: a private run.
  std::vector<std::string> addresses;                    ///< The ticket's, to be dialled.
  bool looks_on_lan = false;  ///< Members that answer a beacon are dialled, too.
  std::function<void(const ContactFailed&)> on_failure = {};  ///< May be empty.
  std::function<void(const std::string&)> on_warning = [](const std::string&) {};
  Duration time_max = Duration::max();  ///< Then it is given up.
  bool stop_on_signal = false;          ///< SIGINT and SIGTERM.
  bool stop_when_standard_input_ends = false;
};

/// Dials the addresses, and who is found on the local network, again and again, until a member has
/// given the description whose digest is the run's id. The node that asks has a key of its own for
/// it: nobody takes it for a member. Error: failure: the time is over, or it was told to stop;
/// invalid_input: there is nobody to ask.
[[nodiscard]] Result<std::string> fetch_description(const DescriptionFetcherOptions& options);

}  // namespace starling::runtime

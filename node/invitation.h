#pragma once
// From a run to its ticket, and back.

#include <string>
#include <string_view>
#include <vector>

#include "crypto/signature.h"
#include "crypto/ticket.h"
#include "node/run_description.h"
#include "node/runtime/store.h"
#include "starling/result.h"

namespace starling {

/// The text of a new run's ticket, signed by `issuer`. addresses: "host:port" of nodes to dial
/// first. Error: invalid_input, an address that cannot be dialled or is too long, a description
/// that is.
[[nodiscard]] Result<std::string> issue_ticket(const RunFile& file,
                                               const std::vector<std::string>& addresses,
                                               const crypto::SigningKey& issuer);

struct Invitation {
  crypto::Ticket ticket;
  RunDescription run;
};

/// Error: invalid_input: everything parse_ticket() refuses; a description that does not belong to
/// the ticket's run id.
[[nodiscard]] Result<Invitation> open_ticket(std::string_view text);

/// As open_ticket(), whatever the ticket's expiry: for what a run has left behind.
[[nodiscard]] Result<Invitation> reopen_ticket(std::string_view text);

/// Keeps the ticket in the node directory, so that the node can go on after a restart.
/// Error: the directory belongs to another run, or to one that has ended with a model.
[[nodiscard]] Result<void> keep_ticket(runtime::Store& store, std::string_view text,
                                       const Invitation& invitation);

}  // namespace starling

#pragma once
// From a run to its ticket, and back.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/signature.h"
#include "crypto/ticket.h"
#include "node/run_description.h"
#include "node/runtime/store.h"
#include "starling/result.h"

namespace starling {

/// A ticket with what it is a ticket for. The description's digest is the ticket's run id, and its
/// owner has signed the ticket.
struct Invitation {
  crypto::Ticket ticket;
  RunDescription run;
  std::string description;  ///< The text that `run` was read from.
};

/// What the owner of a run begins with.
struct NewRun {
  std::string ticket;
  std::string description;
};

/// A new run of `owner`, whatever file.run.owner says. addresses: "host:port" of nodes to dial
/// first. Error: invalid_input, an address that cannot be dialled, more than a ticket holds, a
/// description that is too long.
[[nodiscard]] Result<NewRun> create_run(const RunFile& file,
                                        const std::vector<std::string>& addresses,
                                        const crypto::SigningKey& owner);

/// Another ticket for the same run, valid for `hours` from now. addresses: empty: as before.
/// Error: invalid_input: `owner` is not the run's; an address as in create_run().
[[nodiscard]] Result<std::string> renew_ticket(const Invitation& invitation, std::uint32_t hours,
                                               const std::vector<std::string>& addresses,
                                               const crypto::SigningKey& owner);

/// Puts a ticket and a description together. Error: invalid_input: the description's digest is not
/// the ticket's run id; not a description; the ticket is forged: not signed by the run's owner.
[[nodiscard]] Result<Invitation> accept_description(crypto::Ticket ticket, std::string description);

/// Error: invalid_input: it has; says when, and what to do. For newcomers only: whoever has joined
/// stays.
[[nodiscard]] Result<void> check_not_expired(const crypto::Ticket& ticket);

/// What a node directory has been given by keep_invitation(), whatever the ticket's expiry.
/// Error: invalid_input: no node has joined a run there; a file is damaged.
[[nodiscard]] Result<Invitation> kept_invitation(const std::filesystem::path& directory);

/// Keeps ticket and description in the node directory, so that the node can go on after a restart.
/// Error: as check_vacant().
[[nodiscard]] Result<void> keep_invitation(runtime::Store& store, std::string_view ticket,
                                           const Invitation& invitation);

/// Error: invalid_input: the directory belongs to another run, or to one that has ended with a
/// model.
[[nodiscard]] Result<void> check_vacant(const std::filesystem::path& directory, const RunId& run);

}  // namespace starling

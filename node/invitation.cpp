#include "node/invitation.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "node/runtime/address.h"
#include "node/runtime/platform.h"

namespace starling {

Result<std::string> issue_ticket(const RunFile& file, const std::vector<std::string>& addresses,
                                 const crypto::SigningKey& issuer) {
  for (const std::string& address : addresses) {
    if (auto usable = runtime::check_dialable(address); !usable) {
      return std::unexpected(usable.error());
    }
  }
  const std::string description = description_text(file.run, runtime::random_nonzero());
  crypto::Ticket ticket;
  ticket.run = run_id(description);
  ticket.expiry = {runtime::unix_now().value + std::int64_t{file.valid_hours} * 3600};
  if (file.is_private) ticket.psk = runtime::random_secret();
  ticket.description = Bytes(description.begin(), description.end());
  ticket.addresses = addresses;
  return crypto::write_ticket(ticket, issuer);
}

namespace {

Result<Invitation> open_ticket_at(std::string_view text, UnixSeconds now) {
  Result<crypto::Ticket> ticket = crypto::parse_ticket(text, now);
  if (!ticket) return std::unexpected(ticket.error());
  const std::string description(ticket->description.begin(), ticket->description.end());
  if (run_id(description) != ticket->run) {
    return invalid_input("the ticket's run id is " + ticket->run.short_text() +
                         "..., expected the digest of its description, " +
                         run_id(description).short_text() + "...");
  }
  Result<RunDescription> run = parse_description(description);
  if (!run) return std::unexpected(run.error());
  return Invitation{std::move(*ticket), std::move(*run)};
}

}  // namespace

Result<Invitation> open_ticket(std::string_view text) {
  return open_ticket_at(text, runtime::unix_now());
}

Result<Invitation> reopen_ticket(std::string_view text) {
  return open_ticket_at(text, {});  // nothing has expired yet
}

Result<void> keep_ticket(runtime::Store& store, std::string_view text,
                         const Invitation& invitation) {
  const auto kept = store.load_ticket();
  if (!kept) return std::unexpected(kept.error());
  const std::string directory = "node directory " + store.directory().native();
  std::error_code ignored;
  if (std::filesystem::exists(store.directory() / "manifest.json", ignored)) {  // a whole model
    return invalid_input(directory +
                         " has finished its run; take its model with starling export, or use "
                         "another directory");
  }
  if (!*kept) return store.save_ticket(text);
  if (**kept == text) return {};
  const auto other = open_ticket(**kept);
  if (other && other->ticket.run == invitation.ticket.run) return store.save_ticket(text);
  return invalid_input(directory + " belongs to another run; expected one of run " +
                       invitation.ticket.run.short_text() + ", or a new one");
}

}  // namespace starling

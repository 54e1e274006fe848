#include "node/invitation.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <system_error>
#include <utility>

#include "node/runtime/address.h"
#include "node/runtime/platform.h"
#include "protocol/limits.h"

namespace starling {

namespace {

constexpr std::int64_t hour_seconds = 3600;

Result<std::string> sign_ticket(crypto::Ticket ticket, std::uint32_t hours,
                                const crypto::SigningKey& owner) {
  for (const std::string& address : ticket.addresses) {
    if (auto usable = runtime::check_dialable(address); !usable) {
      return std::unexpected(usable.error());
    }
  }
  ticket.expiry = {runtime::unix_now().value + std::int64_t{hours} * hour_seconds};
  return crypto::write_ticket(ticket, owner);
}

crypto::Secret<16> fresh_ticket_secret() {
  crypto::Secret<16> secret;
  runtime::fill_entropy(secret.mutable_bytes());
  return secret;
}

/// "2026-03-01 12:00 UTC".
std::string date_text(UnixSeconds at) {
  const std::time_t seconds = at.value;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return text.data();
}

std::string age_text(std::int64_t seconds) {
  constexpr std::int64_t day_seconds = 24 * hour_seconds;
  const auto counted = [](std::int64_t count, const char* unit) {
    return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
  };
  if (seconds >= 2 * day_seconds) return counted(seconds / day_seconds, "day");
  if (seconds >= hour_seconds) return counted(seconds / hour_seconds, "hour");
  return counted(std::max<std::int64_t>(seconds, 60) / 60, "minute");
}

std::unexpected<Error> nothing_kept(const std::filesystem::path& directory) {
  return invalid_input("no node has joined a run in " + directory.native() +
                       "; expected the directory given to starling join --dir");
}

}  // namespace

Result<NewRun> create_run(const RunFile& file, const std::vector<std::string>& addresses,
                          const crypto::SigningKey& owner) {
  RunDescription run = file.run;
  run.owner = owner.id();
  NewRun made{.ticket = {}, .description = description_text(run, runtime::random_nonzero())};
  if (made.description.size() > protocol::limits::description_bytes_max) {
    return invalid_input("the run's description has " + std::to_string(made.description.size()) +
                         " bytes; allowed: at most " +
                         std::to_string(protocol::limits::description_bytes_max) +
                         "; shorten the recipe");
  }
  crypto::Ticket ticket;
  ticket.run = run_id(made.description);
  if (file.is_private) ticket.secret = fresh_ticket_secret();
  ticket.addresses = addresses;
  auto text = sign_ticket(std::move(ticket), file.valid_hours, owner);
  if (!text) return std::unexpected(text.error());
  made.ticket = std::move(*text);
  return made;
}

Result<std::string> renew_ticket(const Invitation& invitation, std::uint32_t hours,
                                 const std::vector<std::string>& addresses,
                                 const crypto::SigningKey& owner) {
  if (owner.id() != invitation.run.owner) {
    return invalid_input("only the run's owner, node " + invitation.run.owner.short_text() +
                         ", can renew its ticket; this directory's node is " +
                         owner.id().short_text());
  }
  crypto::Ticket ticket = invitation.ticket;
  if (!addresses.empty()) ticket.addresses = addresses;
  return sign_ticket(std::move(ticket), hours, owner);
}

Result<Invitation> accept_description(crypto::Ticket ticket, std::string description) {
  const RunId seen = run_id(description);
  if (seen != ticket.run) {
    return invalid_input("this is not the description of the ticket's run " +
                         ticket.run.short_text() + "...: its digest is " + seen.short_text() +
                         "...");
  }
  Result<RunDescription> run = parse_description(description);
  if (!run) return std::unexpected(run.error());
  if (!crypto::is_signed_by(ticket, run->owner)) {
    return invalid_input("the ticket is forged: it is not signed by the run's owner, node " +
                         run->owner.short_text() + "; ask the owner for the ticket");
  }
  return Invitation{std::move(ticket), std::move(*run), std::move(description)};
}

Result<void> check_not_expired(const crypto::Ticket& ticket) {
  const UnixSeconds now = runtime::unix_now();
  if (now < ticket.expiry) return {};
  return invalid_input("the ticket expired on " + date_text(ticket.expiry) + ", " +
                       age_text(now.value - ticket.expiry.value) +
                       " ago; ask the run's owner for a new one (the owner runs: starling renew "
                       "DIR)");
}

Result<Invitation> kept_invitation(const std::filesystem::path& directory) {
  const auto text = runtime::read_ticket(directory);
  if (!text) return std::unexpected(text.error());
  if (!*text) return nothing_kept(directory);
  auto ticket = crypto::parse_ticket(**text);
  if (!ticket) return std::unexpected(ticket.error());
  auto description = runtime::read_description(directory);
  if (!description) return std::unexpected(description.error());
  if (!*description) return nothing_kept(directory);
  return accept_description(std::move(*ticket), std::move(**description));
}

Result<void> check_vacant(const std::filesystem::path& directory, const RunId& run) {
  const std::string name = "node directory " + directory.native();
  std::error_code ignored;
  if (std::filesystem::exists(directory / "manifest.json", ignored)) {  // a whole model
    return invalid_input(name +
                         " has finished its run; take its model with starling export, or use "
                         "another directory");
  }
  const auto description = runtime::read_description(directory);
  if (!description) return std::unexpected(description.error());
  if (*description && run_id(**description) == run) return {};
  const auto text = runtime::read_ticket(directory);
  if (!text) return std::unexpected(text.error());
  if (!*text && !*description) return {};
  const auto ticket = crypto::parse_ticket(text->value_or(""));
  if (!*description && ticket && ticket->run == run) return {};
  return invalid_input(name + " belongs to another run; expected one of run " + run.short_text() +
                       ", or a new one");
}

Result<void> keep_invitation(runtime::Store& store, std::string_view ticket,
                             const Invitation& invitation) {
  if (auto vacant = check_vacant(store.directory(), invitation.ticket.run); !vacant) return vacant;
  if (auto saved = store.save_description(invitation.description); !saved) return saved;
  return store.save_ticket(ticket);
}

}  // namespace starling

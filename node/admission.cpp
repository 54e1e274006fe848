#include "node/admission.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "node/runtime/description_fetcher.h"
#include "node/runtime/own_address.h"

namespace starling {

namespace {

Result<std::optional<runtime::Store>> open_existing(const std::filesystem::path& directory) {
  std::error_code ignored;
  if (directory.empty() || !std::filesystem::exists(directory, ignored)) return std::nullopt;
  Result<runtime::Store> store = runtime::Store::open(directory);
  if (!store) return std::unexpected(store.error());
  return std::move(*store);
}

/// The text of the ticket: given, or kept by an earlier start.
Result<std::string> ticket_text(const AdmissionRequest& request,
                                const std::optional<runtime::Store>& store) {
  if (!request.ticket.empty()) return request.ticket;
  if (store) {
    auto kept = store->load_ticket();
    if (!kept) return std::unexpected(kept.error());
    if (*kept) return std::move(**kept);
  }
  return invalid_input("no ticket; expected TICKET, or the directory of a node that has joined");
}

/// Of the run `run`, if the node has joined it before.
Result<std::optional<std::string>> known_description(const std::optional<runtime::Store>& store,
                                                     const RunId& run) {
  if (!store) return std::nullopt;
  auto kept = store->load_description();
  if (!kept || !*kept) return kept;
  return run_id(**kept) == run ? std::move(kept) : std::optional<std::string>();
}

std::string asking_text(const crypto::Ticket& ticket, bool looks_on_lan) {
  std::string text = "asking for the description of run " + ticket.run.short_text();
  const char* before = " at ";
  for (const std::string& address : ticket.addresses) text += std::exchange(before, ", ") + address;
  if (looks_on_lan)
    text += before[0] == ',' ? ", and on the local network" : " on the local network";
  return text;
}

/// A run on this machine alone is nobody else's affair.
bool is_for_this_machine(const crypto::Ticket& ticket) {
  return !ticket.addresses.empty() &&
         std::ranges::all_of(ticket.addresses, runtime::is_loopback_text);
}

Result<std::string> newcomers_description(const AdmissionRequest& request,
                                          const crypto::Ticket& ticket) {
  if (auto valid = check_not_expired(ticket); !valid) return std::unexpected(valid.error());
  if (request.description) return *request.description;
  const bool looks_on_lan = request.looks_on_lan && !is_for_this_machine(ticket);
  if (request.say) request.say(asking_text(ticket, looks_on_lan));
  return runtime::fetch_description(
      {.run = ticket.run,
       .psk = crypto::pre_shared_key(ticket),
       .addresses = ticket.addresses,
       .looks_on_lan = looks_on_lan,
       .on_failure = request.on_contact_failed,
       .on_warning = request.say ? request.say : [](const std::string&) {},
       .time_max = request.fetch_time_max,
       .stop_on_signal = request.stop_on_signal,
       .stop_when_standard_input_ends = request.stop_when_standard_input_ends});
}

}  // namespace

Result<Admission> seek_admission(AdmissionRequest request) {
  auto store = open_existing(request.directory);
  if (!store) return std::unexpected(store.error());
  auto text = ticket_text(request, *store);
  if (!text) return std::unexpected(text.error());
  auto ticket = crypto::parse_ticket(*text);
  if (!ticket) return std::unexpected(ticket.error());
  if (*store) {
    auto vacant = check_vacant(request.directory, ticket->run);
    if (!vacant) return std::unexpected(vacant.error());
  }
  const auto known = known_description(*store, ticket->run);
  if (!known) return std::unexpected(known.error());
  auto description =
      *known ? Result<std::string>(**known) : newcomers_description(request, *ticket);
  if (!description) return std::unexpected(description.error());
  auto invitation = accept_description(std::move(*ticket), std::move(*description));
  if (!invitation) return std::unexpected(invitation.error());
  return Admission{std::move(*text), std::move(*invitation), std::move(*store)};
}

}  // namespace starling

// starling renew: the owner of a run gives newcomers more time, or other addresses.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "node/cli/command.h"
#include "node/cli/qr_code.h"
#include "node/invitation.h"
#include "node/runtime/store.h"

namespace starling::cli {
namespace {

class RenewCommand final : public Command {
 public:
  std::string_view name() const override { return "renew"; }
  std::string_view summary() const override { return "Make a new ticket for the same run"; }

  void add_options(CLI::App& app) override {
    app.add_option("DIR", directory_, "Node directory of the run's owner: where it was created")
        ->required();
    app.add_option("--hours", hours_, "How long newcomers may use the ticket")
        ->check(CLI::Range(1U, ticket_hours_max))
        ->capture_default_str();
    app.add_option("--address", addresses_,
                   "HOST:PORT that others dial to find the run; up to three (default: those of the "
                   "ticket before)");
    app.add_flag("--qr", show_qr_, "Also draw the ticket as a QR code");
    app.footer(
        "Members need no new ticket, and old ones stay good until they expire. The owner's node "
        "may "
        "go on running.\n"
        "Example:\n"
        "  starling renew starling-NAME --hours 48");
  }

  Result<void> run() override {
    const auto invitation = kept_invitation(directory_);
    if (!invitation) return std::unexpected(invitation.error());
    const auto key = runtime::read_identity(directory_);
    if (!key) return std::unexpected(key.error());
    const auto ticket = renew_ticket(*invitation, hours_, addresses_, *key);
    if (!ticket) return std::unexpected(ticket.error());
    if (auto kept = runtime::write_ticket(directory_, *ticket); !kept) return kept;
    return print_ticket(*ticket, show_qr_);
  }

 private:
  std::string directory_;
  std::uint32_t hours_ = ticket_hours_default;
  std::vector<std::string> addresses_;
  bool show_qr_ = false;
};

}  // namespace

std::unique_ptr<Command> make_renew_command() {
  return std::make_unique<RenewCommand>();
}

}  // namespace starling::cli

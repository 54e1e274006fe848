// starling create: a run's file in, its ticket out.

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "model/tasks.h"
#include "node/cli/command.h"
#include "node/cli/node_directory.h"
#include "node/cli/qr_code.h"
#include "node/core/memory_need.h"
#include "node/invitation.h"
#include "node/runtime/file.h"
#include "node/runtime/platform.h"
#include "node/runtime/store.h"
#include "node/start_model.h"

namespace starling::cli {
namespace {

/// A run whose model does not fit here, where its first node is to be, is not made. What a task
/// makes of data that is not here is seen when a node joins.
Result<void> check_room(const RunDescription& run) {
  model::TaskOptions options;
  options.data.feature_count = run.features;
  options.data.class_count = run.classes;
  const auto task = model::make_task(run.task, options);
  if (!task) return {};
  const auto need = node::memory_need(run.recipe, (*task)->parameter_count());
  return node::check_memory(need, 1, runtime::memory_bytes());
}

class CreateCommand final : public Command {
 public:
  std::string_view name() const override { return "create"; }
  std::string_view summary() const override { return "Make a run from a file; prints its ticket"; }

  void add_options(CLI::App& app) override {
    app.add_option("RUN.TOML", run_file_,
                   "The run: task, recipe, steps, nodes, ... (see examples/run.toml)")
        ->required();
    CLI::Option* const address =
        app.add_option(
               "--address", addresses_,
               "HOST:PORT that others dial to find the run; repeat for several machines; "
               "several of one machine separated by commas; three in all. The first machine "
               "is this node's own. The default reaches nodes on this machine only")
            ->capture_default_str();
    app.add_flag("--no-address", has_no_address_,
                 "Make a ticket without addresses, for machines in one local network, where nodes "
                 "find each other")
        ->excludes(address);
    app.add_option("--dir", directory_,
                   "Node directory for the key that signs the ticket (default: starling-NAME)");
    app.add_option("--description", description_file_,
                   "Also write the run's description to this file, for starling join "
                   "--offline-description on a machine that cannot fetch it from a member");
    app.add_flag("--qr", show_qr_, "Also draw the ticket as a QR code");
    app.footer(
        "Example:\n"
        "  starling create run.toml --address 192.0.2.7:4747\n"
        "  starling join --dir starling-NAME --data PATH      (this machine, the first node)\n"
        "  starling join TICKET --data PATH                   (every other machine)");
  }

  Result<void> run() override {
    const Result<RunFile> file = load_run_file(run_file_);
    if (!file) return std::unexpected(file.error());
    if (auto room = check_room(file->run); !room) return room;
    NewDirectory directory(directory_.empty() ? default_directory(file->run)
                                              : std::filesystem::path(directory_));
    auto store = runtime::Store::open(directory.path());
    if (!store) return std::unexpected(store.error());
    const auto old_ticket = store->load_ticket();
    if (!old_ticket) return std::unexpected(old_ticket.error());
    if (*old_ticket) {
      return invalid_input("node directory " + store->directory().native() +
                           " already has a run; give the new one another with --dir");
    }
    const auto key = store->load_or_create_identity();
    if (!key) return std::unexpected(key.error());
    const auto made =
        create_run(*file, has_no_address_ ? std::vector<std::string>() : addresses_, *key);
    if (!made) return std::unexpected(made.error());
    if (auto kept = keep(*made, *store); !kept) return kept;
    if (!file->start_file.empty()) {
      const auto start = find_start_model(file->run, file->start_file);
      if (!start) return std::unexpected(start.error());
      if (auto kept = keep_start_model(**start, store->directory()); !kept) return kept;
    }
    directory.keep();
    return print_ticket(made->ticket, show_qr_);
  }

 private:
  Result<void> keep(const NewRun& made, runtime::Store& store) const {
    if (!description_file_.empty()) {
      const std::string& text = made.description;
      auto written = runtime::write_atomically(description_file_, Bytes(text.begin(), text.end()));
      if (!written) return written;
    }
    if (auto saved = store.save_description(made.description); !saved) return saved;
    return store.save_ticket(made.ticket);
  }

  std::string run_file_;
  std::vector<std::string> addresses_ = {"127.0.0.1:4747"};
  std::string directory_;
  std::string description_file_;
  bool has_no_address_ = false;
  bool show_qr_ = false;
};

}  // namespace

std::unique_ptr<Command> make_create_command() {
  return std::make_unique<CreateCommand>();
}

}  // namespace starling::cli

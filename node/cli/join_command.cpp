// starling join: one node of a run, from the ticket to the merged model.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "model/tasks.h"
#include "node/admission.h"
#include "node/cli/command.h"
#include "node/cli/neighbour_list.h"
#include "node/cli/node_directory.h"
#include "node/cli/program.h"
#include "node/cli/progress.h"
#include "node/cli/terminal.h"
#include "node/runtime/file.h"
#include "node/runtime/telemetry.h"
#include "node/seat.h"

namespace starling::cli {
namespace {

struct ShardPlace {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
};

struct DataShare {
  model::ShardRule rule;
  ShardPlace place;
};

/// "I/N", counted from 0.
Result<ShardPlace> parse_shard(const std::string& text) {
  ShardPlace place;
  const char* end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, place.index);
  const bool has_slash = index.ec == std::errc{} && index.ptr != end && *index.ptr == '/';
  const auto count = std::from_chars(has_slash ? index.ptr + 1 : end, end, place.count);
  if (!has_slash || count.ec != std::errc{} || count.ptr != end || place.index >= place.count) {
    return invalid_input("--shard is '" + text + "', expected I/N with I from 0 to N - 1");
  }
  return place;
}

/// So that nobody looks at an empty screen while the first nodes meet.
std::string greeting_of(const node::Config& config) {
  const std::string where = config.self.address.empty()
                                ? ", which has no address yet that others could dial"
                                : ", which others dial at " + config.self.address;
  return "node " + config.self.id.short_text() + " of run " + config.run.short_text() + where +
         "; training begins when " + std::to_string(config.nodes_expected) + " nodes have met";
}

/// What has become of the run for this node when it ends.
enum class Outcome { left, lacks_quorum, merged };

Outcome after(Outcome before, const Event& event) {
  if (std::holds_alternative<Merged>(event)) return Outcome::merged;
  if (std::holds_alternative<QuorumMissing>(event)) return Outcome::lacks_quorum;
  return std::holds_alternative<MergeStarted>(event) ? Outcome::left : before;
}

/// Status 0 is for a merged model alone: scripts go on with it.
Result<void> result_of(Outcome outcome, const std::filesystem::path& directory) {
  const std::string advice = "; go on with: starling join --dir " + directory.native();
  switch (outcome) {
    case Outcome::merged:
      return {};
    case Outcome::lacks_quorum:
      return std::unexpected(
          Error{ErrorKind::no_quorum, "there was no merge: too few of the run's nodes were here" +
                                          advice + ", and --accept-partial to merge without them"});
    case Outcome::left:
      return std::unexpected(Error{ErrorKind::left_early,
                                   "left before the final merge, with all state saved" + advice});
  }
  return {};
}

class JoinCommand final : public Command {
 public:
  std::string_view name() const override { return "join"; }
  std::string_view summary() const override { return "Train as a node of a run"; }
  void add_options(CLI::App& app) override;
  Result<void> run() override;

 private:
  void add_experiment_options(CLI::App& app);
  Result<Admission> seek(Progress& progress) const;
  [[nodiscard]] Result<DataShare> data_share() const;
  Result<std::unique_ptr<Task>> load_task(const RunDescription& run) const;
  Result<runtime::SteadyListener> open_listener(const std::string& usual,
                                                runtime::Store& store) const;
  static Result<runtime::Store> open_store(std::optional<runtime::Store> existing,
                                           const std::filesystem::path& directory,
                                           const std::optional<StartModel>& start,
                                           std::optional<NewDirectory>& made);
  Result<runtime::DriverOptions> prepare(Progress& progress, std::optional<NewDirectory>& made);
  [[nodiscard]] ProgressStyle progress_style() const;

  std::string ticket_;
  std::string directory_;
  std::string data_;
  std::string start_file_;
  std::string description_file_;
  std::string listen_;
  int listen_descriptor_ = -1;
  std::uint32_t models_kept_ = 0;
  std::string address_;
  std::string shard_ = "0/1";
  std::string skew_ = "iid";
  std::string neighbours_;
  std::string catch_up_ = "auto";
  bool json_events_ = false;
  bool is_quiet_ = false;
  bool accepts_partial_ = false;
  bool ends_with_input_ = false;
  bool avoids_lan_ = false;
  bool avoids_port_mapping_ = false;
  int niceness_ = 0;
  std::size_t threads_ = 1;
};

void JoinCommand::add_options(CLI::App& app) {
  app.add_option("TICKET", ticket_,
                 "What the run's owner gave you: a word that begins with starling2. Without one "
                 "the ticket kept in --dir is used");
  app.add_option("--data", data_,
                 "Your training data: a folder with MNIST-style IDX files, train.csv and test.csv, "
                 "or train.libsvm and test.libsvm; or one .csv or .libsvm file. It never leaves "
                 "this machine");
  app.add_option("--from", start_file_,
                 "The model that the run starts from, if it does: the .safetensors file its owner "
                 "gave you");
  app.add_option("--offline-description", description_file_,
                 "The run's description, from the file that its owner gave you, where no member "
                 "can be asked for it");
  app.add_option("--dir", directory_,
                 "Node directory: key, state, results (default: starling-NAME, by the run). Start "
                 "again with the same one to go on");
  app.add_option(
      "--listen", listen_,
      "HOST:PORT to listen on; host *: every interface, IPv6 and IPv4; port 0: any, and the "
      "same again at the next start (default: the port of the ticket's first address on "
      "the machine that made the ticket, otherwise any port)");
  app.add_option(
      "--address", address_,
      "HOST:PORT that others dial, where it is not the one listened on: behind a router, say; up "
      "to three, separated by commas (default: this machine's addresses, first those on the way to "
      "the ticket's nodes)");
  app.add_option("--nice", niceness_,
                 "Priority of the computation: 0 as any program, 19 only when the machine is idle")
      ->check(CLI::Range(0, 19))
      ->capture_default_str();
  app.add_option("--threads", threads_, "Cores for adding votes (recipe votes, large models)")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_flag(
      "--accept-partial", accepts_partial_,
      "When all nodes at hand are done, merge even if most of the run's nodes are missing; "
      "the model is then marked as partial");
  app.add_flag("--no-lan", avoids_lan_,
               "Neither look for the run's nodes on the local network nor answer those who do");
  app.add_flag("--no-port-mapping", avoids_port_mapping_,
               "Do not ask the router to open a port for this node");
  app.add_flag("--json-events", json_events_,
               "Print one JSON object per event instead of progress");
  app.add_flag("--quiet", is_quiet_, "Print nothing but errors");
  add_experiment_options(app);
  app.footer(
      "Ends by itself after the final merge; the model is then in DIR/model.safetensors.\n"
      "Ctrl-C saves and leaves; the same command goes on.\n"
      "Example:\n"
      "  starling join starling2abc... --data ~/my-images --nice 19");
}

void JoinCommand::add_experiment_options(CLI::App& app) {
  const std::string group = "For experiments on one machine";
  app.add_option("--shard", shard_, "I/N: take part I (from 0) of N of the data")
      ->capture_default_str()
      ->group(group);
  app.add_option("--skew", skew_, "How --shard divides: iid, dirichlet:ALPHA or labels:K")
      ->capture_default_str()
      ->group(group);
  app.add_option("--neighbours", neighbours_,
                 "Fixed neighbours ID@HOST:PORT, separated by commas; or a file, one a line")
      ->group(group);
  app.add_option(
         "--catch-up", catch_up_,
         "How a late joiner of a voting run gets the votes it missed: replay (all of them), "
         "snapshot (their sum, and the newest), or auto: what is predicted to take less time")
      ->capture_default_str()
      ->group(group);
  app.add_option("--keep-evaluated", models_kept_,
                 "Keep the parameters of the first N evaluations, in DIR/evaluated")
      ->check(CLI::Range(0U, 1000U))
      ->capture_default_str()
      ->group(group);
  app.add_option("--listen-fd", listen_descriptor_, "A listening socket inherited from the parent")
      ->group(group);
  app.add_flag("--end-with-input", ends_with_input_, "Leave when standard input ends")
      ->group(group);
}

/// The ticket, and from the node directory, a file or a member what it is a ticket for.
Result<Admission> JoinCommand::seek(Progress& progress) const {
  AdmissionRequest request{.ticket = ticket_, .directory = directory_};
  if (const auto ticket = crypto::parse_ticket(ticket_); ticket && directory_.empty()) {
    request.directory = find_joined_directory(ticket->run);
  }
  if (!description_file_.empty()) {
    const auto bytes = runtime::read_file(description_file_);
    if (!bytes) return std::unexpected(bytes.error());
    request.description.emplace(bytes->begin(), bytes->end());
  }
  request.say = [&progress](const std::string& line) { progress.say(line); };
  request.on_contact_failed = [this, &progress](const ContactFailed& failed) {
    progress.say(contact_failed_text(failed));
    if (json_events_) runtime::print_event(failed, {});
  };
  request.looks_on_lan = !avoids_lan_;
  request.stop_on_signal = true;
  request.stop_when_standard_input_ends = ends_with_input_;
  return seek_admission(std::move(request));
}

Result<DataShare> JoinCommand::data_share() const {
  const auto rule = model::parse_shard_rule(skew_);
  if (!rule) return std::unexpected(rule.error());
  const auto place = parse_shard(shard_);
  if (!place) return std::unexpected(place.error());
  return DataShare{*rule, *place};
}

Result<std::unique_ptr<Task>> JoinCommand::load_task(const RunDescription& run) const {
  const auto share = data_share();
  if (!share) return std::unexpected(share.error());
  model::TaskOptions options = task_options(run);
  options.data.path = data_;
  options.shard.rule = share->rule;
  options.shard.node_count = share->place.count;
  options.node_index = share->place.index;
  return model::make_task(run.task, options);
}

Result<runtime::SteadyListener> JoinCommand::open_listener(const std::string& usual,
                                                           runtime::Store& store) const {
  if (listen_descriptor_ < 0) {
    return runtime::listen_steadily(listen_.empty() ? usual : listen_, store);
  }
  auto inherited = runtime::inherited_listener(listen_descriptor_);
  if (!inherited) return std::unexpected(inherited.error());
  return runtime::SteadyListener{std::move(*inherited), {}};
}

/// The store of the admission or, made anew, that of `directory`, with the model that the run
/// starts from in it. made: the node directory, if there was none.
Result<runtime::Store> JoinCommand::open_store(std::optional<runtime::Store> existing,
                                               const std::filesystem::path& directory,
                                               const std::optional<StartModel>& start,
                                               std::optional<NewDirectory>& made) {
  if (!existing) made.emplace(directory);
  auto store =
      existing ? Result<runtime::Store>(std::move(*existing)) : runtime::Store::open(made->path());
  if (!store || !start) return store;
  if (auto kept = keep_start_model(*start, store->directory()); !kept) {
    return std::unexpected(kept.error());
  }
  return store;
}

/// Everything that the user may have got wrong is looked at before the ticket is kept, and what
/// needs no network before anybody is asked.
Result<runtime::DriverOptions> JoinCommand::prepare(Progress& progress,
                                                    std::optional<NewDirectory>& made) {
  const auto catch_up = node::parse_catch_up_mode(catch_up_);
  if (!catch_up) return std::unexpected(catch_up.error());
  auto neighbours = parse_neighbours(neighbours_);
  if (!neighbours) return std::unexpected(neighbours.error());
  if (auto share = data_share(); !share) return std::unexpected(share.error());
  auto admission = seek(progress);
  if (!admission) return std::unexpected(admission.error());
  const Invitation& invitation = admission->invitation;
  auto task = load_task(invitation.run);
  if (!task) return std::unexpected(task.error());
  const std::filesystem::path directory = admission->store     ? admission->store->directory()
                                          : directory_.empty() ? default_directory(invitation.run)
                                                               : std::filesystem::path(directory_);
  auto start = find_start_model(invitation.run, start_file_, directory);
  if (!start) return std::unexpected(start.error());
  auto store = open_store(std::move(admission->store), directory, *start, made);
  if (!store) return std::unexpected(store.error());
  auto key = store->load_or_create_identity();
  if (!key) return std::unexpected(key.error());
  const auto place = usual_place(invitation, key->id());
  if (!place) return std::unexpected(place.error());
  auto listener = open_listener(place->listen, *store);
  if (!listener) return std::unexpected(listener.error());
  auto options = take_seat(
      invitation, {.key = std::move(*key),
                   .task = std::move(*task),
                   .listener = std::move(listener->listener),
                   .listener_warning = std::move(listener->warning),
                   .address = address_.empty() ? place->address : address_,
                   .address_is_final = !address_.empty(),
                   .store = std::move(*store),
                   .pinned_neighbours = std::move(*neighbours),
                   .home_network = {.beacon = !avoids_lan_, .port_mapping = !avoids_port_mapping_},
                   .start = std::move(*start)});
  if (!options) return options;
  options->core.catch_up = *catch_up;
  options->core.accepts_partial = accepts_partial_;
  if (auto kept = keep_invitation(*options->store, admission->ticket, invitation); !kept) {
    return std::unexpected(kept.error());
  }
  return options;
}

ProgressStyle JoinCommand::progress_style() const {
  if (is_quiet_ || json_events_) return ProgressStyle::silent;
  return can_rewrite_lines(stdout) ? ProgressStyle::updating : ProgressStyle::lines;
}

Result<void> JoinCommand::run() {
  Progress progress(progress_style());
  std::optional<NewDirectory> made;
  auto options = prepare(progress, made);
  if (!options) return std::unexpected(options.error());
  options->compute_niceness = niceness_;
  options->compute_threads = threads_;
  options->evaluated_models_kept = models_kept_;
  options->events_to_standard_output = json_events_;
  options->leave_on_signal = true;
  options->leave_when_standard_input_ends = ends_with_input_;
  const std::filesystem::path directory = options->store->directory();
  const std::string greeting = greeting_of(options->core);
  const runtime::Driver* running = nullptr;
  Outcome outcome = Outcome::left;
  options->on_event = [&](const Event& event) {
    outcome = after(outcome, event);
    progress.show(event, running->status());
  };
  auto driver = runtime::Driver::create(std::move(*options));
  if (!driver) return std::unexpected(driver.error());
  if (made) made->keep();
  running = driver->get();
  progress.say(greeting);
  const Result<void> ended = (*driver)->run();
  progress.finish();
  if (!ended && (*driver)->was_cut_short()) end_program_with(ended.error());
  if (!ended) return ended;
  if (!is_quiet_ && !json_events_) {
    std::printf("%s\n", progress_text(running->status()).c_str());
    if (outcome == Outcome::merged) {
      std::printf("the model is in %s\n", (directory / "model.safetensors").c_str());
    }
  }
  return result_of(outcome, directory);
}

}  // namespace

std::unique_ptr<Command> make_join_command() {
  return std::make_unique<JoinCommand>();
}

}  // namespace starling::cli

// starling::Node: what an embedding program holds, put together from the parts of the command line.

#include <exception>
#include <filesystem>
#include <utility>

#include "node/admission.h"
#include "node/invitation.h"
#include "node/runtime/node_thread.h"
#include "node/runtime/platform.h"
#include "node/seat.h"
#include "starling/node.h"

namespace starling {

class Node::Running {
 public:
  std::string ticket;
  std::string description;
  NodeId id;
  std::unique_ptr<runtime::NodeThread> thread;

  static Result<Node> start(std::string ticket, const Invitation& invitation, Seat seat,
                            int compute_niceness);
};

namespace {

/// A node's directory, if it has one, and the key in it or a fresh one.
struct Home {
  std::optional<runtime::Store> store;
  crypto::SigningKey key;
};

Result<Home> open_home(const std::filesystem::path& directory) {
  if (directory.empty()) {
    return Home{std::nullopt, crypto::SigningKey::from_seed(runtime::random_secret())};
  }
  Result<runtime::Store> store = runtime::Store::open(directory);
  if (!store) return std::unexpected(store.error());
  Result<crypto::SigningKey> key = store->load_or_create_identity();
  if (!key) return std::unexpected(key.error());
  return Home{std::move(*store), std::move(*key)};
}

/// The store of a directory that was there, or Home as open_home() makes it.
Result<Home> move_in(std::optional<runtime::Store> store, const std::filesystem::path& directory) {
  if (!store) return open_home(directory);
  Result<crypto::SigningKey> key = store->load_or_create_identity();
  if (!key) return std::unexpected(key.error());
  return Home{std::move(*store), std::move(*key)};
}

Result<RunFile> run_file(const RunOptions& options) {
  const bool is_text = options.recipe.find_first_of("=\n") != std::string::npos;
  auto recipe = is_text ? optim::parse_recipe(options.recipe, "RunOptions::recipe")
                        : optim::builtin_recipe(options.recipe);
  if (!recipe) return std::unexpected(recipe.error());
  RunDescription run{.name = options.name, .task = options.task, .recipe = std::move(*recipe)};
  run.steps = options.steps;
  run.nodes = options.nodes;
  run.seed = options.seed;
  run.evaluate_every = options.evaluate_every;
  run.checkpoint_every = options.checkpoint_every;
  run.interval_scale = options.interval_scale;
  // Read back as every node will read it: that checks the limits of all fields.
  if (auto read = parse_description(description_text(run, 0)); !read) {
    return std::unexpected(read.error());
  }
  return RunFile{
      .run = std::move(run), .is_private = options.is_private, .valid_hours = options.valid_hours};
}

/// What a newcomer dials: no one can dial "all interfaces".
Result<std::string> public_address(const NodeOptions& options, const runtime::Listener& listener) {
  if (!options.address.empty()) return options.address;
  const auto bound = runtime::parse_host_port(listener.address);
  if (!bound) return std::unexpected(bound.error());
  if (runtime::is_wildcard(bound->host)) {
    return invalid_input("the node listens on " + listener.address +
                         "; NodeOptions::address has to say which HOST:PORT others dial");
  }
  return listener.address;
}

/// The kept port is for nodes that have a directory to keep it in.
Result<runtime::SteadyListener> listen_at(const std::string& address, Home& home) {
  if (home.store) return runtime::listen_steadily(address, *home.store);
  auto listener = runtime::listen_on(address);
  if (!listener) return std::unexpected(listener.error());
  return runtime::SteadyListener{std::move(*listener), {}};
}

runtime::HomeNetworkUse home_network(const NodeOptions& options) {
  return {.beacon = options.uses_lan, .port_mapping = options.maps_port};
}

Result<void> check_vacant(const Home& home) {
  if (!home.store) return {};
  const auto ticket = home.store->load_ticket();
  if (!ticket) return std::unexpected(ticket.error());
  if (!*ticket) return {};
  return invalid_input("node directory " + home.store->directory().native() +
                       " already has a run; join it, or give the new one another directory");
}

Result<void> check_task(const std::unique_ptr<Task>& task) {
  if (!task) return invalid_input("the task is a null pointer; expected an object");
  return {};
}

/// take_seat() asks the embedder's task for its size and its starting point, which may throw.
Result<runtime::DriverOptions> take_foreign_seat(const Invitation& invitation, Seat seat) try {
  return take_seat(invitation, std::move(seat));
} catch (const std::exception& problem) {
  return failure("task '" + invitation.run.task + "' threw: " + problem.what());
}

}  // namespace

Result<Node> Node::Running::start(std::string ticket, const Invitation& invitation, Seat seat,
                                  int compute_niceness) {
  const NodeId id = seat.key.id();
  auto options = take_foreign_seat(invitation, std::move(seat));
  if (!options) return std::unexpected(options.error());
  if (options->store) {
    auto kept = keep_invitation(*options->store, ticket, invitation);
    if (!kept) return std::unexpected(kept.error());
  }
  options->compute_niceness = compute_niceness;
  auto thread = runtime::NodeThread::start(std::move(*options));
  if (!thread) return std::unexpected(thread.error());
  return Node(
      std::make_unique<Running>(std::move(ticket), invitation.description, id, std::move(*thread)));
}

Result<Node> Node::create(const RunOptions& run, std::unique_ptr<Task> task,
                          const NodeOptions& options) {
  if (auto checked = check_task(task); !checked) return std::unexpected(checked.error());
  const auto file = run_file(run);
  if (!file) return std::unexpected(file.error());
  auto home = open_home(options.directory);
  if (!home) return std::unexpected(home.error());
  if (auto vacant = check_vacant(*home); !vacant) return std::unexpected(vacant.error());
  auto steady = listen_at(options.listen.empty() ? "127.0.0.1:0" : options.listen, *home);
  if (!steady) return std::unexpected(steady.error());
  auto address = public_address(options, steady->listener);
  if (!address) return std::unexpected(address.error());
  auto made = create_run(*file, {*address}, home->key);
  if (!made) return std::unexpected(made.error());
  auto ticket = crypto::parse_ticket(made->ticket);
  if (!ticket) return std::unexpected(ticket.error());
  const auto invitation = accept_description(std::move(*ticket), std::move(made->description));
  if (!invitation) return std::unexpected(invitation.error());
  Seat seat{.key = std::move(home->key),
            .task = std::move(task),
            .listener = std::move(steady->listener),
            .listener_warning = std::move(steady->warning),
            .address = std::move(*address),
            .address_is_final = !options.address.empty(),
            .store = std::move(home->store),
            .home_network = home_network(options)};
  return Running::start(std::move(made->ticket), *invitation, std::move(seat),
                        options.compute_niceness);
}

Result<Node> Node::join(std::string_view ticket, std::unique_ptr<Task> task,
                        const NodeOptions& options) {
  if (auto checked = check_task(task); !checked) return std::unexpected(checked.error());
  AdmissionRequest request{.ticket = std::string(ticket), .directory = options.directory};
  if (!options.description.empty()) request.description = options.description;
  request.fetch_time_max = options.patience;
  request.looks_on_lan = options.uses_lan;
  auto admission = seek_admission(std::move(request));
  if (!admission) return std::unexpected(admission.error());
  const Invitation& invitation = admission->invitation;
  auto home = move_in(std::move(admission->store), options.directory);
  if (!home) return std::unexpected(home.error());
  auto place = usual_place(invitation, home->key.id());
  if (!place) return std::unexpected(place.error());
  auto steady = listen_at(options.listen.empty() ? place->listen : options.listen, *home);
  if (!steady) return std::unexpected(steady.error());
  Seat seat{.key = std::move(home->key),
            .task = std::move(task),
            .listener = std::move(steady->listener),
            .listener_warning = std::move(steady->warning),
            .address = options.address.empty() ? place->address : options.address,
            .address_is_final = !options.address.empty(),
            .store = std::move(home->store),
            .home_network = home_network(options)};
  return Running::start(std::move(admission->ticket), invitation, std::move(seat),
                        options.compute_niceness);
}

Node::Node(std::unique_ptr<Running> running) : running_(std::move(running)) {}
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

const std::string& Node::ticket() const {
  return running_->ticket;
}
const std::string& Node::description() const {
  return running_->description;
}
NodeId Node::id() const {
  return running_->id;
}
std::optional<Event> Node::wait_event(std::chrono::milliseconds patience) {
  return running_->thread->wait_event(patience);
}
NodeStatus Node::status() const {
  return running_->thread->status();
}
void Node::request_merge() {
  running_->thread->request_merge();
}
void Node::leave() {
  running_->thread->request_leave();
}
std::vector<float> Node::parameters() const {
  return running_->thread->merged_parameters();
}
Result<void> Node::wait() {
  return running_->thread->wait();
}

}  // namespace starling

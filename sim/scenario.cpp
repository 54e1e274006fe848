#include "sim/scenario.h"

#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

namespace starling::sim {

namespace {

/// Typed reads from one table. Keeps the first error; finish() adds keys that nobody asked for.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string name) : table_(table), name_(std::move(name)) {}

  const toml::node* take(const std::string& key) {
    known_.insert(key);
    return table_.get(key);
  }

  void number(const std::string& key, double& value, double lowest, double highest) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value<double>();
    if (!seen || !(*seen >= lowest && *seen <= highest)) {
      return refuse(key, *node, "a number from " + text(lowest) + " to " + text(highest));
    }
    value = *seen;
  }

  template <class Count>
  void count(const std::string& key, Count& value, std::int64_t lowest, std::int64_t highest) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto seen = node->value_exact<std::int64_t>();
    if (!seen || *seen < lowest || *seen > highest) {
      return refuse(
          key, *node,
          "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
    }
    value = static_cast<Count>(*seen);
  }

  /// unit: of the number in the file.
  void time(const std::string& key, Duration& value, Duration unit) {
    const auto per_unit = static_cast<double>(unit.count());
    double seen = static_cast<double>(value.count()) / per_unit;
    number(key, seen, 0, 86'400'000);  // a day of milliseconds
    if (table_.contains(key)) value = Duration(static_cast<Duration::rep>(seen * per_unit));
  }

  void seconds(const std::string& key, Instant& value) {
    time(key, value.since_start, std::chrono::seconds(1));
  }

  void flag(const std::string& key, bool& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (const auto value = node->value_exact<bool>()) {
      out = *value;
    } else {
      refuse(key, *node, "true or false");
    }
  }

  void refuse(const std::string& key, const toml::node& seen, const std::string& allowed) {
    std::ostringstream value;
    seen.visit([&value](const auto& typed) { value << typed; });
    fail(key + " = " + value.str() + "; allowed: " + allowed);
  }

  void fail(const std::string& message) {
    if (error_.empty()) error_ = name_ + ": " + message;
  }

  [[nodiscard]] Result<void> finish() {
    for (const auto& [key, node] : table_) {
      if (known_.contains(std::string(key.str()))) continue;
      std::string message = "unknown key '" + std::string(key.str()) + "'; allowed:";
      for (const std::string& known : known_) message += " " + known;
      fail(message);
    }
    if (!error_.empty()) return invalid_input(error_);
    return {};
  }

 private:
  static std::string text(double value) {
    std::ostringstream out;
    out << value;
    return out.str();
  }

  const toml::table& table_;
  std::string name_;
  std::set<std::string> known_;
  std::string error_;
};

constexpr Duration second = std::chrono::seconds(1);
constexpr Duration millisecond = std::chrono::milliseconds(1);
constexpr std::int64_t nodes_max = 10'000;  // PRODUCT.md: the largest flock a researcher asks for

void read_recipe(TableReader& reader, std::string_view origin, optim::Recipe& recipe) {
  const toml::node* node = reader.take("recipe");
  Result<optim::Recipe> read = optim::builtin_recipe("gossip");
  if (node != nullptr && node->is_table()) {
    std::ostringstream text;
    text << *node->as_table();
    read = optim::parse_recipe(text.str(), std::string(origin) + " [recipe]");
  } else if (node != nullptr) {
    read = optim::builtin_recipe(node->value_or(std::string()));
  }
  if (!read) return reader.fail(read.error().message);
  recipe = std::move(*read);
}

void read_choices(TableReader& reader, Scenario& scenario) {
  if (const toml::node* node = reader.take("task")) scenario.task = node->value_or(std::string());
  if (const toml::node* node = reader.take("topology")) {
    const auto topology = parse_topology(node->value_or(std::string()));
    if (!topology) return reader.refuse("topology", *node, "overlay ring grid exponential full");
    scenario.topology = *topology;
  }
  if (const toml::node* node = reader.take("catch_up")) {
    const auto mode = node::parse_catch_up_mode(node->value_or(std::string()));
    if (!mode) return reader.fail("catch_up: " + mode.error().message);
    scenario.catch_up = *mode;
  }
  if (const toml::node* node = reader.take("skew")) {
    const auto rule = model::parse_shard_rule(node->value_or(std::string()));
    if (!rule) return reader.fail("skew: " + rule.error().message);
    scenario.skew = *rule;
  }
}

Result<void> read_link(const toml::node* node, std::string_view origin, LinkRule& link) {
  if (node == nullptr) return {};
  if (!node->is_table()) return invalid_input(std::string(origin) + ": link must be a table");
  TableReader reader(*node->as_table(), std::string(origin) + " [link]");
  reader.time("latency_ms", link.latency, millisecond);
  reader.time("jitter_ms", link.jitter, millisecond);
  reader.number("uplink_mbit_s", link.uplink_mbit_s, 1e-3, 1e6);
  return reader.finish();
}

Result<void> read_random(const toml::node* node, std::string_view origin, RandomFaults& rule) {
  if (node == nullptr) return {};
  if (!node->is_table()) {
    return invalid_input(std::string(origin) + ": random_faults must be a table");
  }
  TableReader reader(*node->as_table(), std::string(origin) + " [random_faults]");
  reader.seconds("from_s", rule.from);
  reader.seconds("until_s", rule.until);
  reader.number("crashes_per_s", rule.crashes_per_s, 0, 1000);
  reader.time("down_s", rule.down, second);
  reader.number("pauses_per_s", rule.pauses_per_s, 0, 1000);
  reader.time("pause_s", rule.pause, second);
  reader.number("cuts_per_s", rule.cuts_per_s, 0, 1000);
  return reader.finish();
}

/// The numbers of an array of nodes; nothing if it is anything else.
std::optional<std::vector<std::uint32_t>> node_list(const toml::node& node, std::uint32_t nodes) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::uint32_t> list;
  for (const toml::node& item : *array) {
    const auto number = item.value_exact<std::int64_t>();
    if (!number || *number < 0 || *number >= nodes) return std::nullopt;
    list.push_back(static_cast<std::uint32_t>(*number));
  }
  return list;
}

void read_cut(TableReader& reader, const toml::node& node, std::uint32_t nodes, Fault& fault) {
  const auto ends = node_list(node, nodes);
  if (!ends || ends->size() != 2 || (*ends)[0] == (*ends)[1]) {
    return reader.refuse("cut", node, "two different nodes below nodes");
  }
  fault.what = Cut{(*ends)[0], (*ends)[1]};
}

void read_partition(TableReader& reader, const toml::node& node, std::uint32_t nodes,
                    Fault& fault) {
  Partition partition;
  reader.time("for_s", partition.length, second);
  reader.flag("silent", partition.is_silent);
  const toml::array* groups = node.as_array();
  for (std::size_t i = 0; groups != nullptr && i < groups->size(); ++i) {
    auto group = node_list(*groups->get(i), nodes);
    if (!group) return reader.refuse("partition", node, "lists of nodes below nodes");
    partition.groups.push_back(std::move(*group));
  }
  if (partition.groups.empty()) {
    return reader.refuse("partition", node, "a list of lists of nodes");
  }
  fault.what = std::move(partition);
}

Result<Fault> read_fault(const toml::table& table, const std::string& name, std::uint32_t nodes) {
  TableReader reader(table, name);
  Fault fault;
  std::uint32_t node = 0;
  const auto names = [&](const std::string& kind) {
    reader.count(kind, node, 0, nodes - 1);
    return table.contains(kind);
  };
  reader.seconds("at_s", fault.at);
  Duration length{0};
  reader.time("for_s", length, second);
  const bool has_length = table.contains("for_s");
  bool is_silent = false;
  reader.flag("silent", is_silent);
  int kinds = 0;
  if (names("crash")) {
    kinds += 1;
    fault.what = Crash{node, has_length ? length : Duration::max(), is_silent};
  }
  if (names("pause")) {
    kinds += 1;
    fault.what = Pause{node, length};
  }
  if (names("join")) {
    kinds += 1;
    fault.what = LateJoin{node};
  }
  if (names("flip")) {
    kinds += 1;
    fault.what = Flip{node};
  }
  if (names("copy")) {
    kinds += 1;
    fault.what = Copy{node};
  }
  if (names("equivocate")) {
    kinds += 1;
    fault.what = Equivocate{node};
  }
  if (const toml::node* cut = reader.take("cut")) {
    kinds += 1;
    read_cut(reader, *cut, nodes, fault);
  }
  if (const toml::node* partition = reader.take("partition")) {
    kinds += 1;
    read_partition(reader, *partition, nodes, fault);
  }
  if (kinds != 1) {
    reader.fail(
        std::to_string(kinds) +
        " kinds of fault in one entry; allowed: one of crash pause join copy flip equivocate "
        "cut partition");
  }
  if (auto read = reader.finish(); !read) return std::unexpected(read.error());
  return fault;
}

Result<void> read_faults(const toml::node* node, std::string_view origin, Scenario& scenario) {
  if (node == nullptr) return {};
  const toml::array* entries = node->as_array();
  for (std::size_t i = 0; entries != nullptr && i < entries->size(); ++i) {
    const toml::table* table = entries->get(i)->as_table();
    if (table == nullptr) break;
    const std::string name = std::string(origin) + " [[fault]] number " + std::to_string(i + 1);
    auto fault = read_fault(*table, name, scenario.nodes);
    if (!fault) return std::unexpected(fault.error());
    scenario.faults.push_back(std::move(*fault));
  }
  if (entries == nullptr || scenario.faults.size() != entries->size()) {
    return invalid_input(std::string(origin) + ": fault must be written as [[fault]] tables");
  }
  return {};
}

Result<void> read_barriers(const toml::node* routers, const toml::node* walls,
                           std::string_view origin, Scenario& scenario) {
  const std::string name(origin);
  const toml::array* tables = routers == nullptr ? nullptr : routers->as_array();
  if (routers != nullptr && tables == nullptr) {
    return invalid_input(name + ": router must be written as [[router]] tables");
  }
  for (std::size_t i = 0; tables != nullptr && i < tables->size(); ++i) {
    const toml::table* table = tables->get(i)->as_table();
    if (table == nullptr) {
      return invalid_input(name + ": router must be written as [[router]] tables");
    }
    TableReader reader(*table, name + " [[router]] number " + std::to_string(i + 1));
    Router router;
    reader.flag("symmetric", router.is_symmetric);
    const toml::node* nodes = reader.take("nodes");
    auto list = nodes == nullptr ? std::nullopt : node_list(*nodes, scenario.nodes);
    if (!list || list->empty()) reader.fail("nodes: expected a list of nodes below nodes");
    if (auto read = reader.finish(); !read) return std::unexpected(read.error());
    router.nodes = std::move(*list);
    scenario.barriers.routers.push_back(std::move(router));
  }
  const toml::array* pairs = walls == nullptr ? nullptr : walls->as_array();
  if (walls != nullptr && pairs == nullptr) {
    return invalid_input(name + ": walls must be a list of pairs of nodes");
  }
  for (std::size_t i = 0; pairs != nullptr && i < pairs->size(); ++i) {
    const auto pair = node_list(*pairs->get(i), scenario.nodes);
    if (!pair || pair->size() != 2 || (*pair)[0] == (*pair)[1]) {
      return invalid_input(name + ": walls must be a list of pairs of nodes below nodes");
    }
    scenario.barriers.walls.emplace_back((*pair)[0], (*pair)[1]);
  }
  return {};
}

Result<Scenario> read_scenario(const toml::table& root, std::string_view origin,
                               std::uint32_t nodes) {
  Scenario scenario;
  TableReader reader(root, std::string(origin));
  reader.count("nodes", scenario.nodes, 2, nodes_max);
  if (nodes == 1 || nodes > nodes_max) {
    reader.fail("--nodes " + std::to_string(nodes) + "; allowed: 2 to " +
                std::to_string(nodes_max));
  }
  if (nodes > 0) scenario.nodes = nodes;
  reader.count("steps", scenario.steps, 1, 1'000'000'000);
  reader.time("step_ms", scenario.step_time, millisecond);
  reader.number("step_spread", scenario.step_time_spread, 0, 0.9);
  reader.number("interval_scale", scenario.interval_scale, 1e-3, 100);
  reader.count("checkpoint_every", scenario.checkpoint_every, 0, 1'000'000'000);
  reader.time("curve_every_s", scenario.curve_every, second);
  reader.count("vote_store_kib", scenario.vote_store_kib, 1, 1U << 20U);
  reader.number("accuracy_min", scenario.accuracy_min, 0, 1);
  reader.time("stall_max_s", scenario.stall_max, second);
  reader.time("duration_max_s", scenario.duration_max, second);
  read_choices(reader, scenario);
  read_recipe(reader, origin, scenario.recipe);
  const toml::node* link = reader.take("link");
  const toml::node* random = reader.take("random_faults");
  const toml::node* faults = reader.take("fault");
  const toml::node* routers = reader.take("router");
  const toml::node* walls = reader.take("walls");
  if (auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (auto read = read_link(link, origin, scenario.link); !read) {
    return std::unexpected(read.error());
  }
  if (auto read = read_random(random, origin, scenario.random_faults); !read) {
    return std::unexpected(read.error());
  }
  if (auto read = read_faults(faults, origin, scenario); !read) {
    return std::unexpected(read.error());
  }
  if (auto read = read_barriers(routers, walls, origin, scenario); !read) {
    return std::unexpected(read.error());
  }
  const bool has_fault_of_votes = std::ranges::any_of(scenario.faults, [](const Fault& fault) {
    return std::holds_alternative<Flip>(fault.what) ||
           std::holds_alternative<Equivocate>(fault.what);
  });
  if (has_fault_of_votes && scenario.recipe.as_ledger() == nullptr) {
    return invalid_input(std::string(origin) +
                         ": faults 'flip' and 'equivocate' need a recipe with oracle 'votes'");
  }
  return scenario;
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view toml_text, std::string_view origin,
                                std::uint32_t nodes) {
  // toml++ 3.3 runs into undefined behaviour on letters outside ASCII (tests/fuzz/recipe.cpp).
  if (std::ranges::any_of(toml_text, [](char c) { return (c & 0x80) != 0; })) {
    return invalid_input(std::string(origin) +
                         ": a character outside ASCII; allowed: plain ASCII text");
  }
  const toml::parse_result parsed = toml::parse(toml_text);
  if (!parsed) {
    return invalid_input(std::string(origin) + ":" +
                         std::to_string(parsed.error().source().begin.line) + ": " +
                         std::string(parsed.error().description()));
  }
  return read_scenario(parsed.table(), origin, nodes);
}

}  // namespace starling::sim

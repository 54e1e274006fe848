#include "node/cli/shard_map.h"

#include <nlohmann/json.hpp>

#include "node/runtime/file.h"

namespace starling::cli {

using Json = nlohmann::ordered_json;

Result<void> write_shard_map(const std::filesystem::path& path, const ShardMap& map) {
  Json authors = Json::object();
  for (const auto& [author, shard] : map.shard_of) authors[author.hex()] = shard;
  const Json json = {
      {"data", map.data}, {"skew", map.skew}, {"shards", map.shards}, {"authors", authors}};
  const std::string text = json.dump(2) + "\n";
  return runtime::write_atomically(
      path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
      {.survives_power_cut = false});
}

Result<ShardMap> read_shard_map(const std::filesystem::path& path) try {
  const Result<Bytes> bytes = runtime::read_file(path);
  if (!bytes) return invalid_input(bytes.error().message);
  const Json json = Json::parse(*bytes);
  ShardMap map{.data = json.at("data").get<std::string>(),
               .skew = json.at("skew").get<std::string>(),
               .shards = json.at("shards").get<std::uint32_t>(),
               .shard_of = {}};
  for (const auto& [hex, shard] : json.at("authors").items()) {
    const auto id_bytes = from_hex(hex);
    const auto author = id_bytes ? NodeId::from_bytes(*id_bytes) : std::nullopt;
    if (!author) return invalid_input(path.native() + ": '" + hex + "' is no node id");
    map.shard_of.emplace(*author, shard.get<std::uint32_t>());
  }
  return map;
} catch (const Json::exception&) {
  return invalid_input(path.native() +
                       " is no map of shards; expected the shards.json of a testnet's run folder");
}

}  // namespace starling::cli

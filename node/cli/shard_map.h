#pragma once
// Which public data each author of a voting run held: what an audit needs to recompute votes. A
// testnet writes it into its run folder; for data of the users' own there is none.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "starling/ids.h"
#include "starling/result.h"

namespace starling::cli {

inline constexpr const char* shard_map_name = "shards.json";

struct ShardMap {
  std::string data;  ///< As of --data; empty: the task's usual place.
  std::string skew;  ///< As of --skew.
  std::uint32_t shards = 1;
  std::map<NodeId, std::uint32_t> shard_of;
};

[[nodiscard]] Result<void> write_shard_map(const std::filesystem::path& path, const ShardMap& map);

/// Error: invalid_input, the file is not there or not such a map.
[[nodiscard]] Result<ShardMap> read_shard_map(const std::filesystem::path& path);

}  // namespace starling::cli

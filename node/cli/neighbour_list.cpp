#include "node/cli/neighbour_list.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <utility>

#include "node/runtime/file.h"
#include "node/runtime/listener.h"

namespace starling::cli {
namespace {

Result<protocol::PeerRecord> parse_neighbour(const std::string& entry) {
  const std::size_t at = entry.find('@');
  const auto bytes = from_hex(entry.substr(0, at));
  const auto id = bytes ? NodeId::from_bytes(*bytes) : std::nullopt;
  if (at == std::string::npos || !id) {
    return invalid_input("neighbour is '" + entry +
                         "', expected ID@HOST:PORT with an ID of 64 hexadecimal digits");
  }
  std::string address = entry.substr(at + 1);
  if (auto parsed = runtime::parse_host_port(address); !parsed) {
    return std::unexpected(parsed.error());
  }
  return protocol::PeerRecord{*id, std::move(address)};
}

}  // namespace

Result<std::vector<protocol::PeerRecord>> parse_neighbours(const std::string& text) {
  std::string entries = text;
  std::error_code no_file;  // a long list is no file name: is_regular_file would throw
  if (std::filesystem::is_regular_file(text, no_file)) {
    const Result<Bytes> file = runtime::read_file(text);
    if (!file) return std::unexpected(file.error());
    entries.assign(file->begin(), file->end());
  }
  std::ranges::replace(entries, ',', '\n');
  std::vector<protocol::PeerRecord> neighbours;
  std::istringstream lines(entries);
  for (std::string entry; std::getline(lines, entry);) {
    if (entry.empty()) continue;
    auto neighbour = parse_neighbour(entry);
    if (!neighbour) return std::unexpected(neighbour.error());
    neighbours.push_back(std::move(*neighbour));
  }
  return neighbours;
}

}  // namespace starling::cli

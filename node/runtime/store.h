#pragma once
// The node directory: everything of a node that outlives its process. One process at a time.
//
//   identity            the node's key, readable by its owner alone
//   ticket              the ticket it joined with, readable by its owner alone
//   port                the one it listens on, to be taken again at the next start
//   description         what the run is (node/run_description.h), as all its members have it
//   peers               other nodes: where to dial them, and who ever took part (peer_file.h)
//   checkpoint          the newest state; checkpoint.previous: the one before
//   start               under votes: the starting point, a state of step 0 (saved_state.h)
//   votes.log           signed vote packets in order of arrival
//   metrics.jsonl       one JSON object per event; of a long run the first and the newest ones
//   status.json         rewritten about once a second
//   evaluated           of experiments: the parameters at evaluations (evaluated_models.h)
//   model.safetensors   the merged model; manifest.json: who contributed what
//   control.sock        answers `starling status`, `merge`, `leave` while the node runs
//   lock                held by the running process

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/signature.h"
#include "node/core/peer_memory.h"
#include "node/runtime/bounded_log.h"
#include "node/runtime/file.h"
#include "node/runtime/record_log.h"
#include "protocol/shared_bytes.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::runtime {

/// state: empty if the node never saved one. warning: set if the newest was damaged and the one
/// before it was taken.
struct LoadedCheckpoint {
  protocol::SharedBytes state;
  std::string warning;
};

/// warning: set if the file was damaged; what could be read was taken.
struct LoadedPeers {
  node::RememberedPeers peers;
  std::string warning;
};

/// The state in a checkpoint file of a node directory. Error: not readable, cut or damaged.
[[nodiscard]] Result<protocol::SharedBytes> read_checkpoint(const std::filesystem::path& path);

/// True if a process holds the node directory. Takes nothing and changes nothing.
[[nodiscard]] bool is_in_use(const std::filesystem::path& directory);

// What a command may read of a directory whose node runs, and so holds the lock.

/// Nothing if no node of a run was made there. Error: not readable.
[[nodiscard]] Result<std::optional<std::string>> read_ticket(
    const std::filesystem::path& directory);
[[nodiscard]] Result<std::optional<std::string>> read_description(
    const std::filesystem::path& directory);
/// Error: there is none, or it is damaged.
[[nodiscard]] Result<crypto::SigningKey> read_identity(const std::filesystem::path& directory);
/// A running node does not read its ticket again.
[[nodiscard]] Result<void> write_ticket(const std::filesystem::path& directory,
                                        std::string_view ticket);

class Store {
 public:
  /// Creates the directory if it is missing, and locks it.
  /// Error: not writable, or another process holds it.
  [[nodiscard]] static Result<Store> open(std::filesystem::path directory);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  /// The node's key; made from fresh entropy in a new directory. Error: damaged or unreadable.
  [[nodiscard]] Result<crypto::SigningKey> load_or_create_identity();

  /// Nothing if the node has not joined a run yet.
  [[nodiscard]] Result<std::optional<std::string>> load_ticket() const;
  [[nodiscard]] Result<void> save_ticket(std::string_view ticket);
  [[nodiscard]] Result<std::optional<std::string>> load_description() const;
  [[nodiscard]] Result<void> save_description(std::string_view description);

  /// Nothing if the node has not listened yet, or the file is damaged: then any port will do.
  [[nodiscard]] std::optional<std::uint16_t> load_port() const;
  [[nodiscard]] Result<void> save_port(std::uint16_t port);

  /// Empty if the node never met anybody. Lines that are damaged are left out and counted in the
  /// warning.
  [[nodiscard]] Result<LoadedPeers> load_peers() const;
  [[nodiscard]] Result<void> save_peers(const node::RememberedPeers& peers);

  /// Error: both checkpoints are damaged.
  [[nodiscard]] Result<LoadedCheckpoint> load_checkpoint();
  [[nodiscard]] Result<void> save_checkpoint(ByteSpan state);
  /// The same of a state that `write_state` gives piece by piece to the function it is called with.
  using Pieces = std::function<void(const std::function<void(ByteSpan)>& write)>;
  [[nodiscard]] Result<void> save_checkpoint(const Pieces& write_state);

  /// Keeps the starting point, once: from it and the vote log any model of the run can be rebuilt.
  [[nodiscard]] bool has_start() const;
  [[nodiscard]] Result<void> save_start(ByteSpan state);

  /// Every whole packet of the vote log, oldest first. Call once, before append_votes().
  [[nodiscard]] Result<std::vector<Bytes>> load_votes();
  [[nodiscard]] Result<void> append_votes(ByteSpan packet);

  /// Adds one line; `line` has no line break.
  [[nodiscard]] Result<void> append_metric(std::string_view line);
  [[nodiscard]] Result<void> save_status(std::string_view json);

  /// Both or, on an error, the manifest not: a manifest in the directory means a whole model.
  [[nodiscard]] Result<void> save_model(ByteSpan safetensors, std::string_view manifest_json);

 private:
  Store(std::filesystem::path directory, FileDescriptor lock);
  [[nodiscard]] std::filesystem::path path_of(std::string_view name) const;

  std::filesystem::path directory_;
  FileDescriptor lock_;
  BoundedLog metrics_;
  std::optional<RecordLog> votes_;
};

}  // namespace starling::runtime

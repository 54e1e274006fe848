#pragma once
// An append-only file of checksummed records. A process that dies in the middle of an append leaves
// a torn tail, which the next open cuts off; every record before it is whole.
//
//   file   = magic, record*        magic: the 8 bytes "STARLOG1"
//   record = length (u32, little endian), first 8 bytes of BLAKE2b-256(data), data

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "node/runtime/file.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::runtime {

/// How the bytes of a log file end.
enum class LogEnd : std::uint8_t {
  whole,    ///< With a record's last byte.
  cut,      ///< In the middle of a record: the process died while it wrote, or still writes.
  damaged,  ///< A record's bytes are not those that were written.
};

/// What is in a log file. Nothing behind the first damaged byte can be told from garbage.
struct RecordLogContent {
  std::vector<Bytes> records;
  std::uint64_t good_bytes = 0;  ///< Length of the magic and the whole records.
  LogEnd end = LogEnd::whole;
};

/// Reads without repairing: for tools, also while a node appends.
/// Error: not readable, or not a record log.
[[nodiscard]] Result<RecordLogContent> read_record_log(const std::filesystem::path& path);

class RecordLog {
 public:
  /// A vote packet is at most a gossip message of 4 KiB; this leaves room without trusting a
  /// length.
  static constexpr std::size_t record_bytes_max = 64U << 10U;

  /// Creates the file or opens it, cutting a torn tail. Error: not writable, or not a record log.
  [[nodiscard]] static Result<RecordLog> open(std::filesystem::path path);

  /// The records that were in the file when it was opened; call once.
  [[nodiscard]] std::vector<Bytes> take_records() { return std::move(records_); }

  /// Survives the end of the process at once, and a power cut as soon as the system has written
  /// its page cache: the rest of the swarm holds the votes too. Error: nothing was appended.
  [[nodiscard]] Result<void> append(ByteSpan record);

 private:
  RecordLog(std::filesystem::path path, FileDescriptor file);
  [[nodiscard]] Result<void> recover();

  std::filesystem::path path_;
  FileDescriptor file_;
  off_t end_ = 0;
  std::vector<Bytes> records_;
};

}  // namespace starling::runtime

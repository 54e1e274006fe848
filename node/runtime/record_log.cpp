#include "node/runtime/record_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string_view>

#include "crypto/digest.h"
#include "starling/check.h"

namespace starling::runtime {

namespace {

constexpr std::array<std::uint8_t, 8> magic = {'S', 'T', 'A', 'R', 'L', 'O', 'G', '1'};
constexpr std::size_t length_bytes = 4;
constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t header_bytes = length_bytes + checksum_bytes;

using Checksum = std::array<std::uint8_t, checksum_bytes>;

Checksum checksum_of(ByteSpan data) {
  Checksum checksum;
  std::ranges::copy_n(crypto::digest_of(data).bytes.begin(), checksum_bytes, checksum.begin());
  return checksum;
}

/// The record at the front of `rest`; nothing if it is cut short or damaged.
std::optional<ByteSpan> first_record(ByteSpan rest) {
  if (rest.size() < header_bytes) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length |= std::size_t{rest[i]} << (8 * i);
  const ByteSpan stored = rest.subspan(length_bytes, checksum_bytes);
  const ByteSpan data = rest.subspan(header_bytes);
  if (length > RecordLog::record_bytes_max || length > data.size()) return std::nullopt;
  if (!std::ranges::equal(checksum_of(data.first(length)), stored)) return std::nullopt;
  return data.first(length);
}

Bytes framed(ByteSpan data) {
  Bytes frame;
  frame.reserve(header_bytes + data.size());
  for (std::size_t i = 0; i < length_bytes; ++i) {
    frame.push_back(static_cast<std::uint8_t>(data.size() >> (8 * i)));
  }
  std::ranges::copy(checksum_of(data), std::back_inserter(frame));
  std::ranges::copy(data, std::back_inserter(frame));
  return frame;
}

}  // namespace

RecordLog::RecordLog(std::filesystem::path path, FileDescriptor file)
    : path_(std::move(path)), file_(std::move(file)) {}

Result<RecordLog> RecordLog::open(std::filesystem::path path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, public_file));
  if (!file.is_open()) return system_error("open", path.native(), errno);
  RecordLog log(std::move(path), std::move(file));
  if (auto recovered = log.recover(); !recovered) return std::unexpected(recovered.error());
  return log;
}

Result<void> RecordLog::recover() {
  const Result<Bytes> content = read_file(path_);
  if (!content) return std::unexpected(content.error());
  const ByteSpan present = ByteSpan(*content).first(std::min(content->size(), magic.size()));
  if (!std::equal(present.begin(), present.end(), magic.begin())) {
    return invalid_input(path_.native() + " is not a Starling record log; move it away");
  }
  ByteSpan rest = ByteSpan(*content).subspan(present.size());
  while (const auto record = first_record(rest)) {
    records_.emplace_back(record->begin(), record->end());
    rest = rest.subspan(header_bytes + record->size());
  }
  end_ = static_cast<off_t>(content->size() - rest.size());
  if (::ftruncate(file_.get(), end_) != 0) return system_error("repair", path_.native(), errno);
  const ByteSpan missing_magic = ByteSpan(magic).subspan(present.size());
  if (const int problem = write_all(file_.get(), missing_magic); problem != 0) {
    return system_error("write", path_.native(), problem);
  }
  end_ += static_cast<off_t>(missing_magic.size());
  return {};
}

Result<void> RecordLog::append(ByteSpan record) {
  STARLING_CHECK(record.size() <= record_bytes_max);
  const Bytes frame = framed(record);
  if (const int problem = write_all(file_.get(), frame); problem != 0) {
    // Half a record may be there (disk full); if even the cut fails, the next open repairs it.
    static_cast<void>(::ftruncate(file_.get(), end_));
    return system_error("append to", path_.native(), problem);
  }
  end_ += static_cast<off_t>(frame.size());
  return {};
}

}  // namespace starling::runtime

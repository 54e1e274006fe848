#include "node/runtime/record_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <expected>
#include <span>
#include <utility>

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

/// The record at the front of `rest`. Error: why there is none.
std::expected<ByteSpan, LogEnd> first_record(ByteSpan rest) {
  if (rest.empty()) return std::unexpected(LogEnd::whole);
  if (rest.size() < header_bytes) return std::unexpected(LogEnd::cut);
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length |= std::size_t{rest[i]} << (8 * i);
  if (length > RecordLog::record_bytes_max) return std::unexpected(LogEnd::damaged);
  const ByteSpan stored = rest.subspan(length_bytes, checksum_bytes);
  const ByteSpan data = rest.subspan(header_bytes);
  if (length > data.size()) return std::unexpected(LogEnd::cut);
  if (!std::ranges::equal(checksum_of(data.first(length)), stored)) {
    return std::unexpected(LogEnd::damaged);
  }
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

Result<RecordLogContent> read_record_log(const std::filesystem::path& path) {
  const Result<Bytes> file = read_file(path);
  if (!file) return std::unexpected(file.error());
  const ByteSpan present = ByteSpan(*file).first(std::min(file->size(), magic.size()));
  if (!std::equal(present.begin(), present.end(), magic.begin())) {
    return invalid_input(path.native() + " is not a Starling record log; move it away");
  }
  RecordLogContent content{.records = {}, .good_bytes = present.size()};
  auto record = first_record(ByteSpan(*file).subspan(content.good_bytes));
  for (; record; record = first_record(ByteSpan(*file).subspan(content.good_bytes))) {
    content.records.emplace_back(record->begin(), record->end());
    content.good_bytes += header_bytes + record->size();
  }
  content.end = present.size() < magic.size() ? LogEnd::cut : record.error();
  return content;
}

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
  Result<RecordLogContent> content = read_record_log(path_);
  if (!content) return std::unexpected(content.error());
  records_ = std::move(content->records);
  end_ = static_cast<off_t>(content->good_bytes);
  if (::ftruncate(file_.get(), end_) != 0) return system_error("repair", path_.native(), errno);
  if (content->good_bytes >= magic.size()) return {};
  const ByteSpan missing_magic = ByteSpan(magic).subspan(content->good_bytes);
  if (const int problem = write_all(file_.get(), missing_magic); problem != 0) {
    return system_error("write", path_.native(), problem);
  }
  end_ = magic.size();
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

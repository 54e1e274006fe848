#include "node/runtime/record_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "temporary_directory.h"

namespace starling::runtime {
namespace {

using testing::TemporaryDirectory;

const std::vector<Bytes> records = {{1, 2, 3}, {}, Bytes(300, 9), {4}};

/// Bytes before each record's end, in the file that holds all of them.
std::vector<std::size_t> ends_of_records() {
  std::vector<std::size_t> ends;
  std::size_t position = 8;
  for (const Bytes& record : records) ends.push_back(position += 4 + 8 + record.size());
  return ends;
}

std::filesystem::path write_log(const TemporaryDirectory& directory) {
  const auto path = directory.path() / "log";
  Result<RecordLog> log = RecordLog::open(path);
  for (const Bytes& record : records) EXPECT_TRUE(log->append(record).has_value());
  return path;
}

TEST(RecordLog, ReturnsRecordsInOrderAfterReopening) {
  const TemporaryDirectory directory;
  const auto path = write_log(directory);
  EXPECT_EQ(std::filesystem::file_size(path), ends_of_records().back());
  EXPECT_EQ(RecordLog::open(path)->take_records(), records);
}

TEST(RecordLog, KeepsEveryWholeRecordWhereverTheFileIsCut) {
  const TemporaryDirectory directory;
  const auto path = write_log(directory);
  const auto ends = ends_of_records();
  for (std::size_t length = ends.back() + 1; length-- > 0;) {
    std::filesystem::resize_file(path, length);
    Result<RecordLog> log = RecordLog::open(path);
    ASSERT_TRUE(log.has_value()) << log.error().message;
    const auto whole = static_cast<std::size_t>(
        std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= length; }));
    EXPECT_EQ(log->take_records().size(), whole) << "cut at " << length;
    // What is appended after the repair is found again.
    ASSERT_TRUE(log->append(Bytes{7, 7}).has_value());
    EXPECT_EQ(RecordLog::open(path)->take_records().back(), (Bytes{7, 7})) << "cut at " << length;
    std::filesystem::remove(path);
    write_log(directory);
  }
}

TEST(RecordLog, DropsEverythingFromAChangedByteOn) {
  const TemporaryDirectory directory;
  const auto path = write_log(directory);
  const auto ends = ends_of_records();
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(ends[1] + 4 + 8 + 100));  // inside the third record
  file.put(8);
  file.close();
  const auto found = RecordLog::open(path)->take_records();
  EXPECT_EQ(found, (std::vector<Bytes>{records[0], records[1]}));
}

TEST(RecordLog, RefusesAFileOfAnotherKindAndLeavesIt) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  std::ofstream(path) << "something else entirely";
  const Result<RecordLog> log = RecordLog::open(path);
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(std::filesystem::file_size(path), 23U);
}

/// Files of this process cannot grow beyond `bytes` while it lives: a write stops half-way.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{bytes, old_limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    ::signal(SIGXFSZ, old_handler_);
  }

 private:
  sighandler_t old_handler_;
  rlimit old_limit_{};
};

TEST(RecordLog, LeavesNothingHalfWrittenWhenTheDiskIsFull) {
  const TemporaryDirectory directory;
  const auto path = write_log(directory);
  const std::size_t size = ends_of_records().back();
  Result<RecordLog> log = RecordLog::open(path);
  {
    const FileSizeLimit limit(size + 20);
    const auto appended = log->append(Bytes(100, 5));
    ASSERT_FALSE(appended.has_value());
    EXPECT_NE(appended.error().message.find(path.string()), std::string::npos);
  }
  EXPECT_EQ(std::filesystem::file_size(path), size);
  EXPECT_TRUE(log->append(Bytes{7}).has_value());
  EXPECT_EQ(RecordLog::open(path)->take_records().size(), records.size() + 1);
}

}  // namespace
}  // namespace starling::runtime

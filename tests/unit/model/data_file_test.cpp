#include "model/data_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <fstream>
#include <string>

namespace starling::model {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A fresh folder for each test, removed after it.
class DataFile : public testing::Test {
 protected:
  DataFile() {
    std::string name = (fs::temp_directory_path() / "starling-data-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~DataFile() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }
  fs::path write_gzip(const std::string& name, const std::string& content) const {
    const fs::path path = folder_ / name;
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path;
  }
  [[nodiscard]] static std::string error(const DataSource& source) {
    const auto data = load_dataset(source);
    return data ? "loaded" : data.error().message;
  }
  /// `count` images of 1 x 1 pixel with labels 0, 1, ...
  void write_idx(const std::string& part, char count, bool gzip) const {
    std::string images{0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 1};
    std::string labels{0, 0, 8, 1, 0, 0, 0, count};
    for (char i = 0; i < count; ++i) {
      images += i;
      labels += i;
    }
    const auto put = gzip ? &DataFile::write_gzip : &DataFile::write;
    const std::string suffix = gzip ? ".gz" : "";
    (this->*put)(part + "-images-idx3-ubyte" + suffix, images);
    (this->*put)(part + "-labels-idx1-ubyte" + suffix, labels);
  }

  fs::path folder_;
};

TEST_F(DataFile, LoadsAFolderOfIdxFilesZippedOrNot) {
  write_idx("train", 5, true);
  write_idx("t10k", 3, false);
  const auto data = load_dataset({folder_});
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_THAT(data->train.labels, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(data->test.labels, ElementsAre(0, 1, 2));
  EXPECT_EQ(data->test.class_count, 5U);
}

TEST_F(DataFile, SelectsTrainingRowsOnly) {
  write_idx("train", 5, false);
  write_idx("t10k", 3, false);
  const auto data = load_dataset({folder_}, [](auto) { return std::vector<std::uint32_t>{1, 3}; });
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_THAT(data->train.labels, ElementsAre(1, 3));
  EXPECT_EQ(data->test.size(), 3U);
}

TEST_F(DataFile, NamesTheMissingPartOfAFolder) {
  write_idx("train", 5, false);
  EXPECT_EQ(error({folder_}), folder_.string() + ": no t10k-images-idx3-ubyte or -ubyte.gz");
}

TEST_F(DataFile, LoadsAFolderOfTextFiles) {
  write("train.csv", "0,1\n2,5\n");
  write_gzip("test.csv.gz", "1,3\n");
  const auto data = load_dataset({folder_});
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_THAT(data->train.labels, ElementsAre(0, 2));
  EXPECT_THAT(data->test.features, ElementsAre(3.0F));
  EXPECT_EQ(data->test.class_count, 3U);
}

TEST_F(DataFile, WidensSparseFilesToTheLargerFeatureCount) {
  write("train.libsvm", "0 1:1\n1 3:1\n");
  write("test.libsvm", "1 2:4\n");
  const auto data = load_dataset({folder_});
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_THAT(data->test.features, ElementsAre(0.0F, 4.0F, 0.0F));
}

TEST_F(DataFile, HoldsOutATenthOfASingleFile) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += std::to_string(i) + ",0\n";
  const auto data = load_dataset({write("data.csv", text)});
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_THAT(data->test.labels, ElementsAre(1, 11));
  EXPECT_EQ(data->train.size(), 18U);
}

TEST_F(DataFile, MakesTheShapeThatTheRunFixes) {
  const auto path = write("data.libsvm", "0 1:1\n1 2:1\n");
  const auto data = load_dataset({.path = path, .feature_count = 4, .class_count = 10});
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->train.feature_count, 4U);
  EXPECT_EQ(data->test.class_count, 10U);
}

TEST_F(DataFile, RefusesAnotherShapeThanTheRunFixes) {
  const auto path = write("data.csv", "0,1,2\n3,1,2\n");
  EXPECT_EQ(error({.path = path, .class_count = 3}), path.string() + ": 4 classes, expected 3");
  EXPECT_EQ(error({.path = path, .feature_count = 3}), path.string() + ": 2 features, expected 3");
  EXPECT_EQ(error({.path = path, .feature_count = 1}), path.string() + ": 2 features, expected 1");
}

TEST_F(DataFile, RefusesTrainAndTestFilesOfDifferentShape) {
  write("train.csv", "0,1,2\n");
  write("test.csv", "0,1\n");
  EXPECT_EQ(error({folder_}), folder_.string() + ": 1 features, expected 2");
}

TEST_F(DataFile, SaysThatAPathDoesNotExist) {
  EXPECT_EQ(error({folder_ / "none"}),
            (folder_ / "none").string() + ": no such file or directory, expected a data set");
}

TEST_F(DataFile, SaysWhichFormatsItReads) {
  EXPECT_THAT(error({write("data.png", "x")}), HasSubstr("data.png: not a data set, expected a"));
  EXPECT_THAT(error({write("data.idx", "x"), DataFormat::idx}), HasSubstr("not a data set"));
}

TEST_F(DataFile, RefusesASingleSample) {
  EXPECT_THAT(error({write("data.csv", "0,1\n")}), HasSubstr("1 sample, expected at least 2"));
}

TEST_F(DataFile, RefusesATruncatedGzip) {
  const auto path = write_gzip("data.csv.gz", std::string(1000, '1'));
  fs::resize_file(path, fs::file_size(path) - 9);
  EXPECT_THAT(error({path}), HasSubstr("data.csv.gz: broken or truncated gzip"));
}

TEST_F(DataFile, RefusesAGzipThatUnpacksToMoreThanAllowed) {
  const auto path = write_gzip("bomb.gz", std::string(5'000'000, '0'));
  const auto bytes = read_data_file(path, 1'000'000);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().message, path.string() + ": larger than 1000000 bytes, the most allowed");
}

TEST_F(DataFile, UnpacksWhatItPacked) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i);
  const auto bytes = read_data_file(write_gzip("data.gz", text));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(std::string(bytes->begin(), bytes->end()), text);
}

}  // namespace
}  // namespace starling::model

#include "model/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Three images of 1 x 2 pixels, written out by hand from the format's description.
struct IdxFiles {
  Bytes images{0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 51, 102, 153, 204};
  Bytes labels{0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 2};

  [[nodiscard]] Result<Dataset> decode(const RowSelector& select = {},
                                       const DataLimits& limits = {}) const {
    return decode_idx({"images", images}, {"labels", labels}, select, limits);
  }
  [[nodiscard]] std::string error(const DataLimits& limits = {}) const {
    const auto data = decode({}, limits);
    return data ? "decoded" : data.error().message;
  }
};

TEST(Idx, DecodesPixelsAndLabels) {
  const auto data = IdxFiles{}.decode();
  ASSERT_TRUE(data);
  EXPECT_EQ(data->feature_count, 2U);
  EXPECT_EQ(data->class_count, 8U);
  EXPECT_THAT(data->labels, ElementsAre(7, 0, 2));
  EXPECT_THAT(data->features,
              ElementsAre(0.0F, 1.0F, 51 / 255.0F, 102 / 255.0F, 153 / 255.0F, 204 / 255.0F));
}

TEST(Idx, DecodesOnlyTheRowsChosenButCountsAllClasses) {
  const auto data = IdxFiles{}.decode([](auto labels) {
    EXPECT_EQ(labels.size(), 3U);
    return std::vector<std::uint32_t>{2};
  });
  ASSERT_TRUE(data);
  EXPECT_THAT(data->labels, ElementsAre(2));
  EXPECT_THAT(data->features, ElementsAre(153 / 255.0F, 204 / 255.0F));
  EXPECT_EQ(data->class_count, 8U);
}

TEST(Idx, PassesTheSelectorsErrorOn) {
  const auto data = IdxFiles{}.decode([](auto) { return invalid_input("no such share"); });
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().message, "no such share");
}

TEST(Idx, NamesTheMagicSeenAndExpected) {
  IdxFiles files;
  files.images[3] = 1;
  EXPECT_EQ(files.error(), "images: IDX magic is 0x00000801, expected 0x00000803");
}

TEST(Idx, RefusesEveryTruncation) {
  const IdxFiles whole;
  for (std::size_t kept = 0; kept < whole.images.size(); ++kept) {
    IdxFiles files;
    files.images.resize(kept);
    EXPECT_THAT(files.error(), HasSubstr("images: ")) << kept;
  }
  for (std::size_t kept = 0; kept < whole.labels.size(); ++kept) {
    IdxFiles files;
    files.labels.resize(kept);
    EXPECT_THAT(files.error(), HasSubstr("labels: ")) << kept;
  }
}

TEST(Idx, RefusesTrailingBytes) {
  IdxFiles files;
  files.images.push_back(0);
  EXPECT_EQ(files.error(), "images: 7 bytes after the header, expected 6");
}

TEST(Idx, RefusesSizesWhoseProductIsTooLarge) {
  IdxFiles files;
  for (const std::size_t at : {4U, 8U, 12U}) files.images[at] = 255;
  EXPECT_THAT(files.error(), HasSubstr("images: dimension 0 is 4278190083, allowed 1 to"));
  EXPECT_THAT(IdxFiles{}.error({.values_max = 5}), HasSubstr("dimension 2 is 2, allowed 1 to 1"));
}

TEST(Idx, RefusesADataSetWithoutSamples) {
  IdxFiles files;
  files.labels = {0, 0, 8, 1, 0, 0, 0, 0};
  EXPECT_THAT(files.error(), HasSubstr("labels: dimension 0 is 0, allowed 1 to"));
}

TEST(Idx, RefusesDifferentNumbersOfImagesAndLabels) {
  IdxFiles files;
  files.labels = {0, 0, 8, 1, 0, 0, 0, 2, 7, 0};
  EXPECT_EQ(files.error(), "images: 3 images, but labels has 2 labels");
}

}  // namespace
}  // namespace starling::model

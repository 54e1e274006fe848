#include "optim/vectors.h"

#include <gtest/gtest.h>

#include "optim/layout.h"

namespace starling::optim {
namespace {

struct Sample {
  Vectors<float> vectors{3};
  VectorId x = vectors.add("x", {1, 2, 3});
  EdgeVectorsId hats = vectors.add_per_edge("hats");
  NumberId count = vectors.add_number("count", 7);
};

TEST(Vectors, AreSavedAndLoadedWhole) {
  Sample from;
  from.vectors.at(from.hats, NodeId{})[1] = 5.0F;
  ByteWriter out;
  from.vectors.save(out);
  const Bytes bytes = out.take();
  Sample to;
  to.vectors.set_number(to.count, 0);
  ByteReader in(bytes);
  ASSERT_TRUE(to.vectors.load(in));
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(to.vectors.number(to.count), 7U);
  EXPECT_EQ(to.vectors.at(to.hats, NodeId{})[1], 5.0F);
  EXPECT_EQ(to.vectors.at(to.x)[2], 3.0F);
}

TEST(Vectors, RefuseStateOfOtherNamesOrAnotherLengthOrCutShort) {
  Sample from;
  ByteWriter out;
  from.vectors.save(out);
  const Bytes bytes = out.take();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ByteReader in(ByteSpan(bytes).first(size));
    EXPECT_FALSE(Sample().vectors.load(in)) << size;
  }
  Vectors<float> renamed(3);
  renamed.add("y");
  renamed.add_per_edge("hats");
  renamed.add_number("count");
  ByteReader in(bytes);
  EXPECT_FALSE(renamed.load(in));
  Vectors<float> longer(4);
  longer.add("x");
  longer.add_per_edge("hats");
  longer.add_number("count");
  ByteReader again(bytes);
  EXPECT_FALSE(longer.load(again));
}

TEST(Vectors, AReleasedVectorIsEmptyUntilItIsAssigned) {
  Sample sample;
  sample.vectors.release(sample.x);
  EXPECT_TRUE(sample.vectors.at(sample.x).empty());
  sample.vectors.fill_zero(sample.x);
  EXPECT_EQ(sample.vectors.at(sample.x).size(), 3U);
}

TEST(Layout, FlatBlocksGoAcrossSegments) {
  const Segment segments[] = {{"a", 0, {3, 4}}, {"b", 12, {block_values_max}}};
  const Layout layout(12 + block_values_max, segments);
  ASSERT_EQ(layout.flat().size(), 2U);
  EXPECT_EQ(layout.flat()[0], (Block{0, 1, block_values_max}));
  EXPECT_EQ(layout.flat()[1], (Block{block_values_max, 1, 12}));
}

TEST(Layout, ShapedBlocksKeepMatricesAndCutBetweenRows) {
  const Segment segments[] = {{"bias", 0, {5}}, {"small", 5, {3, 4}}, {"large", 17, {3, 40000}}};
  const Layout layout(17 + 120000, segments);
  const std::vector<Block> expected{
      {0, 1, 5}, {5, 3, 4}, {17, 1, 40000}, {40017, 1, 40000}, {80017, 1, 40000}};
  EXPECT_TRUE(std::ranges::equal(layout.shaped(), expected));
}

TEST(Layout, ARowThatIsLongerThanABlockIsCut) {
  const Segment segments[] = {{"wide", 0, {2, block_values_max + 1}}};
  const Layout layout(2 * (block_values_max + 1), segments);
  std::size_t covered = 0;
  for (const Block& block : layout.shaped()) {
    EXPECT_EQ(block.offset, covered);
    EXPECT_LE(block.count(), block_values_max);
    covered += block.count();
  }
  EXPECT_EQ(covered, layout.length());
}

TEST(Layout, SegmentsThatDoNotCoverTheParametersAreNamed) {
  const Segment gap[] = {{"a", 0, {3}}, {"b", 4, {3}}};
  EXPECT_EQ(check_segments(7, gap).error().message,
            "the task's segment 'b' begins at parameter 4; the one before ends at 3");
  const Segment small[] = {{"a", 0, {3}}};
  EXPECT_EQ(check_segments(7, small).error().message,
            "the task's segments cover 3 parameters; it has 7");
}

}  // namespace
}  // namespace starling::optim

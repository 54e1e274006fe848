#include "model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

namespace starling::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A file from its parts: header length, header, data bytes.
Bytes file_of(std::string_view header, const Bytes& data) {
  Bytes bytes;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<std::uint8_t>(header.size() >> shift & 255U));
  }
  std::ranges::copy(header, std::back_inserter(bytes));
  std::ranges::copy(data, std::back_inserter(bytes));
  return bytes;
}

std::string error_of(const Bytes& bytes) {
  const auto checkpoint = decode_safetensors({"model", bytes});
  return checkpoint ? "decoded" : checkpoint.error().message;
}

// 1.0F is 0x3f800000 and -2.5F is 0xc0200000 in IEEE 754.
const Bytes one_and_minus_two_and_a_half{0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0};

TEST(Safetensors, WritesTheBytesOfTheFormat) {
  const Checkpoint checkpoint{{{"a", 0, {1}}, {"b", 1, {1, 1}}}, {1.0F, -2.5F}, {{"k", "v"}}};
  std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("b":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}})";
  header.append(8 - header.size() % 8, ' ');
  EXPECT_EQ(encode_safetensors(checkpoint), file_of(header, one_and_minus_two_and_a_half));
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirData) {
  const auto checkpoint = decode_safetensors(
      {"model", file_of(R"({"b":{"shape":[1],"data_offsets":[4,8],"dtype":"F32"},)"
                        R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
                        one_and_minus_two_and_a_half)});
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_THAT(checkpoint->parameters, ElementsAre(1.0F, -2.5F));
  ASSERT_EQ(checkpoint->segments.size(), 2U);
  EXPECT_EQ(checkpoint->segments[0].name, "a");
  EXPECT_TRUE(checkpoint->segments[0].shape.empty());
  EXPECT_EQ(checkpoint->segments[1].offset, 1U);
}

TEST(Safetensors, ReadsEmptyTensorsWhereverTheyLie) {
  const std::string first = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)";
  const std::string empty = R"("b":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})";
  EXPECT_EQ(error_of(file_of(first + empty, Bytes(4))), "decoded");
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const Checkpoint written{{{"w", 0, {2, 3}}, {"empty", 6, {0}}, {"b", 6, {2}}},
                           {1, 2, 3, 4, 5, 6, 7, 8},
                           {{"run", "x\n"}}};
  const auto read = decode_safetensors({"model", encode_safetensors(written)});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->parameters, written.parameters);
  EXPECT_EQ(read->metadata, written.metadata);
  ASSERT_EQ(read->segments.size(), 3U);
  EXPECT_THAT(read->segments[0].shape, ElementsAre(2U, 3U));
}

TEST(Safetensors, RefusesEveryTruncation) {
  const Bytes whole = encode_safetensors({{{"a", 0, {2}}}, {1, 2}, {}});
  for (std::size_t kept = 0; kept < whole.size(); ++kept) {
    EXPECT_THAT(error_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept)}),
                HasSubstr("model: "))
        << kept;
  }
}

TEST(Safetensors, RefusesAHeaderLongerThanTheFile) {
  EXPECT_EQ(error_of(Bytes(9, 0xff)), "model: header length is 18446744073709551615, allowed 1");
}

TEST(Safetensors, RefusesHeadersThatAreNoObjectOfDistinctNames) {
  const std::string entry = R"("a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  for (const std::string& header : {std::string("[]"), std::string(" {}"), std::string("{"),
                                    "{" + entry + "," + entry + "}", std::string(200, '[')}) {
    EXPECT_EQ(error_of(file_of(header, {})),
              "model: header is not a JSON object with distinct names");
  }
}

TEST(Safetensors, RefusesTensorsThatDoNotFitTheirData) {
  for (const char* entry :
       {R"({"dtype":"F16","shape":[2],"data_offsets":[0,8]})",
        R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})",
        R"({"dtype":"F32","shape":[2],"data_offsets":[0,12]})",
        R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})",
        R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})",
        R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})",
        R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})",
        R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", R"({"dtype":"F32","shape":[2]})",
        "7"}) {
    EXPECT_EQ(error_of(file_of("{\"a\":" + std::string(entry) + "}", Bytes(8))),
              "model: tensor \"a\" is not float32 with a shape and offsets within 8 bytes of data")
        << entry;
  }
}

TEST(Safetensors, RefusesDataNotCoveredExactlyOnce) {
  const std::string first = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string again = R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const std::string later = R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})";
  EXPECT_THAT(error_of(file_of(first + "}", Bytes(8))), HasSubstr("cover the first 4 of 8"));
  EXPECT_THAT(error_of(file_of(first + "," + again, Bytes(8))),
              HasSubstr("cover the first 4 of 8"));
  EXPECT_THAT(error_of(file_of(first + "," + later, Bytes(12))), HasSubstr("first 4 of 12"));
}

TEST(Safetensors, RefusesMetadataThatIsNotText) {
  for (const char* metadata : {"3", "\"x\"", R"({"k":1})"}) {
    EXPECT_EQ(error_of(file_of("{\"__metadata__\":" + std::string(metadata) + "}", {})),
              "model: __metadata__ does not map names to strings");
  }
}

}  // namespace
}  // namespace starling::model

#include "protocol/link/frame.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "starling/rng.h"

namespace starling::protocol {
namespace {

void append_frame(Bytes& stream, ByteSpan body) {
  std::array<std::uint8_t, frame_header_bytes> header{};
  write_frame_header(body.size(), header);
  stream.insert(stream.end(), header.begin(), header.end());
  stream.insert(stream.end(), body.begin(), body.end());
}

std::optional<std::span<std::uint8_t>> next_of(FrameReader& reader) {
  const auto body = reader.next(limits::frame_bytes_max);
  EXPECT_TRUE(body.has_value());
  return body.value_or(std::nullopt);
}

/// Feeds `stream` in pieces of `piece_bytes` and collects the bodies.
std::vector<Bytes> read_in_pieces(ByteSpan stream, std::size_t piece_bytes) {
  FrameReader reader;
  std::vector<Bytes> bodies;
  while (!stream.empty()) {
    const std::size_t size = std::min(piece_bytes, stream.size());
    reader.append(stream.first(size));
    stream = stream.subspan(size);
    while (const auto body = next_of(reader)) bodies.emplace_back(body->begin(), body->end());
  }
  EXPECT_FALSE(reader.in_frame());
  return bodies;
}

TEST(Frame, TheHeaderIsTheBigEndianLength) {
  std::array<std::uint8_t, frame_header_bytes> header{};
  write_frame_header(0x1234, header);
  EXPECT_EQ(header[0], 0x12);
  EXPECT_EQ(header[1], 0x34);
}

TEST(Frame, BodiesComeOutWholeHoweverTheStreamIsCut) {
  const std::vector<Bytes> bodies = {Bytes(3, 1), {}, Bytes(300, 2), Bytes(1, 3), {}, Bytes(70, 4)};
  Bytes stream;
  for (const Bytes& body : bodies) append_frame(stream, body);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_EQ(read_in_pieces(stream, piece), bodies) << "pieces of " << piece;
  }
}

TEST(Frame, TheLargestFrameIsAccepted) {
  Bytes stream;
  append_frame(stream, Bytes(limits::frame_bytes_max, 7));
  const auto bodies = read_in_pieces(stream, 1000);
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_EQ(bodies[0], Bytes(limits::frame_bytes_max, 7));
}

TEST(Frame, ATooLongFrameIsRejectedByItsHeaderAlone) {
  FrameReader reader;
  reader.append(Bytes{4, 1});  // 1,025 bytes are announced
  EXPECT_TRUE(reader.next(1025).has_value());
  EXPECT_EQ(reader.next(1024).error(), RejectReason::bad_frame);
}

TEST(Frame, KnowsWhetherItIsInsideAFrame) {
  FrameReader reader;
  EXPECT_FALSE(reader.in_frame());
  reader.append(Bytes{0});
  EXPECT_FALSE(next_of(reader).has_value());
  EXPECT_TRUE(reader.in_frame());
  reader.append(Bytes{1, 42});
  EXPECT_TRUE(next_of(reader).has_value());
  EXPECT_FALSE(reader.in_frame());
}

}  // namespace
}  // namespace starling::protocol

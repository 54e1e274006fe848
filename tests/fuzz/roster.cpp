// Any bytes are a roster or none; a roster that is read has one encoding, the bytes read. Parts of
// its members are read from the same bytes.

#include "protocol/merge/roster.h"

#include <algorithm>

#include "protocol/merge/merge_part.h"
#include "protocol/merge/merge_tree.h"
#include "starling/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::protocol;
  const starling::ByteSpan bytes(data, size);
  const auto roster = decode_roster(bytes);
  if (!roster) return 0;
  STARLING_CHECK(std::ranges::equal(encode_roster(*roster), bytes));
  const MemberGraph graph(*roster);
  const MergeTree tree = breadth_first_tree(graph, 0);
  for (Member member = 0; member < graph.size(); ++member) {
    STARLING_CHECK(member == 0 || !tree.reaches(member) ||
                   graph.has_edge(member, tree.parent[member]));
  }
  if (const auto part = decode_part(starling::Bytes(data, data + size), *roster, size / 8)) {
    STARLING_CHECK(std::ranges::equal(encode_part(*part), bytes));
  }
  return 0;
}

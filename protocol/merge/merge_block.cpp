#include "protocol/merge/merge_block.h"

#include <algorithm>

namespace starling::protocol {
namespace {

bool is_possible(MergeBlockHead head, bool is_sum) {
  if (head.unit > merge_unit_max) return false;
  if (!is_sum) return head.width <= merge_own_width_max;
  return head.unit + 8U * head.width <= merge_sum_bits_max;
}

}  // namespace

bool are_merge_blocks(ByteSpan bytes, std::size_t values, bool is_sum) {
  while (values > 0) {
    if (bytes.size() < merge_block_head_bytes) return false;
    const MergeBlockHead head{bytes[0], bytes[1]};
    const std::size_t count = std::min(values, merge_block_values);
    const std::size_t size = merge_block_head_bytes + count * head.width;
    if (!is_possible(head, is_sum) || bytes.size() < size) return false;
    bytes = bytes.subspan(size);
    values -= count;
  }
  return bytes.empty();
}

std::size_t merge_blocks_bytes_max(std::size_t values, bool is_sum) {
  const std::size_t width = is_sum ? merge_sum_bits_max / 8 : merge_own_width_max;
  return merge_blocks_of(values) * merge_block_head_bytes + values * width;
}

}  // namespace starling::protocol

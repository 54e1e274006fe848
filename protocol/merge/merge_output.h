#pragma once
// What a merge asks of its owner, besides Effects.

#include <cstdint>
#include <variant>
#include <vector>

#include "protocol/effects.h"
#include "protocol/merge/member_set.h"
#include "protocol/shared_bytes.h"
#include "protocol/wire/announcement.h"
#include "starling/event.h"

namespace starling::protocol {

/// To be signed and broadcast.
struct AnnounceMerge {
  Announcement content;
};
/// To be signed; the bytes go to on_signed_commitment().
struct SignCommitment {
  MergeCommitment content;
};
/// Train no further, and keep the model as it is: parts of it are asked for by slices. What it is
/// goes to on_contribution().
struct NeedContribution {
  Digest merge;
};
/// is_sum: the blocks are of sums of weight times value; else of one member's values
/// (merge_block.h).
struct SlicePart {
  std::uint64_t weight = 1;
  bool is_sum = false;
  SharedBytes blocks;
};
/// The sum of the parts, to on_summed(). own_weight: above 0, this node's own part is among them;
/// without others it is to be given as it is, without its weight.
struct NeedSum {
  Digest merge;
  std::uint32_t slice = 0;
  Member root = no_member;
  std::uint64_t own_weight = 0;
  std::vector<SlicePart> parts;
};
/// This node's own part once more, to on_own_part().
struct NeedOwnPart {
  Digest merge;
  std::uint32_t slice = 0;
  Member root = no_member;
};
/// The weighted mean of the parts, to on_averaged(). own_weight: as in NeedSum.
struct NeedAverage {
  Digest merge;
  std::uint32_t slice = 0;
  std::uint64_t own_weight = 0;
  std::vector<SlicePart> parts;
};
/// All merged slices in order, and their digests; none: the merged model is what this node has
/// given. The digest of the model made of them goes to on_adopted().
struct NeedAdoption {
  Digest merge;
  std::vector<SharedBytes> slices;
  std::vector<Digest> digests;
};
struct MergeComplete {
  Manifest manifest;
};
using MergeRequest = std::variant<AnnounceMerge, SignCommitment, NeedContribution, NeedSum,
                                  NeedOwnPart, NeedAverage, NeedAdoption, MergeComplete>;

struct MergeOutput {
  Effects& effects;
  std::vector<MergeRequest>& requests;

  void announce(Announcement content);
};

}  // namespace starling::protocol

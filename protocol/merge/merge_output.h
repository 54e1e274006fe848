#pragma once
// What a merge asks of its owner, besides Effects.

#include <cstdint>
#include <variant>
#include <vector>

#include "protocol/effects.h"
#include "protocol/merge/member_set.h"
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
/// Train no further; hand the fixed-point vector to on_contribution().
struct NeedContribution {
  Digest merge;
};
/// is_sum: data are sums of weight times value (merge_part.h); else one member's int32 values.
struct SlicePart {
  std::uint64_t weight = 1;
  bool is_sum = false;
  Bytes data;
};
/// The sum of the parts, to on_summed().
struct NeedSum {
  Digest merge;
  std::uint32_t slice = 0;
  Member root = no_member;
  std::vector<SlicePart> parts;
};
/// The weighted mean of the parts, to on_averaged().
struct NeedAverage {
  Digest merge;
  std::uint32_t slice = 0;
  std::vector<SlicePart> parts;
};
/// The whole merged vector; the digest of the model made of it goes to on_adopted().
struct NeedAdoption {
  Digest merge;
  Bytes vector;
};
struct MergeComplete {
  Manifest manifest;
};
using MergeRequest = std::variant<AnnounceMerge, SignCommitment, NeedContribution, NeedSum,
                                  NeedAverage, NeedAdoption, MergeComplete>;

struct MergeOutput {
  Effects& effects;
  std::vector<MergeRequest>& requests;

  void announce(Announcement content);
};

}  // namespace starling::protocol

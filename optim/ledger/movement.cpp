#include "optim/ledger/movement.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "optim/ledger/direction.h"
#include "optim/ledger/segment_factors.h"
#include "starling/check.h"

namespace starling::optim {
namespace {

/// Parameters that go to the same part: those of one call of the generator.
constexpr std::size_t block_size = signs_per_block;

std::size_t block_count(std::size_t parameters) {
  return (parameters + block_size - 1) / block_size;
}

/// The first pattern that matches decides; a segment that none matches has the factor 1.
std::uint32_t factor_of(std::string_view name, std::span<const SegmentFactor> factors) {
  const auto found = std::ranges::find_if(
      factors, [name](const SegmentFactor& f) { return matches_pattern(f.pattern, name); });
  return found == factors.end() ? 1 : found->factor;
}

std::string names_of(std::span<const Segment> segments) {
  if (segments.empty()) return " none";
  std::string names;
  for (const Segment& segment : segments) names += " " + segment.name;
  return names;
}

Result<void> check_patterns(std::span<const SegmentFactor> factors,
                            std::span<const Segment> segments) {
  for (const SegmentFactor& f : factors) {
    const auto matches = [&f](const Segment& s) { return matches_pattern(f.pattern, s.name); };
    if (std::ranges::any_of(segments, matches)) continue;
    return invalid_input("votes.segment_factors: '" + f.pattern +
                         "' matches no segment of the model; there are:" + names_of(segments));
  }
  return {};
}

/// Appends model parameters [offset, offset + length), joined to the last stretch where they can
/// be.
void append(std::vector<Stretch>& stretches, std::size_t offset, std::size_t length,
            std::uint32_t factor) {
  if (length == 0 || factor == 0) return;
  const auto shift = static_cast<unsigned>(std::countr_zero(factor));
  if (stretches.empty()) {
    stretches.push_back({0, offset, length, shift});
    return;
  }
  Stretch& last = stretches.back();
  if (last.offset + last.length == offset && last.shift == shift) {
    last.length += length;
  } else {
    stretches.push_back({last.first + last.length, offset, length, shift});
  }
}

}  // namespace

Movement::Movement(const LedgerRecipe& rule, std::size_t parameter_count)
    : Movement(rule, std::vector<Stretch>{{.length = parameter_count}}) {}

Movement::Movement(const LedgerRecipe& rule, std::vector<Stretch> moving)
    : moving_(std::move(moving)),
      moving_count_(moving_.back().first + moving_.back().length),
      parts_(std::min<std::size_t>(rule.parts, block_count(moving_count_))),
      rows_max_(rule.hadamard_rows) {
  STARLING_CHECK(moving_count_ > 0);
}

Result<Movement> Movement::create(const LedgerRecipe& rule, std::size_t parameter_count,
                                  std::span<const Segment> segments) {
  const auto factors = parse_segment_factors(rule.segment_factors);
  if (!factors) return std::unexpected(factors.error());
  if (factors->empty()) return Movement(rule, parameter_count);
  if (auto fit = check_patterns(*factors, segments); !fit) return std::unexpected(fit.error());
  std::vector<Segment> in_order(segments.begin(), segments.end());
  std::ranges::sort(in_order, {}, &Segment::offset);
  std::vector<Stretch> moving;
  std::size_t end = 0;
  for (const Segment& segment : in_order) {
    const std::size_t length = segment.length();
    if (segment.offset < end || segment.offset + length > parameter_count) {
      return invalid_input("segment '" + segment.name + "' overlaps another or ends beyond the " +
                           std::to_string(parameter_count) + " parameters of the model");
    }
    append(moving, end, segment.offset - end, 1);
    append(moving, segment.offset, length, factor_of(segment.name, *factors));
    end = segment.offset + length;
  }
  append(moving, end, parameter_count - end, 1);
  if (moving.empty()) return invalid_input("votes.segment_factors freezes the whole model");
  return Movement(rule, std::move(moving));
}

double Movement::active_count() const {
  return static_cast<double>(moving_count_) / static_cast<double>(parts_);
}

std::uint32_t Movement::rows() const {
  const std::size_t blocks = (block_count(moving_count_) + parts_ - 1) / parts_;
  return hadamard_rows(rows_max_, std::min(moving_count_, blocks * block_size));
}

std::vector<Stretch> Movement::stretches(std::size_t part) const {
  if (parts_ == 1) return moving_;
  std::vector<Stretch> active;
  std::size_t first = 0;
  auto from = moving_.begin();
  for (std::size_t start = part * block_size; start < moving_count_; start += parts_ * block_size) {
    const std::size_t end = std::min(start + block_size, moving_count_);
    for (std::size_t at = start; at < end;) {
      while (at >= from->first + from->length) ++from;
      const std::size_t length = std::min(end, from->first + from->length) - at;
      active.push_back({first, from->offset + (at - from->first), length, from->shift});
      first += length;
      at += length;
    }
  }
  return active;
}

}  // namespace starling::optim

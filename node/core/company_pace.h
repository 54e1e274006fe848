#pragma once
// When a node may take its next steps, as far as others matter. As it begins it waits a little for
// a first neighbour's hello: through with a short run before that, it would have trained alone. And
// alone it goes on no faster than among others: without exchanges it has nobody to wait for, and
// would be through with a run of hours in the seconds in which the others restart or a cable is
// out.

#include <cstdint>

#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

enum class Company : std::uint8_t {
  none,    ///< No neighbour.
  silent,  ///< There are neighbours, and none trains with us: they join, catch up, or are new.
  trains,
};

/// Of a node whose neighbours train with it once an edge to them is in use.
[[nodiscard]] constexpr Company company_of(bool has_neighbours, bool has_edge) {
  if (has_edge) return Company::trains;
  return has_neighbours ? Company::silent : Company::none;
}

class CompanyPace {
 public:
  explicit CompanyPace(double interval_scale) : interval_scale_(interval_scale) {}

  /// Training begins.
  void start(Instant now);
  /// All local steps below `step` are done.
  void on_step(Step step, Company company, Instant now);
  /// Whether the next `count` local steps may begin. If not, ask again at next_deadline(), or when
  /// the company has changed.
  [[nodiscard]] bool may_step(std::uint64_t count, Company company, Instant now);

  [[nodiscard]] Instant next_deadline() const { return wait_until_; }
  void tick(Instant now);

 private:
  [[nodiscard]] Instant paced_until(std::uint64_t count, Company company) const;

  double interval_scale_;
  Instant partner_by_;  ///< Until then a silent neighbour is waited for.
  Instant wait_until_ = Instant::never();
  Step step_ = 0;
  Instant stepped_at_ = Instant::never();
  bool had_company_ = false;
  // Of late, in company; all three forget alike.
  double measurements_ = 0;
  double steps_ = 0;
  double time_s_ = 0;
};

}  // namespace starling::node

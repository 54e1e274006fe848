#pragma once
// How fast a node steps among others. Alone it goes on no faster: a node without exchanges has
// nobody to wait for, and would be through with a run of hours in the seconds in which the others
// restart or a cable is out.

#include <cstdint>

#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

class CompanyPace {
 public:
  /// All local steps below `step` are done. has_company: there is a neighbour that trains.
  void on_step(Step step, bool has_company, Instant now);

  /// When the next `count` local steps may begin: at once in company, and where there was none yet.
  [[nodiscard]] Instant next_at(bool has_company, std::uint64_t count) const;

 private:
  Step step_ = 0;
  Instant stepped_at_ = Instant::never();
  bool had_company_ = false;
  // Of late, in company; all three forget alike.
  double measurements_ = 0;
  double steps_ = 0;
  double time_s_ = 0;
};

}  // namespace starling::node

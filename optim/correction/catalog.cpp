#include "optim/correction/correction.h"

namespace starling::optim {

extern const CorrectionEntry no_correction;
extern const CorrectionEntry gradient_tracking;

const Catalog<CorrectionEntry>& corrections() {
  static constexpr std::array rows{&no_correction, &gradient_tracking};
  static constexpr Catalog<CorrectionEntry> catalog(
      {.key = "correction",
       .meaning = "what is added to the gradient so that unequal data does not pull nodes apart"},
      rows);
  return catalog;
}

}  // namespace starling::optim

#include "optim/oracle/oracle.h"

namespace starling::optim {

extern const OracleEntry gradient_oracle;

const Catalog<OracleEntry>& oracles() {
  static constexpr std::array rows{&gradient_oracle};
  static constexpr Catalog<OracleEntry> catalog(
      {.key = "oracle",
       .meaning = "what a node asks its data for the direction of a step",
       .form = AxisForm::flat},
      rows);
  return catalog;
}

}  // namespace starling::optim

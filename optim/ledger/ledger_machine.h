#pragma once
// What a replica computes with. Its bytes do not depend on it.

#include "optim/ledger/kernels.h"
#include "starling/parallel_for.h"

namespace starling::optim {

struct LedgerMachine {
  const LedgerKernels* kernels = &best_kernels();
  ParallelFor parallel_for = one_after_another;
};

}  // namespace starling::optim

#pragma once
// The axes of a first-order method, once: whoever reads, prints, checks or lists recipes visits
// them here.

#include "optim/clock/clock.h"
#include "optim/codec/codec.h"
#include "optim/correction/correction.h"
#include "optim/flow/flow.h"
#include "optim/inner/inner_step.h"
#include "optim/memory/memory.h"
#include "optim/mixer/mixer.h"
#include "optim/oracle/oracle.h"
#include "optim/outer/outer_step.h"
#include "optim/recipe.h"
#include "optim/view/view.h"

namespace starling::optim {

/// Calls visit(catalog, chosen) for each axis, in the order in which a recipe is printed.
template <class Gossip, class Visit>
void for_each_axis(Gossip& recipe, Visit visit) {
  visit(views(), recipe.view);
  visit(oracles(), recipe.oracle);
  visit(clocks(), recipe.clock);
  visit(memories(), recipe.memory);
  visit(mixers(), recipe.mixer);
  visit(corrections(), recipe.correction);
  visit(outer_steps(), recipe.outer);
  visit(flows(), recipe.flow);
  visit(inner_steps(), recipe.inner);
  visit(codecs(), recipe.codec);
}

}  // namespace starling::optim

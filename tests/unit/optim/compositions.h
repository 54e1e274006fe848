#pragma once
// Everything that the catalogs allow: a part is tested by being in its catalog.

#include <cctype>
#include <string>
#include <vector>

#include "optim/recipe_axes.h"
#include "optim/recipe_rules.h"

namespace starling::optim::testing_support {

/// The part at its presets, and with each field at its lowest and highest value.
template <class Entry>
[[nodiscard]] std::vector<Chosen<Entry>> every_setting(const Catalog<Entry>& catalog,
                                                       const Entry& part) {
  std::vector<Chosen<Entry>> all{catalog.choose(part)};
  for (const Field& field : part.fields) {
    for (const double value : {field.range.lowest, field.range.highest}) {
      if (value == field.preset) continue;
      all.push_back(catalog.choose(part));
      all.back().settings.set(field.key, value);
    }
  }
  return all;
}

template <class Entry>
[[nodiscard]] std::vector<Chosen<Entry>> every_setting(const Catalog<Entry>& catalog) {
  std::vector<Chosen<Entry>> all;
  for (const Entry* part : catalog.rows()) {
    for (Chosen<Entry>& chosen : every_setting(catalog, *part)) all.push_back(std::move(chosen));
  }
  return all;
}

/// For names of tests: letters, digits and underscores.
[[nodiscard]] inline std::string plain(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return text;
}

template <class Entry>
[[nodiscard]] std::string test_name(const Chosen<Entry>& chosen) {
  std::string name(chosen.name());
  for (const Settings::Item& item : chosen.settings.items()) {
    if (item.value == item.field->preset) continue;
    name += "_" + std::string(item.field->key) + "_" +
            (item.value == item.field->range.lowest ? "lowest" : "highest");
  }
  return plain(name);
}

/// Steps of size 1, so that one step of SGD goes where a test wants it.
[[nodiscard]] inline Recipe plain_recipe() {
  Recipe recipe;
  recipe.name = "test";
  recipe.gossip().inner.settings.set("step_size", 1.0);
  return recipe;
}

[[nodiscard]] inline bool is_pair(const Recipe& recipe) {
  return recipe.gossip().clock.traits().meeting == MeetingKind::pair;
}

/// A clock at which the mixer can work.
inline void fit_clock(GossipRecipe& recipe) {
  recipe.clock = clocks().choose(recipe.mixer.traits().mixes_pairs ? "pairs" : "rounds");
}

/// The recipe with a part of one axis replaced, named after it.
template <class Entry>
[[nodiscard]] Recipe with(Recipe recipe, Chosen<Entry> GossipRecipe::* axis, Chosen<Entry> chosen) {
  recipe.name += "-" + std::string(chosen.name());
  recipe.gossip().*axis = std::move(chosen);
  return recipe;
}

template <class Entry>
[[nodiscard]] std::vector<Recipe> with_each(const std::vector<Recipe>& recipes,
                                            const Catalog<Entry>& catalog,
                                            Chosen<Entry> GossipRecipe::* axis) {
  std::vector<Recipe> all;
  for (const Recipe& recipe : recipes) {
    for (const Entry* part : catalog.rows()) {
      all.push_back(with(recipe, axis, catalog.choose(*part)));
    }
  }
  return all;
}

/// All combinations of what travels and how it is mixed, at presets; and every oracle and inner
/// step alone. Those that do not fit together are left out.
[[nodiscard]] inline std::vector<Recipe> every_composition() {
  const std::vector<Recipe> base{plain_recipe()};
  std::vector<Recipe> all = with_each(base, codecs(), &GossipRecipe::codec);
  all = with_each(all, memories(), &GossipRecipe::memory);
  all = with_each(all, mixers(), &GossipRecipe::mixer);
  all = with_each(all, corrections(), &GossipRecipe::correction);
  all = with_each(all, outer_steps(), &GossipRecipe::outer);
  for (Recipe& recipe : with_each(base, inner_steps(), &GossipRecipe::inner)) all.push_back(recipe);
  for (Recipe& recipe : with_each(base, oracles(), &GossipRecipe::oracle)) all.push_back(recipe);
  for (Recipe& recipe : all) {
    GossipRecipe& gossip = recipe.gossip();
    fit_clock(gossip);
    if (gossip.codec.settings.has("density")) gossip.codec.settings.set("density", 0.1);
    if (gossip.memory.traits().copies_peers) gossip.consensus_step = 0.1;
  }
  std::erase_if(all, [](const Recipe& recipe) { return !check_fit(recipe, ""); });
  return all;
}

}  // namespace starling::optim::testing_support

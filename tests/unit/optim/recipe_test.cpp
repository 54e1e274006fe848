#include "optim/recipe_axes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace starling::optim {
namespace {

std::string error_of(std::string_view text) {
  const auto recipe = parse_recipe(text, "my.toml");
  return recipe ? "no error" : recipe.error().message;
}

TEST(Recipe, EveryBuiltinIsValidAndNamedLikeItsFile) {
  EXPECT_EQ(builtin_recipe_names(),
            (std::vector<std::string>{"beer", "choco", "dsgd", "gossip", "tracking", "votes",
                                      "votes_shared"}));
  for (const std::string& name : builtin_recipe_names()) {
    const auto recipe = builtin_recipe(name);
    ASSERT_TRUE(recipe) << recipe.error().message;
    EXPECT_EQ(recipe->name, name);
  }
}

TEST(Recipe, CanonicalTextReadsBackAsItself) {
  for (const std::string& name : builtin_recipe_names()) {
    const std::string text = builtin_recipe(name)->canonical_text();
    const auto again = parse_recipe(text, name);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->canonical_text(), text);
  }
}

TEST(Recipe, CanonicalTextTellsEveryTwoBuiltinsApart) {
  std::set<std::string> texts;
  for (const std::string& name : builtin_recipe_names()) {
    texts.insert(builtin_recipe(name)->canonical_text());
  }
  EXPECT_EQ(texts.size(), builtin_recipe_names().size());
}

TEST(Recipe, ReadsEveryKindOfValue) {
  const auto recipe = parse_recipe(R"(
name = "mine"
mixer = "metropolis"
clock = "rounds"
batch = 7
consensus_step = 1
[inner]
kind = "momentum"
momentum = 0.9
)",
                                   "my.toml");
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->name, "mine");
  EXPECT_EQ(recipe->gossip().mixer.name(), "metropolis");
  EXPECT_EQ(recipe->batch, 7U);
  EXPECT_EQ(recipe->gossip().consensus_step, 1.0);
  EXPECT_EQ(recipe->gossip().inner.name(), "momentum");
  EXPECT_EQ(recipe->gossip().inner.settings.real("momentum"), 0.9);
}

TEST(Recipe, NamesFileKeyValueAndChoicesOfAWrongChoice) {
  const std::string error = error_of("name = 'a'\nmixer = 'ring'");
  EXPECT_TRUE(error.starts_with("my.toml: mixer = 'ring'; allowed: one of 'pair', 'metropolis'"))
      << error;
}

TEST(Recipe, NamesRangeOfANumberOutOfIt) {
  EXPECT_EQ(error_of("name = 'a'\n[codec]\nkind = 'quantize'\nbits = 9"),
            "my.toml: codec.bits = 9; allowed: a whole number from 1 to 8");
  EXPECT_EQ(error_of("name = 'a'\n[inner]\nkind = 'momentum'\nmomentum = nan"),
            "my.toml: inner.momentum = nan; allowed: a number from 0 to 0.9999");
}

TEST(Recipe, RefusesUnknownKeysAtEveryLevel) {
  EXPECT_TRUE(error_of("name = 'a'\nmixr = 'pair'").starts_with("my.toml: unknown key 'mixr'"));
  EXPECT_TRUE(
      error_of("name = 'a'\n[codec]\nbit = 8").starts_with("my.toml: unknown key 'codec.bit'"));
  EXPECT_TRUE(error_of("name = 'a'\n[kodec]\n").starts_with("my.toml: unknown key 'kodec'"));
}

TEST(Recipe, RefusesValuesOfAnotherType) {
  EXPECT_NE(error_of("name = 3"), "no error");
  EXPECT_NE(error_of("name = 'a'\nbatch = 1.5"), "no error");
  EXPECT_NE(error_of("name = 'a'\nbatch = '32'"), "no error");
  EXPECT_NE(error_of("name = 'a'\ninner = 3"), "no error");
  EXPECT_NE(error_of("name = 'a b'"), "no error");
}

TEST(Recipe, NamesLineOfASyntaxError) {
  EXPECT_TRUE(error_of("name = 'a'\nmixer == 3").starts_with("my.toml:2: "));
}

TEST(Recipe, RefusesCharactersOutsideAscii) {
  EXPECT_EQ(error_of("name = 'a'\n\xd0\x99 = 1"),
            "my.toml:2: a character outside ASCII; allowed: plain ASCII text");
}

TEST(Recipe, RefusesATableWithoutAPlainName) {
  EXPECT_TRUE(error_of("name = 'a'\n\n [;inner]").starts_with("my.toml:3: a table that is not"));
}

TEST(Recipe, RefusesAMissingName) {
  EXPECT_EQ(error_of("batch = 1"), "my.toml: key 'name' is missing");
}

struct Misfit {
  std::string_view text;
  std::string_view reason;
};
class RecipeMisfits : public testing::TestWithParam<Misfit> {};

TEST_P(RecipeMisfits, AreRefusedWithTheReason) {
  const std::string error = error_of("name = 'a'\n" + std::string(GetParam().text));
  EXPECT_NE(error.find(GetParam().reason), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(
    Recipe, RecipeMisfits,
    testing::Values(
        Misfit{"memory = 'hat_copy'", "'hat_copy' needs mixer 'metropolis'"},
        Misfit{"clock = 'rounds'",
               "mixer 'pair' and clock 'rounds' do not fit: this clock needs "
               "mixer 'metropolis'"},
        Misfit{"mixer = 'vote_sum'", "allowed: one of 'pair', 'metropolis'"},
        Misfit{"oracle = 'votes'\nmixer = 'pair'", "mixer = 'pair' does not belong"},
        Misfit{"oracle = 'votes'\n[inner]\nkind = 'momentum'", "inner does not belong"},
        Misfit{"oracle = 'votes'\ncorrection = 'gradient_tracking'",
               "correction = 'gradient_tracking' does not belong"},
        Misfit{"oracle = 'votes'\nmixer = 'vote_sum'\n[votes]\nsegment_factors = 'a=3'",
               "votes.segment_factors: a=3: expected PATTERN=FACTOR"},
        Misfit{"oracle = 'votes'\n[votes]\nhadamard_rows = 1000", "power of two"},
        Misfit{"[votes]\nprobes = 3", "unknown key 'votes'"},
        Misfit{"[codec]\nkind = 'top_k'", "'top_k' needs memory 'hat_copy'"},
        Misfit{"codec = 'sign'", "'sign' needs memory 'hat_copy'"},
        Misfit{"[codec]\nkind = 'random_k'", "'random_k' needs mixer 'metropolis'"},
        Misfit{"memory = 'error_feedback'", "'error_feedback' needs codec 'quantize'"},
        Misfit{"memory = 'error_feedback'\n[codec]\nkind = 'quantize'\nbits = 1", "3 bits or more"},
        Misfit{"mixer = 'metropolis'\nclock = 'rounds'\nmemory = 'hat_copy'\n"
               "[codec]\nkind = 'quantize'\nbits = 2",
               "loses less than it is given"},
        Misfit{"[inner]\nmomentum = 0.5",
               "inner.momentum = 0.5 needs inner.kind 'momentum', and inner.kind is 'sgd'"},
        Misfit{"[codec]\nbits = 4", "codec.bits = 4 needs codec.kind 'quantize'"},
        Misfit{"mixer = 'metropolis'\nclock = 'rounds'\nlead_steps = 3",
               "lead_steps = 3 needs clock 'pairs'"},
        Misfit{"mixer = 'metropolis'\nclock = 'rounds'\nmemory = 'hat_copy'\n"
               "consensus_step = 0.05\n[codec]\nkind = 'top_k'\ndensity = 0.01",
               "at most 2 * codec.density"}));

TEST(Recipe, CanonicalTextHoldsWhatIsUsedAndDiffersFromPresets) {
  const auto recipe = parse_recipe(R"(
name = "mine"
batch = 32
mixer = "pair"
lead_steps = 6
memory = "reference"
[inner]
kind = "sgd"
step_size = 0.5
[codec]
kind = "quantize"
bits = 8
)",
                                   "my.toml");
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->canonical_text(),
            "name = \"mine\"\nlead_steps = 6\nmemory = \"reference\"\ncodec = \"quantize\"\n"
            "[inner]\nstep_size = 0.5\n");
}

TEST(Recipe, CanonicalTextOfVotesHoldsWhatDiffersFromPresets) {
  const auto recipe =
      parse_recipe("name = 'v'\noracle = 'votes'\n[votes]\nprobes = 64\nscale = 2", "my.toml");
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->canonical_text(), "name = \"v\"\noracle = \"votes\"\n[votes]\nscale = 2\n");
}

TEST(Recipe, NamesTheBuiltinsWhenAskedForAnother) {
  const auto recipe = builtin_recipe("gosip");
  ASSERT_FALSE(recipe);
  EXPECT_EQ(recipe.error().message,
            "no built-in recipe 'gosip'; there are: beer choco dsgd gossip tracking votes "
            "votes_shared");
}

}  // namespace
}  // namespace starling::optim

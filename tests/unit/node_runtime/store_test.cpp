#include "node/runtime/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "temporary_directory.h"

namespace starling::runtime {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryDirectory;

Bytes content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void overwrite(const fs::path& path, ByteSpan bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

/// Distinct contents of distinct lengths.
Bytes sample(std::size_t length, std::uint8_t first) {
  Bytes bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(first + i * 7);
  return bytes;
}

TEST(Store, RefusesADirectoryThatAnotherStoreHolds) {
  const TemporaryDirectory directory;
  const Result<Store> first = Store::open(directory.path());
  ASSERT_TRUE(first.has_value());
  const Result<Store> second = Store::open(directory.path());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(second.error().message.find(directory.path().string()), std::string::npos);
}

TEST(Store, IsInUseWhileItLives) {
  const TemporaryDirectory directory;
  EXPECT_FALSE(is_in_use(directory.path()));
  {
    const Result<Store> store = Store::open(directory.path());
    ASSERT_TRUE(store);
    EXPECT_TRUE(is_in_use(directory.path()));
  }
  EXPECT_FALSE(is_in_use(directory.path()));
}

TEST(Store, FreesTheDirectoryWhenItEnds) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(Store::open(directory.path()).has_value());
  EXPECT_TRUE(Store::open(directory.path()).has_value());
}

TEST(Store, NamesThePathAndTheCauseWhenTheDirectoryCannotBeMade) {
  const TemporaryDirectory directory;
  overwrite(directory.path() / "file", sample(3, 1));
  const Result<Store> store = Store::open(directory.path() / "file" / "node");
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(store.error().message.find("file/node"), std::string::npos);
  EXPECT_NE(store.error().message.find("Not a directory"), std::string::npos);
}

TEST(Store, KeepsItsIdentityReadableByItsOwnerAlone) {
  const TemporaryDirectory directory;
  NodeId first;
  {
    Result<Store> store = Store::open(directory.path());
    first = store->load_or_create_identity()->id();
  }
  Result<Store> store = Store::open(directory.path());
  EXPECT_EQ(store->load_or_create_identity()->id(), first);
  struct stat status{};
  ASSERT_EQ(::stat((directory.path() / "identity").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(Store, GivesEveryDirectoryAnotherIdentity) {
  const TemporaryDirectory one;
  const TemporaryDirectory other;
  EXPECT_NE(Store::open(one.path())->load_or_create_identity()->id(),
            Store::open(other.path())->load_or_create_identity()->id());
}

TEST(Store, RefusesADamagedIdentityInsteadOfMakingANewOne) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  overwrite(directory.path() / "identity", sample(10, 'a'));
  const auto key = store->load_or_create_identity();
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(content_of(directory.path() / "identity"), sample(10, 'a'));
}

TEST(Store, HasNoTicketCheckpointOrVotesAtFirst) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  EXPECT_FALSE(store->load_ticket()->has_value());
  EXPECT_TRUE(store->load_checkpoint()->state.empty());
  EXPECT_TRUE(store->load_votes()->empty());
}

TEST(Store, ReturnsTheTicketItWasGiven) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  ASSERT_TRUE(store->save_ticket("ticket text").has_value());
  EXPECT_EQ(store->load_ticket()->value(), "ticket text");
}

TEST(Store, ReturnsTheDescriptionItWasGiven) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  EXPECT_FALSE(store->load_description()->has_value());
  ASSERT_TRUE(store->save_description("name = \"run\"\n").has_value());
  EXPECT_EQ(store->load_description()->value(), "name = \"run\"\n");
}

TEST(Store, LetsTicketAndIdentityBeReadWhileANodeHoldsItsLock) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  const auto key = store->load_or_create_identity();
  ASSERT_TRUE(key && store->save_ticket("old"));
  EXPECT_EQ(read_identity(directory.path()).value().id(), key->id());
  ASSERT_TRUE(write_ticket(directory.path(), "new"));
  EXPECT_EQ(read_ticket(directory.path()).value(), "new");
  EXPECT_FALSE(read_identity(directory.path() / "none"));
}

TEST(Store, ReturnsThePeersItWasGivenAndWarnsOfDamage) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  EXPECT_EQ(store->load_peers()->peers, node::RememberedPeers());
  EXPECT_TRUE(store->load_peers()->warning.empty());
  NodeId id;
  id.bytes.fill(3);
  const node::RememberedPeers peers{.records = {{id, "host:1"}}, .seen = {id}};
  ASSERT_TRUE(store->save_peers(peers));
  EXPECT_EQ(store->load_peers()->peers, peers);
  Bytes damaged = content_of(directory.path() / "peers");
  damaged.back() = 'x';  // in the place of the last line break: the line is longer
  overwrite(directory.path() / "peers", damaged);
  EXPECT_EQ(store->load_peers()->peers.records, peers.records);
  EXPECT_TRUE(store->load_peers()->peers.seen.empty());
  EXPECT_NE(store->load_peers()->warning.find("1 of its lines"), std::string::npos);
}

TEST(Store, ReturnsTheNewestCheckpoint) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  ASSERT_TRUE(store->save_checkpoint(sample(40, 1)).has_value());
  ASSERT_TRUE(store->save_checkpoint(sample(50, 2)).has_value());
  EXPECT_EQ(store->load_checkpoint()->state, sample(50, 2));
  EXPECT_TRUE(store->load_checkpoint()->warning.empty());
}

TEST(Store, ACheckpointThatComesInPiecesIsTheSameFile) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  const Bytes state = sample(100'000, 3);
  ASSERT_TRUE(store->save_checkpoint(state).has_value());
  const auto whole = runtime::read_file(directory.path() / "checkpoint");
  ASSERT_TRUE(store
                  ->save_checkpoint([&](const std::function<void(ByteSpan)>& write) {
                    for (std::size_t at = 0; at < state.size(); at += 1000) {
                      write(ByteSpan(state).subspan(at, 1000));
                    }
                  })
                  .has_value());
  EXPECT_EQ(*runtime::read_file(directory.path() / "checkpoint"), *whole);
  EXPECT_EQ(store->load_checkpoint()->state, state);
}

TEST(Store, FallsBackToThePreviousCheckpointWhereverTheNewestIsCut) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  ASSERT_TRUE(store->save_checkpoint(sample(40, 1)).has_value());
  ASSERT_TRUE(store->save_checkpoint(sample(50, 2)).has_value());
  const Bytes newest = content_of(directory.path() / "checkpoint");
  for (std::size_t length = 0; length < newest.size(); ++length) {
    overwrite(directory.path() / "checkpoint", ByteSpan(newest).first(length));
    const auto loaded = store->load_checkpoint();
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    EXPECT_EQ(loaded->state, sample(40, 1)) << "cut at " << length;
    EXPECT_NE(loaded->warning.find("checkpoint"), std::string::npos);
  }
}

TEST(Store, NoticesAnyChangedByteOfACheckpoint) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  ASSERT_TRUE(store->save_checkpoint(sample(40, 1)).has_value());
  ASSERT_TRUE(store->save_checkpoint(sample(50, 2)).has_value());
  const Bytes newest = content_of(directory.path() / "checkpoint");
  for (std::size_t i = 0; i < newest.size(); ++i) {
    Bytes changed = newest;
    changed[i] ^= 1U;
    overwrite(directory.path() / "checkpoint", changed);
    EXPECT_EQ(store->load_checkpoint()->state, sample(40, 1)) << "byte " << i;
  }
}

TEST(Store, KeepsTheGoodCheckpointAsFallbackAfterADamagedOne) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  ASSERT_TRUE(store->save_checkpoint(sample(40, 1)).has_value());
  ASSERT_TRUE(store->save_checkpoint(sample(50, 2)).has_value());
  overwrite(directory.path() / "checkpoint", {});
  ASSERT_TRUE(store->load_checkpoint().has_value());
  ASSERT_TRUE(store->save_checkpoint(sample(60, 3)).has_value());
  overwrite(directory.path() / "checkpoint", {});
  EXPECT_EQ(store->load_checkpoint()->state, sample(40, 1));
}

TEST(Store, SaysSoWhenEveryCheckpointIsDamaged) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  ASSERT_TRUE(store->save_checkpoint(sample(40, 1)).has_value());
  overwrite(directory.path() / "checkpoint", sample(5, 0));
  const auto loaded = store->load_checkpoint();
  ASSERT_FALSE(loaded.has_value());
  EXPECT_NE(loaded.error().message.find(directory.path().string()), std::string::npos);
}

TEST(Store, LeavesTheOldFileWhenANewOneCannotBeWritten) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  ASSERT_TRUE(store->save_checkpoint(sample(40, 1)).has_value());
  // Tests run as root, whom no permission stops: a directory in the way of the temporary does.
  fs::create_directory(directory.path() / "checkpoint.fresh.new");
  const auto saved = store->save_checkpoint(sample(50, 2));
  ASSERT_FALSE(saved.has_value());
  EXPECT_NE(saved.error().message.find("Is a directory"), std::string::npos);
  EXPECT_EQ(store->load_checkpoint()->state, sample(40, 1));
}

TEST(Store, ReportsAFullDiskByNameAndLeavesNothingHalfWritten) {
  const TemporaryDirectory directory;
  // /dev/full refuses every write with "no space left".
  fs::create_symlink("/dev/full", directory.path() / "metrics.jsonl");
  Result<Store> store = Store::open(directory.path());
  const auto appended = store->append_metric("{}");
  ASSERT_FALSE(appended.has_value());
  EXPECT_EQ(appended.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(appended.error().message.find("metrics.jsonl"), std::string::npos);
  EXPECT_NE(appended.error().message.find("No space left on device"), std::string::npos);
}

TEST(Store, WritesNoManifestWithoutItsModel) {
  const TemporaryDirectory directory;
  Result<Store> store = Store::open(directory.path());
  fs::create_directory(directory.path() / "model.safetensors.new");
  EXPECT_FALSE(store->save_model(sample(8, 1), "{}").has_value());
  EXPECT_FALSE(fs::exists(directory.path() / "manifest.json"));
}

TEST(Store, AppendsOneMetricPerLineAcrossRestarts) {
  const TemporaryDirectory directory;
  for (const char* line : {"{\"a\":1}", "{\"b\":2}"}) {
    ASSERT_TRUE(Store::open(directory.path())->append_metric(line).has_value());
  }
  const Bytes text = content_of(directory.path() / "metrics.jsonl");
  EXPECT_EQ(std::string(text.begin(), text.end()), "{\"a\":1}\n{\"b\":2}\n");
}

}  // namespace
}  // namespace starling::runtime

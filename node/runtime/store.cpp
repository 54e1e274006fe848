#include "node/runtime/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "crypto/digest.h"
#include "crypto/identity.h"
#include "node/runtime/peer_file.h"
#include "node/runtime/platform.h"
#include "starling/check.h"

namespace starling::runtime {

namespace {

// checkpoint = magic, length (u64, little endian), BLAKE2b-256(state), state
constexpr std::array<std::uint8_t, 8> checkpoint_magic = {'S', 'T', 'A', 'R', 'C', 'K', 'P', '1'};
constexpr std::size_t checkpoint_length_bytes = 8;
constexpr std::size_t checkpoint_header_bytes =
    checkpoint_magic.size() + checkpoint_length_bytes + Digest::size;

// Some ten thousand events. With the rest of a small node it stays below 16 MiB (our guess).
constexpr std::size_t metrics_bytes_max = 8U << 20U;

ByteSpan bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::array<std::uint8_t, checkpoint_length_bytes> length_field(std::uint64_t length) {
  std::array<std::uint8_t, checkpoint_length_bytes> field;
  for (std::size_t i = 0; i < field.size(); ++i) {
    field[i] = static_cast<std::uint8_t>(length >> (8 * i));
  }
  return field;
}

Bytes checkpoint_header(std::uint64_t length, const Digest& digest) {
  Bytes header(checkpoint_magic.begin(), checkpoint_magic.end());
  std::ranges::copy(length_field(length), std::back_inserter(header));
  std::ranges::copy(digest.bytes, std::back_inserter(header));
  return header;
}

/// Fills a new file. The header is known last and written last: a file cut before that is no
/// checkpoint.
int write_checkpoint(int fd, const Store::Pieces& write_state) {
  int problem = write_all(fd, Bytes(checkpoint_header_bytes));
  crypto::Hasher hasher;
  std::uint64_t length = 0;
  write_state([&](ByteSpan piece) {
    if (problem != 0) return;
    hasher.update(piece);
    length += piece.size();
    problem = write_all(fd, piece);
  });
  if (problem != 0) return problem;
  if (::lseek(fd, 0, SEEK_SET) != 0) return errno;
  return write_all(fd, checkpoint_header(length, hasher.finish()));
}

/// True if the file is a whole checkpoint.
bool is_checkpoint(ByteSpan file) {
  if (file.size() < checkpoint_header_bytes) return false;
  const ByteSpan state = file.subspan(checkpoint_header_bytes);
  return std::ranges::equal(file.first(checkpoint_header_bytes),
                            checkpoint_header(state.size(), crypto::digest_of(state)));
}

bool has_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Result<std::optional<std::string>> read_text(const std::filesystem::path& path) {
  if (!has_file(path)) return std::nullopt;
  const Result<Bytes> text = read_file(path);
  if (!text) return std::unexpected(text.error());
  return std::string(text->begin(), text->end());
}

}  // namespace

Result<std::optional<std::string>> read_ticket(const std::filesystem::path& directory) {
  return read_text(directory / "ticket");
}

Result<std::optional<std::string>> read_description(const std::filesystem::path& directory) {
  return read_text(directory / "description");
}

Result<crypto::SigningKey> read_identity(const std::filesystem::path& directory) {
  const auto path = directory / "identity";
  Result<Bytes> text = read_file(path);
  if (!text) return std::unexpected(text.error());
  auto key = crypto::parse_node_key({reinterpret_cast<const char*>(text->data()), text->size()});
  crypto::wipe(*text);
  if (!key) return invalid_input(path.native() + ": " + key.error().message);
  return key;
}

Result<void> write_ticket(const std::filesystem::path& directory, std::string_view ticket) {
  return write_atomically(directory / "ticket", bytes_of(ticket), {.mode = private_file});
}

Result<protocol::SharedBytes> read_checkpoint(const std::filesystem::path& path) {
  Result<Bytes> file = read_file(path);
  if (!file) return std::unexpected(file.error());
  if (!is_checkpoint(*file)) return failure(path.native() + " is damaged");
  return protocol::SharedBytes(std::move(*file)).from(checkpoint_header_bytes);
}

Store::Store(std::filesystem::path directory, FileDescriptor lock)
    : directory_(std::move(directory)),
      lock_(std::move(lock)),
      metrics_(path_of("metrics.jsonl"), metrics_bytes_max) {}

bool is_in_use(const std::filesystem::path& directory) {
  const FileDescriptor lock(::open((directory / "lock").c_str(), O_RDONLY | O_CLOEXEC));
  // Shared, and let go at once: so two who ask do not take each other for a node.
  return lock.is_open() && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<Store> Store::open(std::filesystem::path directory) {
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (problem) return system_error("create directory", directory.native(), problem.value());
  const std::filesystem::path lock_path = directory / "lock";
  FileDescriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, public_file));
  if (!lock.is_open()) return system_error("open", lock_path.native(), errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("lock", lock_path.native(), errno);
    return invalid_input("node directory " + directory.native() +
                         " is in use by another starling process; give each node its own");
  }
  return Store(std::move(directory), std::move(lock));
}

std::filesystem::path Store::path_of(std::string_view name) const {
  return directory_ / name;
}

Result<crypto::SigningKey> Store::load_or_create_identity() {
  const auto path = path_of("identity");
  if (!has_file(path)) {
    std::string text = crypto::node_key_text(random_secret());
    auto written = write_atomically(path, bytes_of(text), {.mode = private_file});
    crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (!written) return std::unexpected(written.error());
  }
  return read_identity(directory_);
}

Result<std::optional<std::string>> Store::load_ticket() const {
  return read_ticket(directory_);
}

Result<void> Store::save_ticket(std::string_view ticket) {
  return write_ticket(directory_, ticket);
}

Result<std::optional<std::string>> Store::load_description() const {
  return read_description(directory_);
}

Result<void> Store::save_description(std::string_view description) {
  return write_atomically(path_of("description"), bytes_of(description));
}

std::optional<std::uint16_t> Store::load_port() const {
  const Result<Bytes> text = read_file(path_of("port"));
  if (!text) return std::nullopt;
  const auto* begin = reinterpret_cast<const char*>(text->data());
  std::uint16_t port = 0;
  const bool is_number = std::from_chars(begin, begin + text->size(), port).ec == std::errc{};
  return is_number && port != 0 ? std::optional(port) : std::nullopt;
}

Result<void> Store::save_port(std::uint16_t port) {
  return write_atomically(path_of("port"), bytes_of(std::to_string(port) + "\n"));
}

Result<LoadedPeers> Store::load_peers() const {
  const auto path = path_of("peers");
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  if (!*text) return LoadedPeers{};
  ReadPeers read = read_peer_file(**text);
  LoadedPeers loaded{std::move(read.peers), {}};
  if (read.bad_lines > 0) {
    loaded.warning = path.native() + " is damaged: " + std::to_string(read.bad_lines) +
                     " of its lines were left out; it is mended as soon as other nodes are met";
  }
  return loaded;
}

Result<void> Store::save_peers(const node::RememberedPeers& peers) {
  return write_atomically(path_of("peers"), bytes_of(peer_file_text(peers)));
}

Result<LoadedCheckpoint> Store::load_checkpoint() {
  LoadedCheckpoint loaded;
  for (const std::string_view name : {"checkpoint", "checkpoint.previous"}) {
    const auto path = path_of(name);
    if (!has_file(path)) continue;
    if (auto state = read_checkpoint(path)) {
      loaded.state = std::move(*state);
      return loaded;
    }
    loaded.warning = path.native() + " is damaged; going on from the checkpoint before it";
    // Out of the way, or the next save would put it in the place of the good one.
    std::error_code ignored;
    std::filesystem::rename(path, path.native() + ".damaged", ignored);
  }
  if (loaded.warning.empty()) return loaded;
  return invalid_input("every checkpoint in " + directory_.native() +
                       " is damaged (kept as *.damaged); start again to train from the beginning");
}

Result<void> Store::save_checkpoint(ByteSpan state) {
  return save_checkpoint([state](const std::function<void(ByteSpan)>& write) { write(state); });
}

Result<void> Store::save_checkpoint(const Pieces& write_state) {
  const auto path = path_of("checkpoint");
  const auto fresh = path_of("checkpoint.fresh");
  const auto fill = [&write_state](int fd) { return write_checkpoint(fd, write_state); };
  if (auto written = write_atomically(fresh, fill); !written) return written;
  std::error_code problem;
  if (has_file(path)) std::filesystem::rename(path, path_of("checkpoint.previous"), problem);
  if (!problem) std::filesystem::rename(fresh, path, problem);
  if (problem) return system_error("replace", path.native(), problem.value());
  return sync_directory(directory_);
}

bool Store::has_start() const {
  return has_file(path_of("start"));
}

Result<void> Store::save_start(ByteSpan state) {
  return write_atomically(path_of("start"), [state](int fd) {
    return write_checkpoint(fd, [state](const auto& write) { write(state); });
  });
}

Result<std::vector<Bytes>> Store::load_votes() {
  Result<RecordLog> log = RecordLog::open(path_of("votes.log"));
  if (!log) return std::unexpected(log.error());
  votes_ = std::move(*log);
  return votes_->take_records();
}

Result<void> Store::append_votes(ByteSpan packet) {
  STARLING_CHECK(votes_.has_value());
  return votes_->append(packet);
}

Result<void> Store::append_metric(std::string_view line) {
  return metrics_.append(line);
}

Result<void> Store::save_status(std::string_view json) {
  return write_atomically(path_of("status.json"), bytes_of(json), {.survives_power_cut = false});
}

Result<void> Store::save_model(ByteSpan safetensors, std::string_view manifest_json) {
  if (auto saved = write_atomically(path_of("model.safetensors"), safetensors); !saved) {
    return saved;
  }
  return write_atomically(path_of("manifest.json"), bytes_of(manifest_json));
}

}  // namespace starling::runtime

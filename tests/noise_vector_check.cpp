// noise_vector_check FILE...: runs Noise test vectors in cacophony's JSON form through crypto/ and
// prints "N passed, M failed", and how many it skipped because their protocol is not built here.
// Fields that published files leave out or leave empty (prologues, psks, handshake_hash) may be
// missing. Exit status: 0 if all pass, 1 if one fails, 2 for a bad file or one with nothing to
// check.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "crypto/handshake.h"
#include "crypto/sealed_channel.h"
#include "starling/ids.h"

namespace starling::crypto {
namespace {

using Json = nlohmann::json;

Bytes hex_field(const Json& object, const char* name) {
  auto bytes = from_hex(object.value(name, std::string()));
  if (!bytes) throw std::runtime_error(std::string("field is not hexadecimal: ") + name);
  return *std::move(bytes);
}

std::array<std::uint8_t, 32> as_array(const Bytes& bytes) {
  if (bytes.size() != 32) {
    throw std::runtime_error("a key has " + std::to_string(bytes.size()) + " bytes; allowed: 32");
  }
  std::array<std::uint8_t, 32> array;
  std::ranges::copy(bytes, array.begin());
  return array;
}

using Protocol = std::pair<HandshakePattern, HashFunction>;

/// Cacophony writes "protocol_name", the Noise wiki's and older files "name".
std::string protocol_name(const Json& vector) {
  return vector.at(vector.contains("protocol_name") ? "protocol_name" : "name").get<std::string>();
}

/// Nothing for a protocol that is not built here.
std::optional<Protocol> parse_protocol(const std::string& name) {
  const std::map<std::string, HandshakePattern> patterns = {{"XX", HandshakePattern::xx},
                                                            {"XXpsk3", HandshakePattern::xx_psk3},
                                                            {"IK", HandshakePattern::ik},
                                                            {"IKpsk2", HandshakePattern::ik_psk2}};
  const std::map<std::string, HashFunction> hashes = {{"SHA256", HashFunction::sha256},
                                                      {"BLAKE2b", HashFunction::blake2b}};
  for (const auto& [pattern_name, pattern] : patterns) {
    for (const auto& [hash_name, hash] : hashes) {
      if (name == "Noise_" + pattern_name + "_25519_ChaChaPoly_" + hash_name) {
        return Protocol{pattern, hash};
      }
    }
  }
  return std::nullopt;
}

/// The one pre-shared key, where the vector has one.
std::optional<Secret<32>> psk_of(const Json& vector, const std::string& side) {
  const Json psks = vector.value(side + "psks", Json::array());
  if (psks.empty()) return std::nullopt;
  const auto psk = from_hex(psks.at(0).get<std::string>());
  if (!psk) throw std::runtime_error("psk is not hexadecimal");
  return Secret<32>(as_array(*psk));
}

HandshakeState make_side(const Json& vector, const Protocol& protocol, HandshakeRole role) {
  const std::string side = role == HandshakeRole::initiator ? "init_" : "resp_";
  const auto field = [&](const char* name) { return hex_field(vector, (side + name).c_str()); };
  HandshakeOptions options;
  std::tie(options.pattern, options.hash) = protocol;
  options.role = role;
  options.prologue = field("prologue");
  options.static_key = AgreementKeyPair::from_secret(Secret<32>(as_array(field("static"))));
  options.ephemeral_secret = Secret<32>(as_array(field("ephemeral")));
  if (vector.contains(side + "remote_static")) {
    options.remote_static = as_array(field("remote_static"));
  }
  options.psk = psk_of(vector, side);
  return HandshakeState(std::move(options));
}

/// The two directions after the handshake, as sealing end and opening end.
struct Direction {
  explicit Direction(const Secret<32>& key)
      : sealing(FrameKey(key, 256)), opening(FrameKey(key, 256)) {}

  bool carries(const Bytes& payload, const Bytes& ciphertext) {
    Bytes sealed(payload.size() + seal_overhead_bytes);
    if (!sealing.seal(payload, sealed) || sealed != ciphertext) return false;
    const auto opened = opening.open(sealed);
    return opened && std::ranges::equal(*opened, payload);
  }

  SealingKey sealing;
  OpeningKey opening;
};

bool handshake_message_matches(HandshakeState& writer, HandshakeState& reader,
                               const Json& message) {
  const Bytes payload = hex_field(message, "payload");
  const auto written = writer.write_message(payload);
  if (!written || *written != hex_field(message, "ciphertext")) return false;
  const auto read = reader.read_message(*written);
  return read && *read == payload;
}

/// True if both results have the hash that the vector names, or it names none.
bool hash_matches(const Json& vector, const HandshakeResult& one, const HandshakeResult& other) {
  if (!vector.contains("handshake_hash")) return true;
  const Bytes expected = hex_field(vector, "handshake_hash");
  return std::ranges::equal(one.handshake_hash.bytes(), expected) &&
         std::ranges::equal(other.handshake_hash.bytes(), expected);
}

bool passes(const Json& vector, const Protocol& protocol) {
  HandshakeState initiator = make_side(vector, protocol, HandshakeRole::initiator);
  HandshakeState responder = make_side(vector, protocol, HandshakeRole::responder);
  const Json& messages = vector.at("messages");
  std::size_t next = 0;
  for (; !initiator.finished(); ++next) {
    auto& writer = initiator.my_turn() ? initiator : responder;
    auto& reader = initiator.my_turn() ? responder : initiator;
    if (!handshake_message_matches(writer, reader, messages.at(next))) return false;
  }
  const HandshakeResult keys = initiator.split();
  if (!hash_matches(vector, keys, responder.split())) return false;
  // Messages go on alternating; the initiator spoke at even positions.
  Direction from_initiator(keys.send_key);
  Direction from_responder(keys.receive_key);
  for (; next < messages.size(); ++next) {
    Direction& direction = next % 2 == 0 ? from_initiator : from_responder;
    const Json& message = messages[next];
    if (!direction.carries(hex_field(message, "payload"), hex_field(message, "ciphertext"))) {
      return false;
    }
  }
  return true;
}

struct Tally {
  int passed = 0;
  int failed = 0;
  std::map<std::string, int> skipped = {};  ///< By protocol.
};

void check_file(const char* path, Tally& tally) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot be read");
  const Json content = Json::parse(file);
  const Json& vectors = content.at("vectors");
  int checked = 0;
  for (const Json& vector : vectors) {
    const std::string name = protocol_name(vector);
    const auto protocol = parse_protocol(name);
    if (!protocol) {
      ++tally.skipped[name];
      continue;
    }
    ++checked;
    const bool is_good = passes(vector, *protocol);
    ++(is_good ? tally.passed : tally.failed);
    if (!is_good) std::printf("failed: %s\n", name.c_str());
  }
  if (checked > 0) return;
  throw std::runtime_error("nothing to check among its " + std::to_string(vectors.size()) +
                           " vectors; known: XX, XXpsk3, IK and IKpsk2 with 25519, ChaChaPoly and "
                           "SHA256 or BLAKE2b");
}

void print(const Tally& tally) {
  int skipped = 0;
  for (const auto& [name, count] : tally.skipped) {
    std::printf("skipped: %s (%d)\n", name.c_str(), count);
    skipped += count;
  }
  std::printf("%d passed, %d failed", tally.passed, tally.failed);
  if (skipped > 0) std::printf(", %d skipped", skipped);
  std::printf("\n");
}

}  // namespace
}  // namespace starling::crypto

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: noise_vector_check FILE...\n");
    return 2;
  }
  starling::crypto::Tally tally;
  for (int i = 1; i < argc; ++i) {
    try {
      starling::crypto::check_file(argv[i], tally);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "noise_vector_check: %s: %s\n", argv[i], error.what());
      return 2;
    }
  }
  print(tally);
  return tally.failed == 0 ? 0 : 1;
}

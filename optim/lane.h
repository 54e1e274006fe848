#pragma once
// A lane: one vector that travels, with its codec, memory, mixer and outer step.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "optim/codec/codec.h"
#include "optim/layout.h"
#include "optim/memory/memory.h"
#include "optim/mixer/mixer.h"
#include "optim/outer/outer_step.h"
#include "optim/recipe.h"
#include "optim/vectors.h"

namespace starling::optim {

/// One lane's bytes in a payload, with the key they were encoded under.
struct LaneBytes {
  ByteSpan bytes;
  CodecKey key;
};

/// A neighbour's part in a mix. edge_change, flow: what came over the edge is added to them; empty
/// where nobody counts.
template <class Scalar>
struct LanePeer {
  EdgeKey edge;
  Scalar weight = 0;
  LaneBytes payload;  ///< Not read where the memory copies peers.
  std::span<Scalar> edge_change;
  std::span<double> flow;
};

/// What a lane is made of. The layout and the vectors outlive it.
template <class Scalar>
struct LaneSite {
  const Layout& layout;
  Vectors<Scalar>& vectors;
  std::string name;  ///< Begins the names of its vectors.
  VectorId source;   ///< What is encoded.
  VectorId target;   ///< What mixing changes.
};

template <class Scalar>
class Lane {
 public:
  /// The source is now what all nodes agree on before the first payload.
  Lane(const GossipRecipe& recipe, const Chosen<OuterEntry>& outer, const LaneSite<Scalar>& site);

  [[nodiscard]] std::size_t encoded_bytes() const { return encoded_bytes_; }
  [[nodiscard]] Memory<Scalar>& memory() { return *memory_; }
  [[nodiscard]] const Memory<Scalar>& memory() const { return *memory_; }

  /// out: encoded_bytes(). Changes the memory.
  void encode(CodecKey key, std::span<std::uint8_t> out);

  /// True if `from`, encoded_bytes() of anybody, decodes to finite values everywhere.
  [[nodiscard]] bool accepts(const LaneBytes& from) const;

  /// Of memories that copy peers: adds accepted bytes to the copy of the neighbour.
  void hear(const EdgeKey& edge, const LaneBytes& from);

  /// Mixes the neighbours' vectors with the own one, each decoded once; of memories that copy peers
  /// the copies. own: what encode() made for this exchange; all bytes are accepted ones.
  void mix(const LaneBytes& own, std::span<const LanePeer<Scalar>> peers);

  /// The source was replaced: begins anew from it.
  void restart();

 private:
  struct Buffers;
  [[nodiscard]] ByteSpan bytes_of(std::size_t block, ByteSpan all) const {
    return all.subspan(offsets_[block], offsets_[block + 1] - offsets_[block]);
  }
  void decode(std::size_t block, const LaneBytes& from, std::span<Scalar> out) const;
  void view(std::size_t block, const LaneBytes& own, std::span<const LanePeer<Scalar>> peers,
            Buffers& buffers);

  Vectors<Scalar>& vectors_;
  VectorId source_;
  std::unique_ptr<Codec<Scalar>> codec_;
  std::span<const Block> blocks_;
  std::vector<std::size_t> offsets_;  // of each block's bytes, and the end
  std::size_t encoded_bytes_;
  bool copies_peers_;
  bool learns_from_sending_;
  MixerTraits mixing_;
  std::unique_ptr<Memory<Scalar>> memory_;
  std::unique_ptr<Mixer<Scalar>> mixer_;
  std::unique_ptr<OuterStep<Scalar>> outer_;
};

extern template class Lane<float>;
extern template class Lane<double>;

}  // namespace starling::optim

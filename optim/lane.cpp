#include "optim/lane.h"

#include <algorithm>

#include "starling/rng.h"

namespace starling::optim {
namespace {

[[nodiscard]] CodecKey block_key(CodecKey lane, std::uint64_t index) {
  return {.shared = split_mix(lane.shared + index), .own = split_mix(lane.own + index)};
}

[[nodiscard]] std::size_t longest(std::span<const Block> blocks) {
  std::size_t values = 0;
  for (const Block& block : blocks) values = std::max(values, block.count());
  return values;
}

}  // namespace

/// A block's values of this node and of each neighbour, and what becomes of them.
template <class Scalar>
struct Lane<Scalar>::Buffers {
  Buffers(std::size_t values, std::size_t decoded_vectors)
      : change(values), values_max(values), decoded(values * decoded_vectors) {}

  [[nodiscard]] std::span<Scalar> slot(std::size_t index, std::size_t count) {
    return std::span(decoded).subspan(index * values_max, count);
  }

  std::span<const Scalar> own;
  std::vector<Heard<Scalar>> heard;
  std::vector<Scalar> change;
  std::size_t values_max;
  std::vector<Scalar> decoded;
};

template <class Scalar>
Lane<Scalar>::Lane(const GossipRecipe& recipe, const Chosen<OuterEntry>& outer,
                   const LaneSite<Scalar>& site)
    : vectors_(site.vectors),
      source_(site.source),
      codec_(recipe.codec.make<Scalar>(typename Codec<Scalar>::Site{})),
      blocks_(recipe.codec.traits().is_shaped ? site.layout.shaped() : site.layout.flat()),
      encoded_bytes_(0),
      copies_peers_(recipe.memory.traits().copies_peers),
      learns_from_sending_(recipe.memory.traits().learns_from_sending),
      mixing_(recipe.mixer.traits()),
      memory_(recipe.memory.make<Scalar>(typename Memory<Scalar>::Site{
          .vectors = vectors_, .lane = site.name, .start = vectors_.at(source_)})),
      mixer_(recipe.mixer.make<Scalar>(typename Mixer<Scalar>::Site{})),
      outer_(outer.make<Scalar>(typename OuterStep<Scalar>::Site{
          .vectors = vectors_, .target = site.target, .start = vectors_.at(site.target)})) {
  for (const Block& block : blocks_) {
    offsets_.push_back(encoded_bytes_);
    encoded_bytes_ += codec_->encoded_bytes(block);
  }
  offsets_.push_back(encoded_bytes_);
}

template <class Scalar>
void Lane<Scalar>::decode(std::size_t block, const LaneBytes& from, std::span<Scalar> out) const {
  codec_->decode(blocks_[block], bytes_of(block, from.bytes), block_key(from.key, block), out);
}

template <class Scalar>
void Lane<Scalar>::encode(CodecKey key, std::span<std::uint8_t> out) {
  std::vector<Scalar> pending_buffer(longest(blocks_));
  std::vector<Scalar> decoded_buffer(learns_from_sending_ ? pending_buffer.size() : 0);
  const std::span<const Scalar> source = vectors_.at(source_);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    const auto pending = std::span(pending_buffer).first(block.count());
    memory_->before_encode(block, at_block(source, block), pending);
    const auto bytes = out.subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
    const CodecKey own_key = block_key(key, i);
    codec_->encode(block, pending, own_key, bytes);
    // A diverged vector does not decode, here or anywhere else; nobody's memory takes it in.
    if (!learns_from_sending_ || !codec_->accepts(block, bytes, own_key)) continue;
    const auto decoded = std::span(decoded_buffer).first(block.count());
    codec_->decode(block, bytes, own_key, decoded);
    memory_->after_encode(block, pending, decoded);
  }
}

template <class Scalar>
bool Lane<Scalar>::accepts(const LaneBytes& from) const {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (!codec_->accepts(blocks_[i], bytes_of(i, from.bytes), block_key(from.key, i))) return false;
  }
  return true;
}

template <class Scalar>
void Lane<Scalar>::hear(const EdgeKey& edge, const LaneBytes& from) {
  std::vector<Scalar> buffer(longest(blocks_));
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto decoded = std::span(buffer).first(blocks_[i].count());
    decode(i, from, decoded);
    memory_->heard(edge, blocks_[i], decoded);
  }
}

template <class Scalar>
void Lane<Scalar>::view(std::size_t block, const LaneBytes& own,
                        std::span<const LanePeer<Scalar>> peers, Buffers& buffers) {
  const Block& at = blocks_[block];
  const auto decoded = [&](std::size_t slot, const LaneBytes& from) {
    const auto out = buffers.slot(slot, at.count());
    decode(block, from, out);
    return std::span<const Scalar>(out);
  };
  buffers.heard.clear();
  buffers.own = copies_peers_ ? at_block(memory_->own_copy(), at) : decoded(0, own);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const auto values = copies_peers_ ? at_block(memory_->copy_of(peers[i].edge), at)
                                      : decoded(i + 1, peers[i].payload);
    buffers.heard.push_back({peers[i].edge, peers[i].weight, values});
  }
}

template <class Scalar>
void Lane<Scalar>::mix(const LaneBytes& own, std::span<const LanePeer<Scalar>> peers) {
  if (peers.empty()) return;
  Buffers buffers(longest(blocks_), copies_peers_ ? 0 : peers.size() + 1);
  mixer_->begin(peers.size());
  for (std::size_t i = 0; i < blocks_.size() && mixing_.measures; ++i) {
    view(i, own, peers, buffers);
    mixer_->measure(buffers.own, buffers.heard);
  }
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    view(i, own, peers, buffers);
    const auto change = std::span(buffers.change).first(blocks_[i].count());
    mixer_->mix(buffers.own, buffers.heard, change);
    outer_->apply(blocks_[i], change);
    for (std::size_t peer = 0; peer < peers.size() && mixing_.is_linear; ++peer) {
      const Heard<Scalar>& heard = buffers.heard[peer];
      const auto edge_change = at_block(peers[peer].edge_change, blocks_[i]);
      add_difference(heard.weight, heard.values, buffers.own, edge_change);
      add_difference(heard.weight, heard.values, buffers.own,
                     at_block(peers[peer].flow, blocks_[i]));
    }
  }
}

template <class Scalar>
void Lane<Scalar>::restart() {
  memory_->restart(vectors_.at(source_));
  outer_->restart();
}

template class Lane<float>;
template class Lane<double>;

}  // namespace starling::optim

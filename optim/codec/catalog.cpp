#include "optim/codec/codec.h"

namespace starling::optim {

extern const CodecEntry identity_codec;
extern const CodecEntry quantize_codec;
extern const CodecEntry top_k_codec;
extern const CodecEntry random_k_codec;
extern const CodecEntry sign_codec;
extern const CodecEntry dct_top_k_codec;

const Catalog<CodecEntry>& codecs() {
  static constexpr std::array rows{&identity_codec, &quantize_codec, &top_k_codec,
                                   &random_k_codec, &sign_codec,     &dct_top_k_codec};
  static constexpr Catalog<CodecEntry> catalog(
      {.key = "codec", .meaning = "how a block of values becomes bytes"}, rows);
  return catalog;
}

}  // namespace starling::optim

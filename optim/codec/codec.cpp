#include "optim/codec/codec.h"

namespace starling::optim {

template <class Scalar>
std::unique_ptr<Codec<Scalar>> make_codec(const CodecRule& rule) {
  switch (rule.kind) {
    case CodecKind::quantize:
      return quantize_codec<Scalar>(rule);
    case CodecKind::top_k:
      return top_k_codec<Scalar>(rule);
    case CodecKind::random_k:
      return random_k_codec<Scalar>(rule);
    case CodecKind::sign:
      return sign_codec<Scalar>();
    case CodecKind::identity:
      break;
  }
  return identity_codec<Scalar>();
}

template std::unique_ptr<Codec<float>> make_codec(const CodecRule&);
template std::unique_ptr<Codec<double>> make_codec(const CodecRule&);

}  // namespace starling::optim

#include "crypto/byte_order.h"

namespace starling::crypto {

// Not inline: g++ 12 warns of an overflow that is not there when it inlines this into a caller that
// has just built a vector of known size.
void append(Bytes& out, ByteSpan bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace starling::crypto

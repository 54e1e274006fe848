#pragma once
// Comparisons that Cap'n Proto 0.9.2 uses itself but leaves out under C++20, counting on reversed
// operator candidates; clang does not consider those beside an operator!= (P2468), g++ 12 does.

#include <kj/string.h>

namespace kj {

inline bool operator==(const char* a, const StringPtr& b) {
  return b.operator==(a);
}
inline bool operator!=(const char* a, const StringPtr& b) {
  return b.operator!=(a);
}

}  // namespace kj

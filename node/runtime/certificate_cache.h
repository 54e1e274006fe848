#pragma once
// The static key of this process under its node's signature, made anew before it expires.

#include <cstdint>
#include <optional>

#include "crypto/identity.h"
#include "node/runtime/platform.h"
#include "starling/ids.h"

namespace starling::runtime {

class CertificateCache {
 public:
  [[nodiscard]] const crypto::CertifiedStaticKey& of(const crypto::SigningKey& key,
                                                     const RunId& run) {
    const UnixSeconds now = unix_now();
    const bool is_fresh =
        certified_ && now.value + lifetime_s / 2 <= certified_->certificate.expiry.value;
    if (!is_fresh) {
      certified_ = crypto::certify_static_key(key, random_secret(), run, {now.value + lifetime_s});
    }
    return *certified_;
  }

 private:
  /// A key is used for new handshakes during the first half of this time.
  static constexpr std::int64_t lifetime_s = 24 * 3600;

  std::optional<crypto::CertifiedStaticKey> certified_;
};

}  // namespace starling::runtime

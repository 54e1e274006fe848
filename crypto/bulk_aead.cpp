#include "crypto/bulk_aead.h"

#include <openssl/evp.h>

#include <limits>

#include "crypto/aead.h"
#include "starling/check.h"

namespace starling::crypto {
namespace {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using Library = std::unique_ptr<OSSL_LIB_CTX, Releaser<OSSL_LIB_CTX_free>>;
using Cipher = std::unique_ptr<EVP_CIPHER, Releaser<EVP_CIPHER_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Releaser<EVP_CIPHER_CTX_free>>;

/// From a library context of its own, because the process's common one belongs to whoever embeds us
/// and may be told to offer other ciphers. (libcrypto still reads its configuration file once; to
/// forbid that would forbid it to the embedder, too.) Null if libcrypto lacks the cipher.
const EVP_CIPHER* cipher() {
  static const Library library(OSSL_LIB_CTX_new());
  static const Cipher found(EVP_CIPHER_fetch(library.get(), "ChaCha20-Poly1305", nullptr));
  return found.get();
}

}  // namespace

struct BulkAead::Context {
  CipherContext cipher{EVP_CIPHER_CTX_new()};
  bool is_available = crypto::cipher() != nullptr && cipher != nullptr;

  /// Prepares one frame. seals: else it opens.
  void begin(const Secret<32>& key, std::uint64_t counter, bool seals) const {
    const AeadNonce nonce = aead_nonce(counter);
    STARLING_CHECK(EVP_CipherInit_ex2(cipher.get(), crypto::cipher(), key.bytes().data(),
                                      nonce.data(), seals ? 1 : 0, nullptr) == 1);
  }

  void update(ByteSpan in, std::uint8_t* out) const {
    STARLING_CHECK(in.size() <= std::numeric_limits<int>::max());
    int written = 0;
    STARLING_CHECK(
        EVP_CipherUpdate(cipher.get(), out, &written, in.data(), static_cast<int>(in.size())) == 1);
    STARLING_CHECK(static_cast<std::size_t>(written) == in.size());
  }

  /// False: what was opened is not authentic.
  [[nodiscard]] bool finish() const {
    std::uint8_t nothing = 0;  // a stream cipher holds nothing back
    int written = 0;
    return EVP_CipherFinal_ex(cipher.get(), &nothing, &written) == 1;
  }
};

BulkAead::BulkAead() = default;
BulkAead::~BulkAead() = default;
BulkAead::BulkAead(BulkAead&&) noexcept = default;
BulkAead& BulkAead::operator=(BulkAead&&) noexcept = default;

bool BulkAead::is_available() {
  if (!context_) context_ = std::make_unique<Context>();
  return context_->is_available;
}

void BulkAead::seal(const Secret<32>& key, std::uint64_t counter, ByteSpan plaintext,
                    std::uint8_t* out) {
  STARLING_CHECK(is_available());
  context_->begin(key, counter, true);
  context_->update(plaintext, out);
  STARLING_CHECK(context_->finish());
  STARLING_CHECK(EVP_CIPHER_CTX_ctrl(context_->cipher.get(), EVP_CTRL_AEAD_GET_TAG, aead_tag_bytes,
                                     out + plaintext.size()) == 1);
}

bool BulkAead::open(const Secret<32>& key, std::uint64_t counter, std::span<std::uint8_t> sealed) {
  STARLING_CHECK(is_available());
  if (sealed.size() < aead_tag_bytes) return false;
  const auto content = sealed.first(sealed.size() - aead_tag_bytes);
  context_->begin(key, counter, false);
  STARLING_CHECK(EVP_CIPHER_CTX_ctrl(context_->cipher.get(), EVP_CTRL_AEAD_SET_TAG, aead_tag_bytes,
                                     content.data() + content.size()) == 1);
  context_->update(content, content.data());
  if (context_->finish()) return true;
  wipe(content);
  return false;
}

void BulkAead::forget() {
  if (context_ && context_->cipher) EVP_CIPHER_CTX_reset(context_->cipher.get());
}

}  // namespace starling::crypto

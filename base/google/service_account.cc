// The grant of a service account: a JWT signed with its key, for a token (RFC 7523).
#include <Poco/Base64Encoder.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <sstream>

#include "base/free_by.h"
#include "base/google/token_source.h"
#include "base/log.h"
#include "base/text.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr int kKeyBitsLeast = 2048;
// Signing with a larger one takes seconds.
constexpr int kKeyBitsMost = 8192;
constexpr auto kAssertionLifetime = std::chrono::hours(1);
constexpr std::string_view kCheckKey =
    "Check that the key still exists (gcloud iam service-accounts keys list --iam-account=EMAIL), "
    "that its account is enabled, and that this machine's clock is right.";

using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;

// Without it OpenSSL would ask the terminal for the pass phrase of an encrypted key.
int NoPassPhrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

Key ParseKey(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(bio == nullptr ? nullptr
                         : PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassPhrase, nullptr));
  ERR_clear_error();
  return key;
}

std::string Base64Url(std::string_view bytes) {
  std::ostringstream out;
  Poco::Base64Encoder encoder(out, Poco::BASE64_URL_ENCODING | Poco::BASE64_NO_PADDING);
  encoder.rdbuf()->setLineLength(0);
  encoder.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  encoder.close();
  return out.str();
}

std::string Sign(EVP_PKEY* key, std::string_view text) {
  const Digest digest(EVP_MD_CTX_new());
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  if (digest != nullptr &&
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) == 1) {
    std::string signature(size, '\0');
    auto* const out = reinterpret_cast<unsigned char*>(signature.data());
    if (EVP_DigestSign(digest.get(), out, &size, bytes, text.size()) == 1) {
      signature.resize(size);
      return signature;
    }
  }
  ERR_clear_error();
  return "";
}

class ServiceAccountGrant final : public TokenGrant {
 public:
  ServiceAccountGrant(Key key, std::string key_id, std::string email, std::string token_uri,
                      std::string scope, std::string quota_project)
      : key_(std::move(key)),
        key_id_(std::move(key_id)),
        email_(std::move(email)),
        token_uri_(std::move(token_uri)),
        scope_(std::move(scope)),
        quota_project_(std::move(quota_project)) {}

  Result<GrantedToken> Request(Clock* clock, std::stop_token stop) override {
    const int64_t now_s =
        std::chrono::floor<std::chrono::seconds>(clock->Now()).time_since_epoch().count();
    const json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", key_id_}};
    const json claims = {{"iss", email_},
                         {"scope", scope_},
                         {"aud", token_uri_},
                         {"iat", now_s},
                         {"exp", now_s + std::chrono::seconds(kAssertionLifetime).count()}};
    const std::string text = Base64Url(header.dump()) + "." + Base64Url(claims.dump());
    const std::string signature = Sign(key_.get(), text);
    if (signature.empty()) {
      return Fail(ErrorKind::kConfig, "bad_google_credentials",
                  fmt::format("the private key of {} does not sign", PeerText(email_)),
                  "Download the key again.");
    }
    const std::string assertion = text + "." + Base64Url(signature);
    // Good for a token as long as it lives, were a server's error to repeat it.
    const TemporarySecret hidden(assertion);
    return PostForToken(token_uri_,
                        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
                        "&assertion=" +
                            assertion,
                        PeerText(email_), kCheckKey, stop);
  }

  std::string QuotaProject() const override { return quota_project_; }

 private:
  const Key key_;
  const std::string key_id_;
  const std::string email_;
  const std::string token_uri_;
  const std::string scope_;
  const std::string quota_project_;
};

}  // namespace

Result<std::unique_ptr<TokenGrant>> NewServiceAccountGrant(const json& key,
                                                           const CredentialText& from,
                                                           const std::vector<std::string>& scopes) {
  const std::string pem = TextMember(key, "private_key");
  RegisterSecret(pem);
  const auto bad = [&](std::string_view why) {
    return Fail(ErrorKind::kConfig, "bad_google_credentials", fmt::format("{} {}", from.shown, why),
                "Download the key again: gcloud iam service-accounts keys create FILE "
                "--iam-account=EMAIL.");
  };
  const std::string email = TextMember(key, "client_email");
  if (email.empty()) return bad("has no client_email");
  if (pem.empty()) return bad("has no private_key");
  Key parsed = ParseKey(pem);
  if (parsed == nullptr) return bad("has a private_key that is no unencrypted PEM key");
  const int bits = EVP_PKEY_get_bits(parsed.get());
  if (EVP_PKEY_get_base_id(parsed.get()) != EVP_PKEY_RSA || bits < kKeyBitsLeast ||
      bits > kKeyBitsMost) {
    return bad("has a private_key that is no RSA key of 2048 to 8192 bits");
  }
  const std::string token_uri = TextMember(key, "token_uri");
  if (token_uri.empty()) return bad("has no token_uri");
  BIZOND_RETURN_IF_ERROR(CheckTokenUri(token_uri, from));
  for (const char* const member : {"client_email", "private_key_id", "token_uri"}) {
    if (!IsUtf8(TextMember(key, member))) return bad("is not UTF-8");
  }
  return std::make_unique<ServiceAccountGrant>(
      std::move(parsed), TextMember(key, "private_key_id"), email, token_uri,
      fmt::format("{}", fmt::join(scopes, " ")), TextMember(key, "quota_project_id"));
}

}  // namespace bizond

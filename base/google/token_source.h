// How the kinds of credentials ask for a token, and the source that keeps what they got: an affair
// of base/google/ alone.
//
// Threads: a TokenGrant is used by one thread at a time; NewTokenSource's source by any.
#ifndef BIZOND_BASE_GOOGLE_TOKEN_SOURCE_H_
#define BIZOND_BASE_GOOGLE_TOKEN_SOURCE_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/google/credentials.h"
#include "base/http_client.h"

namespace bizond {

struct GrantedToken {
  std::string token;
  Duration lifetime{};
};

class TokenGrant {
 public:
  virtual ~TokenGrant() = default;
  // One try; a transient error is tried again by the source.
  virtual Result<GrantedToken> Request(Clock* clock, std::stop_token stop) = 0;
  virtual std::string QuotaProject() const { return ""; }
};

std::shared_ptr<GoogleTokenSource> NewTokenSource(std::unique_ptr<TokenGrant> grant, Clock* clock);

// Where a credential text stands: the operator's file, or inline in a job.
struct CredentialText {
  std::string shown;  // For messages: a path, or "the service_account_key".
  bool of_job = false;
};

// A text member, "" when it is absent or no text.
std::string TextMember(const nlohmann::json& object, std::string_view key);
// See credentials.h on where a key may be sent. Code bad_google_credentials.
Status CheckTokenUri(const std::string& uri, const CredentialText& from);

// Each reads no network. Code bad_google_credentials.
Result<std::unique_ptr<TokenGrant>> NewServiceAccountGrant(const nlohmann::json& key,
                                                           const CredentialText& from,
                                                           const std::vector<std::string>& scopes);
Result<std::unique_ptr<TokenGrant>> NewAuthorizedUserGrant(const nlohmann::json& user,
                                                           const CredentialText& from);
std::unique_ptr<TokenGrant> NewMetadataGrant(const std::vector<std::string>& scopes);
// Of computeMetadata/v1/<path>; codes google_credentials_missing and google_token_unavailable.
Result<std::string> ReadMetadata(const std::string& path, std::stop_token stop);

// Posts a form to a token endpoint and reads its answer. Codes google_token_refused,
// google_token_unavailable.
Result<GrantedToken> PostForToken(const std::string& uri, std::string form, std::string_view who,
                                  std::string_view remedy, std::stop_token stop);
// An answer of the token endpoint or the metadata server with status 200.
Result<GrantedToken> ParseTokenAnswer(const std::string& body, std::string_view where);
// A peer's own word, made short and harmless for a message.
std::string PeerText(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_BASE_GOOGLE_TOKEN_SOURCE_H_

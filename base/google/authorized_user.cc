// The grant of a person: the refresh token that `gcloud auth application-default login` left.
#include "base/google/token_source.h"
#include "base/log.h"
#include "base/text.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr const char* kTokenUri = "https://oauth2.googleapis.com/token";
constexpr const char* kLogin = "Log in again: gcloud auth application-default login.";

class AuthorizedUserGrant final : public TokenGrant {
 public:
  AuthorizedUserGrant(std::string token_uri, std::string form, std::string who,
                      std::string quota_project)
      : token_uri_(std::move(token_uri)),
        form_(std::move(form)),
        who_(std::move(who)),
        quota_project_(std::move(quota_project)) {}

  Result<GrantedToken> Request(Clock* /*clock*/, std::stop_token stop) override {
    return PostForToken(token_uri_, form_, who_, kLogin, stop);
  }

  std::string QuotaProject() const override { return quota_project_; }

 private:
  const std::string token_uri_;
  const std::string form_;
  const std::string who_;
  const std::string quota_project_;
};

}  // namespace

Result<std::unique_ptr<TokenGrant>> NewAuthorizedUserGrant(const json& user,
                                                           const CredentialText& from) {
  std::string form = "grant_type=refresh_token";
  RegisterSecret(TextMember(user, "refresh_token"));
  RegisterSecret(TextMember(user, "client_secret"));
  for (const char* const key : {"client_id", "client_secret", "refresh_token"}) {
    const std::string value = TextMember(user, key);
    if (value.empty()) {
      return Fail(ErrorKind::kConfig, "bad_google_credentials", from.shown + " has no " + key,
                  kLogin);
    }
    form += std::string("&") + key + "=" + EncodePathSegment(value);
  }
  std::string token_uri = TextMember(user, "token_uri");
  if (token_uri.empty()) token_uri = kTokenUri;
  BIZOND_RETURN_IF_ERROR(CheckTokenUri(token_uri, from));
  return std::make_unique<AuthorizedUserGrant>(token_uri, form, "the user of " + from.shown,
                                               TextMember(user, "quota_project_id"));
}

}  // namespace bizond

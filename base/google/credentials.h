// Google's credentials: who bizond is to Google's services, as access tokens.
//
// Found in the order that Application Default Credentials document: an inline service-account key;
// GOOGLE_APPLICATION_CREDENTIALS; $CLOUDSDK_CONFIG or ~/.config/gcloud/
// application_default_credentials.json; the metadata server ($GCE_METADATA_HOST). Of credential
// files the types service_account (a JWT signed with RS256, RFC 7523) and authorized_user (a
// refresh token) are known; another type is an error that names it. An inline key is of a service
// account. A key is never written and never logged: keys and tokens go to RegisterSecret.
//
// Where a key is sent: its token_uri says. A file of the operator may name any https address, or
// http on the loopback (an emulator). An inline key comes with a job, whose author could have the
// daemon knock on doors inside of its network: it may name https addresses of Google only
// (*.googleapis.com, accounts.google.com), and those that the operator lists in
// $BIZOND_GOOGLE_TOKEN_URIS (whole addresses, separated by commas; by the same rule https, or http
// on the loopback). No redirect is followed.
//
// Error codes: google_credentials_missing, bad_google_credentials, google_token_refused (all
// config), google_token_unavailable (transient).
//
// Threads: any.
#ifndef BIZOND_BASE_GOOGLE_CREDENTIALS_H_
#define BIZOND_BASE_GOOGLE_CREDENTIALS_H_

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace bizond {

class GoogleTokenSource {
 public:
  virtual ~GoogleTokenSource() = default;
  // A token that is good for some minutes yet; asked for anew before it expires. Concurrent callers
  // share one request, and its error. A service that cannot be reached or answers 5xx is asked
  // three times. Ends early at a stop.
  virtual Result<std::string> AccessToken(std::stop_token stop) = 0;
  // The service refused the last token (401): the next call asks for another.
  virtual void Invalidate(std::string_view token) = 0;
  // What requests should name in x-goog-user-project; mostly empty.
  virtual std::string QuotaProject() const { return ""; }
};

struct GoogleAuth {
  std::string service_account_key;  // JSON text; empty: Application Default Credentials.
  std::vector<std::string> scopes = {"https://www.googleapis.com/auth/cloud-platform"};
};

// One source a set of credentials and scopes, shared by all who ask for it for as long as one of
// them holds it; `clock` must live as long. Reads no network: a wrong file is an error here, a
// refused key, or that there are no credentials at all (no metadata server answers), one of
// AccessToken.
Result<std::shared_ptr<GoogleTokenSource>> FindGoogleCredentials(const GoogleAuth& auth,
                                                                 Clock* clock);

// The project of Application Default Credentials: $GOOGLE_CLOUD_PROJECT, $GCLOUD_PROJECT, the
// credential file's project_id, the metadata server's. Code google_credentials_missing when none of
// them says.
Result<std::string> FindGoogleProject(std::stop_token stop);

}  // namespace bizond

#endif  // BIZOND_BASE_GOOGLE_CREDENTIALS_H_

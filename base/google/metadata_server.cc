// The grant of a machine in Google's cloud: its metadata server gives the token of the service
// account that is attached to it.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/fs.h"
#include "base/google/token_source.h"
#include "base/text.h"

namespace bizond {
namespace {

constexpr uint64_t kMetadataAnswerBytesMost = 64 << 10;
constexpr auto kMetadataTimeout = std::chrono::seconds(3);
constexpr std::string_view kRemedy =
    "Name a key file in GOOGLE_APPLICATION_CREDENTIALS, give service_account_key, run "
    "`gcloud auth application-default login`, or attach a service account to the machine.";

std::string HostInEnvironment() {
  const char* const host = std::getenv("GCE_METADATA_HOST");
  return host == nullptr ? "" : host;
}

// Whether there ought to be a metadata server: then its silence passes.
bool IsGoogleMachine() {
  if (!HostInEnvironment().empty()) return true;
  const Result<std::string> product = ReadWholeFile("/sys/class/dmi/id/product_name", 4096);
  return product && product->starts_with("Google");
}

Failure Missing(std::string_view why) {
  return Fail(ErrorKind::kConfig, "google_credentials_missing",
              fmt::format("no Google credentials: {}", why), std::string(kRemedy));
}

Failure MetadataUnavailable(std::string message) {
  return Fail(ErrorKind::kTransient, "google_token_unavailable", std::move(message),
              "Try again; look whether the machine reaches its metadata server.");
}

class MetadataGrant final : public TokenGrant {
 public:
  explicit MetadataGrant(std::string path) : path_(std::move(path)) {}

  Result<GrantedToken> Request(Clock* /*clock*/, std::stop_token stop) override {
    BIZOND_ASSIGN_OR_RETURN(const std::string body, ReadMetadata(path_, stop));
    return ParseTokenAnswer(body, "the metadata server");
  }

 private:
  const std::string path_;
};

}  // namespace

Result<std::string> ReadMetadata(const std::string& path, std::stop_token stop) {
  std::string host = HostInEnvironment();
  if (host.empty()) host = "metadata.google.internal";
  HttpRequest request;
  request.url = fmt::format("http://{}/computeMetadata/v1/{}", host, path);
  request.headers = {{"Metadata-Flavor", "Google"}};
  request.timeout = kMetadataTimeout;
  request.max_response_bytes = kMetadataAnswerBytesMost;
  HttpClient client;
  const Result<HttpResponse> response = client.Send(request, stop);
  if (!response) {
    if (response.error().kind == ErrorKind::kStopped) return Failure(response.error());
    const std::string why = PeerText(response.error().message);
    if (response.error().kind == ErrorKind::kTransient && IsGoogleMachine()) {
      return MetadataUnavailable("the metadata server does not answer: " + why);
    }
    return Missing("neither a key nor a credential file, and no metadata server: " + why);
  }
  const std::pair<std::string, std::string> flavor = {"metadata-flavor", "Google"};
  const auto& headers = response->headers;
  if (std::find(headers.begin(), headers.end(), flavor) == headers.end()) {
    // A captive portal or a proxy: what it says is not Google's.
    return Missing(fmt::format("what answers as {} is no metadata server", PeerText(host)));
  }
  if (response->status == 200) return response->body;
  const std::string message =
      fmt::format("the metadata server answered {} for {}", response->status, PeerText(path));
  if (response->status >= 500 || response->status == 429) return MetadataUnavailable(message);
  return Missing(message + ": the machine has no service account, or not these scopes");
}

std::unique_ptr<TokenGrant> NewMetadataGrant(const std::vector<std::string>& scopes) {
  std::string path = "instance/service-accounts/default/token";
  if (!scopes.empty()) {
    path += "?scopes=" + EncodePathSegment(fmt::format("{}", fmt::join(scopes, ",")));
  }
  return std::make_unique<MetadataGrant>(path);
}

}  // namespace bizond

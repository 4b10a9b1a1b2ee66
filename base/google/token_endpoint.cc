// What a token endpoint is sent and what its answers mean (RFC 6749, sections 5.1 and 5.2).
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/google/token_source.h"
#include "base/log.h"
#include "base/text.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr uint64_t kTokenAnswerBytesMost = 64 << 10;
constexpr size_t kTokenBytesMost = 16 << 10;
constexpr size_t kPeerTextBytesMost = 300;
constexpr int64_t kLifetimeLongest_s = 24 * 3600;
// For an endpoint that does not say how long its token lives.
constexpr int64_t kLifetimeUnsaid_s = 600;

struct UrlParts {
  std::string scheme;
  std::string host;
};

std::optional<UrlParts> PartsOf(const std::string& text) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  if (url == nullptr || text.find('\0') != std::string::npos ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return std::nullopt;
  }
  const auto part = [&url](CURLUPart which) {
    char* value = nullptr;
    if (curl_url_get(url.get(), which, &value, 0) != CURLUE_OK) return std::string();
    std::string copy = value;
    curl_free(value);
    return copy;
  };
  // Somebody's password in an address would be shown by messages.
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty()) return std::nullopt;
  return UrlParts{part(CURLUPART_SCHEME), part(CURLUPART_HOST)};
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

bool IsListed(const std::string& uri) {
  const char* const listed = std::getenv("BIZOND_GOOGLE_TOKEN_URIS");
  std::string_view rest = listed == nullptr ? "" : listed;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    if (rest.substr(0, comma) == uri) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

std::optional<std::chrono::milliseconds> RetryAfter(const HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    int64_t seconds = 0;
    const char* const end = value.data() + value.size();
    if (name != "retry-after" || std::from_chars(value.data(), end, seconds).ptr != end) continue;
    return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, 3600));
  }
  return std::nullopt;
}

std::optional<int64_t> LifetimeOf(const json& answer) {
  const auto found = answer.find("expires_in");
  if (found == answer.end()) return kLifetimeUnsaid_s;
  if (found->is_number()) {
    const double seconds = found->get<double>();
    if (!(seconds >= 1)) return std::nullopt;
    return static_cast<int64_t>(std::min(seconds, static_cast<double>(kLifetimeLongest_s)));
  }
  if (!found->is_string()) return std::nullopt;
  const auto& text = found->get_ref<const std::string&>();
  int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, seconds).ptr != end || seconds < 1) return std::nullopt;
  return std::min(seconds, kLifetimeLongest_s);
}

// What a header can carry and what nothing can hide in.
bool IsBearerToken(std::string_view token) {
  return !token.empty() && token.size() <= kTokenBytesMost &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

Failure TokenUnavailable(std::string message) {
  return Fail(ErrorKind::kTransient, "google_token_unavailable", std::move(message),
              "Try again; https://status.cloud.google.com tells of outages.");
}

}  // namespace

std::string TextMember(const json& object, std::string_view key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string PeerText(std::string_view text) {
  // Redacted before it is cut: half a token would not be found any more.
  const std::string redacted = Redact(text);
  std::string shown = EscapeControls(std::string_view(redacted).substr(0, kPeerTextBytesMost));
  return redacted.size() > kPeerTextBytesMost ? shown + "..." : shown;
}

Status CheckTokenUri(const std::string& uri, const CredentialText& from) {
  const auto bad = [&](std::string_view why, std::string_view remedy) {
    return Fail(ErrorKind::kConfig, "bad_google_credentials",
                fmt::format("the token_uri of {}, {}, {}", from.shown, PeerText(uri), why),
                std::string(remedy));
  };
  const std::optional<UrlParts> parts = PartsOf(uri);
  if (!parts || (parts->scheme != "https" && parts->scheme != "http")) {
    return bad("is no https address", "Download the key again; Google writes a token_uri in it.");
  }
  if (parts->scheme == "http" && !IsLoopback(parts->host)) {
    return bad("is not encrypted", "Name an https address; http is for the loopback only.");
  }
  if (!from.of_job || IsListed(uri)) return {};
  std::string host = parts->host;
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (parts->scheme == "https" &&
      (host.ends_with(".googleapis.com") || host == "accounts.google.com")) {
    return {};
  }
  return bad("is not Google's, and a job's key may be sent nowhere else",
             "Use the key as Google made it, or let the operator list the address in "
             "BIZOND_GOOGLE_TOKEN_URIS.");
}

Result<GrantedToken> ParseTokenAnswer(const std::string& body, std::string_view where) {
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  const std::string token = TextMember(answer, "access_token");
  if (!IsBearerToken(token))
    return TokenUnavailable(fmt::format("{} answered without a token", where));
  const std::optional<int64_t> lifetime_s = LifetimeOf(answer);
  if (!lifetime_s) {
    return TokenUnavailable(fmt::format("{} answered with a token that has expired", where));
  }
  return GrantedToken{token, std::chrono::seconds(*lifetime_s)};
}

Result<GrantedToken> PostForToken(const std::string& uri, std::string form, std::string_view who,
                                  std::string_view remedy, std::stop_token stop) {
  HttpRequest request;
  request.method = "POST";
  request.url = uri;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  request.body = std::move(form);
  request.max_response_bytes = kTokenAnswerBytesMost;
  HttpClient client;
  Result<HttpResponse> response = client.Send(request, stop);
  const std::string where = PeerText(uri);
  if (!response) {
    if (response.error().kind != ErrorKind::kTransient) return Failure(response.error());
    return TokenUnavailable(
        fmt::format("no token for {}: {}", who, PeerText(response.error().message)));
  }
  if (response->status == 200) return ParseTokenAnswer(response->body, where);
  const json answer = json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  const std::string word = TextMember(answer, "error");
  const std::string message =
      fmt::format("no token for {}: {} answered {}: {} {}", who, where, response->status,
                  PeerText(word), PeerText(TextMember(answer, "error_description")));
  if (response->status >= 500 || response->status == 429 || response->status == 408) {
    Failure failure = TokenUnavailable(message);
    failure.value().retry_after = RetryAfter(*response);
    return failure;
  }
  return Fail(ErrorKind::kConfig, "google_token_refused", message, std::string(remedy));
}

}  // namespace bizond

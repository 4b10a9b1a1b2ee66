#include "base/http_url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "base/address_guard.h"
#include "base/log.h"
#include "base/text.h"

namespace bizond {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

bool SetUrl(CURLU* url, const std::string& text, unsigned flags) {
  return url != nullptr && text.find('\0') == std::string::npos &&
         curl_url_set(url, CURLUPART_URL, text.c_str(), flags) == CURLUE_OK;
}

// Without what may hold secrets.
std::string Shown(const std::string& text) {
  return EscapeControls(Redact(text.substr(0, text.find_first_of("?#"))));
}

// nullopt: not one of http or https.
std::optional<HttpTarget> Read(CURLU* url) {
  HttpTarget target;
  target.scheme = Part(url, CURLUPART_SCHEME);
  if (target.scheme != "http" && target.scheme != "https") return std::nullopt;
  target.url = Part(url, CURLUPART_URL);
  target.host = Part(url, CURLUPART_HOST);
  for (char& c : target.host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  // libcurl's parser lets no port pass that is larger than 65535.
  const std::string port = Part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  target.port = static_cast<uint16_t>(std::stoul(port));
  for (const CURLUPart hidden :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(url, hidden, nullptr, 0);
  }
  target.shown = EscapeControls(Redact(Part(url, CURLUPART_URL)));
  return target;
}

}  // namespace

bool HttpTarget::IsLoopback() const {
  if (host == "localhost" || host == "localhost.") return true;
  const std::optional<IpAddress> address = ParseIpAddress(host);
  return address && SpecialUseOf(*address) == "loopback";
}

Result<HttpTarget> ParseHttpTarget(const std::string& text) {
  const Url url(curl_url());
  if (SetUrl(url.get(), text, CURLU_PATH_AS_IS)) {
    if (std::optional<HttpTarget> target = Read(url.get())) {
      target->url = text;  // As it was written.
      return *std::move(target);
    }
  }
  return Fail(ErrorKind::kConfig, "http_error",
              fmt::format("'{}' is not an http or https URL", Shown(text)),
              "write it as http://127.0.0.1:8787");
}

Result<HttpTarget> ResolveRedirect(const HttpTarget& from, const std::string& location) {
  const Url url(curl_url());
  std::optional<HttpTarget> target;
  // The second one resolves against the first.
  if (SetUrl(url.get(), from.url, CURLU_PATH_AS_IS) &&
      SetUrl(url.get(), location, CURLU_PATH_AS_IS | CURLU_URLENCODE)) {
    target = Read(url.get());
  }
  if (!target || (from.scheme == "https" && target->scheme != "https")) {
    return Fail(ErrorKind::kPermanent, "redirect_refused",
                fmt::format("{} redirects to '{}'", from.shown, Shown(location)),
                "use the URL that the server wants to be asked at; it must be https if the first "
                "one is");
  }
  return *std::move(target);
}

}  // namespace bizond

#include "base/google/secret_manager.h"

#include <Poco/Base64Decoder.h>
#include <Poco/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <vector>

#include "base/google/token_source.h"
#include "base/http_client.h"
#include "base/log.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr size_t kValueBytesMost = 64 << 10;
constexpr uint64_t kSecretAnswerBytesMost = 128 << 10;
constexpr auto kSecretTimeout = std::chrono::seconds(10);
constexpr const char* kEndpoint = "https://secretmanager.googleapis.com";

bool IsWord(std::string_view text, std::string_view others, size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return std::isalnum(c) != 0 || others.find(static_cast<char>(c)) != others.npos;
         });
}

// Nothing that a path could be left by: "..", "/", "%".
bool IsProject(std::string_view text) {
  return IsWord(text, "-.:", 100) && text.find("..") == text.npos && text.front() != '.';
}
bool IsSecret(std::string_view text) { return IsWord(text, "-_", 255); }
bool IsVersion(std::string_view text) { return IsWord(text, "-_", 63); }

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t from = 0; from <= text.size();) {
    const size_t slash = std::min(text.find('/', from), text.size());
    parts.push_back(text.substr(from, slash - from));
    from = slash + 1;
  }
  return parts;
}

Failure BadReference(std::string_view reference) {
  return Fail(ErrorKind::kConfig, "bad_secret_reference",
              fmt::format("gsm://{} names no secret", PeerText(reference)),
              "Write gsm://projects/PROJECT/secrets/SECRET/versions/VERSION, "
              "gsm://SECRET/versions/VERSION or gsm://SECRET.");
}

Result<std::string> Endpoint() {
  const char* const value = std::getenv("BIZOND_SECRET_MANAGER_ENDPOINT");
  std::string endpoint = value == nullptr || *value == '\0' ? kEndpoint : value;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  // By the rule of a token_uri: what is sent there is a token.
  if (CheckTokenUri(endpoint, {"BIZOND_SECRET_MANAGER_ENDPOINT", false})) return endpoint;
  return Fail(ErrorKind::kConfig, "bad_secret_reference",
              "BIZOND_SECRET_MANAGER_ENDPOINT is neither https nor http on the loopback",
              "Write it as https://secretmanager.googleapis.com, or unset it.");
}

// Castagnoli's, bit by bit: a value is small.
uint32_t Crc32c(std::string_view bytes) {
  constexpr uint32_t kPolynomial = 0x82F63B78;
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
  }
  return ~crc;
}

std::optional<std::string> DecodeBase64(const std::string& text) {
  std::istringstream in(text);
  try {
    Poco::Base64Decoder decoder(in);
    std::string bytes;
    char buffer[4096];
    // Not through the stream: it would swallow the exception.
    for (auto* from = decoder.rdbuf();;) {
      const std::streamsize got = from->sgetn(buffer, sizeof buffer);
      if (got <= 0) return bytes;
      bytes.append(buffer, static_cast<size_t>(got));
    }
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
}

Failure SecretUnavailable(std::string message) {
  return Fail(ErrorKind::kTransient, "secret_unavailable", std::move(message),
              "Try again; https://status.cloud.google.com tells of outages.");
}

Result<std::string> ReadPayload(const std::string& name, const std::string& body) {
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto payload = answer.is_object() ? answer.find("payload") : answer.end();
  if (payload == answer.end() || !payload->is_object()) {
    return SecretUnavailable(fmt::format("the answer for {} holds no payload", name));
  }
  const std::optional<std::string> value = DecodeBase64(TextMember(*payload, "data"));
  if (!value) return SecretUnavailable(fmt::format("the payload of {} is not base64", name));
  if (value->size() > kValueBytesMost) {
    return Fail(ErrorKind::kConfig, "secret_missing", fmt::format("{} has more than 64 KiB", name),
                "Name a secret that holds nothing but the value.");
  }
  const std::string checksum = TextMember(*payload, "dataCrc32c");
  if (!checksum.empty() && checksum != std::to_string(Crc32c(*value))) {
    return SecretUnavailable(fmt::format("the payload of {} was damaged on its way: CRC32C", name));
  }
  return *value;
}

Failure Refused(const std::string& name, const HttpResponse& response) {
  const json answer = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  const json error = answer.is_object() ? answer.value("error", json()) : json();
  std::string message = fmt::format("{}: Secret Manager answered {}: {}", name, response.status,
                                    PeerText(TextMember(error, "message")));
  if (response.status >= 500 || response.status == 429 || response.status == 408) {
    return SecretUnavailable(std::move(message));
  }
  if (response.status == 401 || response.status == 403) {
    return Fail(ErrorKind::kConfig, "secret_denied", std::move(message),
                "Give bizond's account the role roles/secretmanager.secretAccessor on the secret, "
                "and enable the Secret Manager API in the project.");
  }
  return Fail(ErrorKind::kConfig, "secret_missing", std::move(message),
              "Look for the secret and a version that is enabled: gcloud secrets versions list "
              "SECRET --project=PROJECT.");
}

}  // namespace

SecretManager::SecretManager(Clock* clock)
    : clock_([clock]() -> Clock* {
        static RealClock system;
        return clock == nullptr ? &system : clock;
      }()) {}

Result<std::string> SecretManager::FullName(std::string_view reference, std::string_view project,
                                            std::stop_token stop) {
  const std::vector<std::string_view> parts = Split(reference);
  if (parts.size() == 6) {
    if (parts[0] == "projects" && IsProject(parts[1]) && parts[2] == "secrets" &&
        IsSecret(parts[3]) && parts[4] == "versions" && IsVersion(parts[5])) {
      return std::string(reference);
    }
    return BadReference(reference);
  }
  const bool versioned = parts.size() == 3 && parts[1] == "versions" && IsVersion(parts[2]);
  if (!IsSecret(parts[0]) || (parts.size() != 1 && !versioned)) return BadReference(reference);
  std::string owner(project);
  if (owner.empty()) {
    Result<std::string> found = FindGoogleProject(stop);
    if (!found) {
      found.error().message =
          fmt::format("gsm://{} names no project: {}", reference, found.error().message);
      found.error().remedy =
          "Set secrets.gsm.project_id in the job, GOOGLE_CLOUD_PROJECT where "
          "bizond runs, or write gsm://projects/PROJECT/secrets/...";
      return found;
    }
    owner = *std::move(found);
  }
  if (!IsProject(owner)) return BadReference(fmt::format("{} of the project {}", reference, owner));
  return fmt::format("projects/{}/secrets/{}/versions/{}", owner, parts[0],
                     versioned ? parts[2] : "latest");
}

Result<std::string> SecretManager::Access(const std::string& name, std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const std::string endpoint, Endpoint());
  BIZOND_ASSIGN_OR_RETURN(const std::shared_ptr<GoogleTokenSource> credentials,
                          FindGoogleCredentials({}, clock_));
  {
    std::lock_guard lock(mutex_);
    credentials_ = credentials;
  }
  HttpClient client;
  HttpRequest request;
  request.url = fmt::format("{}/v1/{}:access", endpoint, name);
  request.timeout = kSecretTimeout;
  request.max_response_bytes = kSecretAnswerBytesMost;
  for (bool again = false;; again = true) {
    BIZOND_ASSIGN_OR_RETURN(const std::string token, credentials->AccessToken(stop));
    request.headers = {{"Authorization", "Bearer " + token}};
    const std::string project = credentials->QuotaProject();
    if (!project.empty()) request.headers.emplace_back("x-goog-user-project", project);
    const Result<HttpResponse> response = client.Send(request, stop);
    if (!response) {
      if (response.error().kind != ErrorKind::kTransient) return Failure(response.error());
      return SecretUnavailable(fmt::format("{}: {}", name, PeerText(response.error().message)));
    }
    if (response->status == 200) return ReadPayload(name, response->body);
    if (response->status != 401 || again) return Refused(name, *response);
    credentials->Invalidate(token);
  }
}

}  // namespace bizond

#include "base/google/credentials.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>

#include "base/fs.h"
#include "base/google/token_source.h"
#include "base/identity.h"
#include "base/log.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr uint64_t kFileBytesMost = 64 << 10;
constexpr const char* kNamedBy = "GOOGLE_APPLICATION_CREDENTIALS";

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Found {
  CredentialText from;
  std::string text;
  bool is_file = true;  // False: the metadata server.
};

// The file of `gcloud auth application-default login`; empty when there is none.
std::string WellKnownFile() {
  std::filesystem::path directory = Variable("CLOUDSDK_CONFIG");
  if (directory.empty()) {
    const std::string home = Variable("HOME");
    if (home.empty()) return "";
    directory = std::filesystem::path(home) / ".config" / "gcloud";
  }
  const std::filesystem::path file = directory / "application_default_credentials.json";
  std::error_code error;
  return std::filesystem::exists(file, error) ? file.string() : "";
}

Result<Found> Find(const GoogleAuth& auth) {
  if (!auth.service_account_key.empty()) {
    RegisterSecret(auth.service_account_key);
    if (auth.service_account_key.size() > kFileBytesMost) {
      return Fail(ErrorKind::kConfig, "bad_google_credentials",
                  "the service_account_key has more than 64 KiB",
                  "Give the JSON text of the key file.");
    }
    return Found{{"the service_account_key", true}, auth.service_account_key, true};
  }
  std::string file = Variable(kNamedBy);
  const bool named = !file.empty();
  if (!named) file = WellKnownFile();
  if (file.empty()) return Found{{}, "", false};
  Result<std::string> text = ReadWholeFile(file, kFileBytesMost);
  if (!text) {
    return Fail(
        ErrorKind::kConfig, "google_credentials_missing",
        fmt::format("{}{}", named ? "GOOGLE_APPLICATION_CREDENTIALS: " : "", text.error().message),
        "Put a credential file there, readable for the user that bizond runs as.");
  }
  return Found{{file, false}, *std::move(text), true};
}

Result<json> ParseCredentials(const Found& found) {
  json object = json::parse(found.text, nullptr, /*allow_exceptions=*/false);
  // The text is never told: what does not read may hold a key all the same.
  if (object.is_object()) return object;
  return Fail(ErrorKind::kConfig, "bad_google_credentials",
              fmt::format("{} is not the JSON of a credential file", found.from.shown),
              found.from.of_job ? "Give the JSON text of the key file, from { to }."
                                : "Download the key again, or log in again.");
}

Result<std::unique_ptr<TokenGrant>> GrantOf(const Found& found,
                                            const std::vector<std::string>& scopes) {
  if (!found.is_file) return NewMetadataGrant(scopes);
  BIZOND_ASSIGN_OR_RETURN(const json object, ParseCredentials(found));
  const std::string type = TextMember(object, "type");
  if (type == "service_account") return NewServiceAccountGrant(object, found.from, scopes);
  if (type == "authorized_user" && !found.from.of_job) {
    return NewAuthorizedUserGrant(object, found.from);
  }
  return Fail(
      ErrorKind::kConfig, "bad_google_credentials",
      fmt::format("{} is of the type {}, which is not supported{}", found.from.shown,
                  type.empty() ? "(none)" : PeerText(type), found.from.of_job ? " in a job" : ""),
      found.from.of_job
          ? "Use the key of a service account."
          : "Use the key of a service account, or `gcloud auth application-default login`.");
}

struct Registry {
  std::mutex mutex;
  // Of live sources: what nobody holds any more is dropped at the next look-up.
  std::map<std::string, std::weak_ptr<GoogleTokenSource>> sources;
};

Registry& TheRegistry() {
  static Registry* const registry = new Registry;
  return *registry;
}

}  // namespace

Result<std::shared_ptr<GoogleTokenSource>> FindGoogleCredentials(const GoogleAuth& auth,
                                                                 Clock* clock) {
  BIZOND_ASSIGN_OR_RETURN(const Found found, Find(auth));
  // A hash, so that the map holds no key. An inline key and the same one in a file have different
  // rules for their token_uri.
  const json identity = {found.from.shown,
                         found.from.of_job,
                         Sha256Hex(found.text),
                         auth.scopes,
                         Variable("GCE_METADATA_HOST"),
                         reinterpret_cast<uintptr_t>(clock)};
  const std::string key =
      identity.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
  // Before the registry: the operator may have taken an address off the list.
  BIZOND_ASSIGN_OR_RETURN(std::unique_ptr<TokenGrant> grant, GrantOf(found, auth.scopes));
  Registry& registry = TheRegistry();
  std::lock_guard lock(registry.mutex);
  std::erase_if(registry.sources, [](const auto& item) { return item.second.expired(); });
  std::weak_ptr<GoogleTokenSource>& slot = registry.sources[key];
  if (std::shared_ptr<GoogleTokenSource> shared = slot.lock()) return shared;
  std::shared_ptr<GoogleTokenSource> made = NewTokenSource(std::move(grant), clock);
  slot = made;
  return made;
}

Result<std::string> FindGoogleProject(std::stop_token stop) {
  for (const char* const name : {"GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"}) {
    if (std::string project = Variable(name); !project.empty()) return project;
  }
  BIZOND_ASSIGN_OR_RETURN(const Found found, Find(GoogleAuth{}));
  if (!found.is_file) return ReadMetadata("project/project-id", stop);
  BIZOND_ASSIGN_OR_RETURN(const json object, ParseCredentials(found));
  for (const char* const key : {"project_id", "quota_project_id"}) {
    if (std::string project = TextMember(object, key); !project.empty()) return project;
  }
  return Fail(ErrorKind::kConfig, "google_credentials_missing",
              fmt::format("{} names no project", found.from.shown),
              "Set GOOGLE_CLOUD_PROJECT where bizond runs, or name the project where it is used.");
}

}  // namespace bizond

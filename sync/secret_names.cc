#include "sync/secret_names.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string>

namespace bizond {
namespace {

using nlohmann::json;

// Parts of names, as lower-case letters and digits alone.
constexpr std::string_view kSecretParts[] = {
    "accesskey",  "apikey",     "appkey", "authorization", "connectionstring",
    "cookie",     "credential", "dsn",    "passphrase",    "passw",
    "privatekey", "pwd",        "secret", "sharedkey",     "serviceaccountkey",
    "token",      "webhook",
};

// scheme://user:password@host
bool HoldsPassword(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == text.npos) return false;
  const std::string_view authority = text.substr(scheme + 3, text.find_first_of("/?#", scheme + 3));
  const size_t at = authority.find('@');
  return at != authority.npos && authority.substr(0, at).find(':') != authority.npos;
}

void Find(const json& value, bool named, JobPath* path, std::vector<JobPath>* found) {
  if (value.is_string()) {
    if (named || HoldsPassword(value.get_ref<const std::string&>())) found->push_back(*path);
    return;
  }
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      path->push_back({"", static_cast<int>(i)});
      Find(value[i], named, path, found);
      path->pop_back();
    }
    return;
  }
  if (!value.is_object()) return;
  for (const auto& [key, item] : value.items()) {
    path->push_back({key});
    Find(item, named || IsSecretName(key), path, found);
    path->pop_back();
  }
}

}  // namespace

bool IsSecretName(std::string_view name) {
  std::string folded;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return std::any_of(std::begin(kSecretParts), std::end(kSecretParts),
                     [&](std::string_view part) { return folded.find(part) != std::string::npos; });
}

void FindSecretTexts(const json& value, const JobPath& path, std::vector<JobPath>* found) {
  JobPath at = path;
  Find(value, false, &at, found);
}

}  // namespace bizond

// RegisterSecret, TemporarySecret and Redact.
#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>
#include <vector>

#include "base/log.h"
#include "base/text.h"

namespace bizond {
namespace {

constexpr size_t kShortestSecret_bytes = 4;
constexpr std::string_view kMask = "***";
// Added to the count of temporary holders of a value that stays registered.
constexpr uint64_t kForEver = uint64_t{1} << 62;

// Each with how often it is held.
using SecretMap = std::map<std::string, uint64_t, std::less<>>;

struct Secrets {
  std::atomic<bool> any = false;
  std::shared_mutex mutex;
  SecretMap values;  // Guarded by mutex.
};

// Never destroyed: a static's destructor may still log.
Secrets& TheSecrets() {
  static Secrets* const secrets = new Secrets;
  return *secrets;
}

// As it stands inside a JSON string, without the quotes.
std::string JsonEscaped(std::string_view value) {
  const std::string quoted = nlohmann::json(std::string(value))
                                 .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

// Itself, and the forms in which it appears in an answer and in an address.
std::array<std::string, 3> FormsOf(std::string_view value) {
  return {std::string(value), JsonEscaped(value), EncodePathSegment(value)};
}

struct Stretch {
  size_t begin;
  size_t end;
};

// Every place of every secret, overlapping ones too: replacing one after the other would leave the
// end of a secret that begins inside another.
std::vector<Stretch> FindAll(std::string_view text, const SecretMap& values) {
  std::vector<Stretch> found;
  for (const auto& [value, holders] : values) {
    for (size_t at = text.find(value); at != std::string_view::npos;
         at = text.find(value, at + 1)) {
      // "aaaa" in a long run of "a" is one stretch, not one for each place.
      if (!found.empty() && found.back().begin <= at && at <= found.back().end) {
        found.back().end = std::max(found.back().end, at + value.size());
      } else {
        found.push_back({at, at + value.size()});
      }
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  return found;
}

}  // namespace

void RegisterSecret(std::string_view value) {
  if (value.size() < kShortestSecret_bytes) return;
  Secrets& secrets = TheSecrets();
  {
    std::shared_lock lock(secrets.mutex);
    const auto found = secrets.values.find(value);
    if (found != secrets.values.end() && found->second >= kForEver) return;
  }
  std::lock_guard lock(secrets.mutex);
  for (std::string& form : FormsOf(value)) secrets.values[std::move(form)] |= kForEver;
  secrets.any = true;
}

TemporarySecret::TemporarySecret(std::string_view value) : value_(value) {
  if (value.size() < kShortestSecret_bytes) return;
  Secrets& secrets = TheSecrets();
  std::lock_guard lock(secrets.mutex);
  for (std::string& form : FormsOf(value)) ++secrets.values[std::move(form)];
  secrets.any = true;
}

TemporarySecret::~TemporarySecret() {
  if (value_.size() < kShortestSecret_bytes) return;
  Secrets& secrets = TheSecrets();
  std::lock_guard lock(secrets.mutex);
  for (const std::string& form : FormsOf(value_)) {
    const auto found = secrets.values.find(form);
    if (--found->second == 0) secrets.values.erase(found);
  }
}

std::string Redact(std::string_view text) {
  Secrets& secrets = TheSecrets();
  if (!secrets.any.load()) return std::string(text);
  std::shared_lock lock(secrets.mutex);
  const std::vector<Stretch> found = FindAll(text, secrets.values);
  std::string out;
  size_t copied = 0;
  for (size_t i = 0; i < found.size();) {
    const size_t begin = found[i].begin;
    size_t end = found[i].end;
    // Adjoining secrets become one mask as well: how many there were is nobody's business.
    for (++i; i < found.size() && found[i].begin <= end; ++i) end = std::max(end, found[i].end);
    out += text.substr(copied, begin - copied);
    out += kMask;
    copied = end;
  }
  out += text.substr(copied);
  return out;
}

}  // namespace bizond

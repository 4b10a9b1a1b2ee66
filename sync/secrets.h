// SecretResolver: turns references into values when a run starts, and never before.
//
// env://X, file://P (trailing line end removed), ${env://X} inside a longer text, and bizon's
// BIZON_ENV_X. A JobSpec's own plain:// references resolve to the values that its file held. gsm://
// is refused with the code unsupported_secret. Every value goes to RegisterSecret, so that it is
// taken out of whatever is written afterwards.
//
// Threads: immutable after construction.
#ifndef BIZOND_SYNC_SECRETS_H_
#define BIZOND_SYNC_SECRETS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sync/job_spec.h"

namespace bizond {

// What jobs may name. The operator's: patterns of * and ?.
struct SecretPolicy {
  bool allow_all = false;                // `bizond run`
  std::vector<std::string> environment;  // "BIZON_*", "WAREHOUSE_PASSWORD"
  std::vector<std::string> files;        // "/run/secrets/*"
};

struct SecretReference {
  std::string path;       // Where in the job.
  std::string reference;  // "env://X"
};

// Whether the text is a reference or holds one: what a secret of the API must be.
bool IsSecretReference(std::string_view text);

class SecretResolver {
 public:
  // `extra_environment` (an --env-file) comes before the process's own environment.
  explicit SecretResolver(SecretPolicy policy,
                          std::map<std::string, std::string> extra_environment = {});

  // Replaces every reference in the strings of a JSON text. Codes secret_missing (config),
  // secret_forbidden (config), unsupported_secret (config).
  Result<std::string> Resolve(std::string_view config_json, const JobSpec& job) const;

  // Every reference of a JSON text, for `secrets check`.
  static std::vector<SecretReference> References(std::string_view json);
  // What one reference resolves to, or why it does not. The value never leaves the caller's hands.
  Result<std::string> ResolveOne(std::string_view reference) const;

 private:
  SecretPolicy policy_;
  std::map<std::string, std::string> extra_environment_;
};

// Reads KEY=VALUE lines (quotes and `export ` as in a shell's file). Code bad_env_file with
// file:line.
Result<std::map<std::string, std::string>> ReadEnvFile(const std::string& path);

}  // namespace bizond

#endif  // BIZOND_SYNC_SECRETS_H_

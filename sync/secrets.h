// SecretResolver: turns references into values when a run starts, and never before.
//
// env://X, file://P (trailing line end removed), ${env://X} inside a longer text, and bizon's
// BIZON_ENV_X. A JobSpec's own plain:// references resolve to the values that its file held.
// gsm://S is asked of Google Secret Manager (base/google/secret_manager.h has its forms) with the
// daemon's own credentials; a short form is of the job's secrets.gsm.project_id. Every value goes
// to RegisterSecret, so that it is taken out of whatever is written afterwards.
//
// Threads: any.
#ifndef BIZOND_SYNC_SECRETS_H_
#define BIZOND_SYNC_SECRETS_H_

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/google/secret_manager.h"
#include "sync/job_spec.h"

namespace bizond {

// What jobs may name. The operator's: patterns of * and ?.
struct SecretPolicy {
  bool allow_all = false;                // `bizond run`
  std::vector<std::string> environment;  // "BIZON_*", "WAREHOUSE_PASSWORD"
  std::vector<std::string> files;        // "/run/secrets/*"
  // "projects/acme/secrets/bizond-*", of any version, or with "/versions/3" at its end.
  std::vector<std::string> gsm = {};
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
  explicit SecretResolver(
      SecretPolicy policy, std::map<std::string, std::string> extra_environment = {},
      std::shared_ptr<SecretManager> manager = std::make_shared<SecretManager>());

  // Replaces every reference in the strings of a JSON text. Codes secret_missing (config),
  // secret_forbidden (config), and for gsm:// those of base/google/secret_manager.h, which may be
  // transient.
  Result<std::string> Resolve(std::string_view config_json, const JobSpec& job,
                              std::stop_token stop = {}) const;

  // Every reference of a JSON text, for `secrets check`.
  static std::vector<SecretReference> References(std::string_view json);
  // What one reference resolves to, or why it does not. The value never leaves the caller's hands.
  // `project`: of a short gsm:// reference, see SecretProjectOf.
  Result<std::string> ResolveOne(std::string_view reference, std::string_view project = "",
                                 std::stop_token stop = {}) const;

 private:
  SecretPolicy policy_;
  std::map<std::string, std::string> extra_environment_;
  std::shared_ptr<SecretManager> manager_;
};

// A job's secrets.gsm.project_id, "" when it has none.
std::string SecretProjectOf(const JobSpec& job);
// Whether a pattern of SecretPolicy::gsm can match anything: it begins with a project.
bool IsSecretManagerPattern(std::string_view pattern);

// Reads KEY=VALUE lines (quotes and `export ` as in a shell's file). Code bad_env_file with
// file:line.
Result<std::map<std::string, std::string>> ReadEnvFile(const std::string& path);

}  // namespace bizond

#endif  // BIZOND_SYNC_SECRETS_H_

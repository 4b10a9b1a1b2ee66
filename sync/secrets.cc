#include "sync/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file_error.h"
#include "base/fs.h"
#include "base/glob.h"
#include "base/log.h"
#include "base/text.h"
#include "sync/job_document.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr std::string_view kEnv = "env://";
constexpr std::string_view kFile = "file://";
constexpr std::string_view kManager = "gsm://";
constexpr std::string_view kPlain = "plain://";
constexpr std::string_view kBizonEnv = "BIZON_ENV_";
constexpr uint64_t kSecretBytesMost = 64 << 10;
constexpr int kDepthMost = 200;

bool IsWhole(std::string_view text) {
  return (text.starts_with(kEnv) && text.size() > kEnv.size()) ||
         (text.starts_with(kFile) && text.size() > kFile.size()) ||
         (text.starts_with(kManager) && text.size() > kManager.size()) ||
         (text.starts_with(kBizonEnv) && text.size() > kBizonEnv.size());
}

struct Token {
  size_t begin = 0;
  size_t end = 0;  // Behind the brace.
  std::string_view reference;
};

// The next ${scheme://...} at or after `from`; other ${...} are text.
std::optional<Token> NextToken(std::string_view text, size_t from) {
  for (size_t begin = text.find("${", from); begin != text.npos;
       begin = text.find("${", begin + 2)) {
    size_t end = text.find('}', begin);
    if (end == text.npos) return std::nullopt;
    std::string_view inner = Trim(text.substr(begin + 2, end - begin - 2), " \t");
    if (IsWhole(inner) && !inner.starts_with(kBizonEnv)) return Token{begin, end + 1, inner};
  }
  return std::nullopt;
}

bool IsVariableName(std::string_view name) {
  auto good = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), good);
}

// Calls `visit(path, text)` for every string of the document; false stops.
template <typename Json, typename Visit>
bool ForEachText(Json& value, JobPath* path, const Visit& visit, int depth = 0) {
  if (depth > kDepthMost) return true;
  if (value.is_string()) return visit(*path, value);
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      path->push_back({"", static_cast<int>(i)});
      if (!ForEachText(value[i], path, visit, depth + 1)) return false;
      path->pop_back();
    }
  }
  if (value.is_object()) {
    for (auto item = value.begin(); item != value.end(); ++item) {
      path->push_back({item.key()});
      if (!ForEachText(*item, path, visit, depth + 1)) return false;
      path->pop_back();
    }
  }
  return true;
}

// Component by component, so that * does not cross a slash.
bool MatchesPath(std::string_view pattern, std::string_view path) {
  while (true) {
    size_t pattern_end = std::min(pattern.find('/'), pattern.size());
    size_t path_end = std::min(path.find('/'), path.size());
    if (!MatchesGlob(pattern.substr(0, pattern_end), path.substr(0, path_end))) return false;
    bool pattern_done = pattern_end == pattern.size();
    bool path_done = path_end == path.size();
    if (pattern_done || path_done) return pattern_done && path_done;
    pattern.remove_prefix(pattern_end + 1);
    path.remove_prefix(path_end + 1);
  }
}

// The directory before the first pattern character.
std::string FixedDirectory(const std::string& pattern) {
  std::string fixed = pattern.substr(0, pattern.find_first_of("*?["));
  return fixed.substr(0, fixed.rfind('/') + 1);
}

Failure Forbidden(std::string_view what, std::string_view option) {
  return Fail(
      ErrorKind::kConfig, "secret_forbidden", fmt::format("jobs may not read {}", what),
      fmt::format("Let the operator allow it with {}, or use one that is allowed.", option));
}

Failure Missing(std::string message, std::string remedy) {
  return Fail(ErrorKind::kConfig, "secret_missing", std::move(message), std::move(remedy));
}

Result<Fd> OpenSecret(const std::string& path) {
  // A FIFO must not block the start of a run.
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) {
    return Missing(fmt::format("the secret's file {} cannot be read: {}", path,
                               FileError(errno, FileAccess::kRead, "open", path).message),
                   "Create the file, readable for the user that bizond runs as.");
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Missing(fmt::format("the secret's file {} is not a regular file", path),
                   "Name a file that holds nothing but the secret.");
  }
  return fd;
}

// Where an open file really is: asked of the descriptor, so that no link can be swapped in between.
std::string RealPath(int fd) {
  std::error_code error;
  auto path = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), error);
  return error ? "" : path.string();
}

Status CheckFilePolicy(const SecretPolicy& policy, const std::string& path, int fd) {
  std::string real = RealPath(fd);
  for (const std::string& pattern : policy.files) {
    if (!MatchesPath(pattern, path)) continue;
    // A link may lead elsewhere in the allowed directory (as Kubernetes lays out its secrets), but
    // not out of it.
    std::string directory = FixedDirectory(pattern);
    std::error_code error;
    auto canonical = std::filesystem::canonical(directory, error);
    if (error || real.empty()) continue;
    if (real.starts_with(canonical.string() + "/") || MatchesPath(pattern, real)) return {};
  }
  return Forbidden(fmt::format("the file {}", path), "an entry of its allowed secret files");
}

Result<std::string> ReadSecretFile(const SecretPolicy& policy, std::string_view name) {
  std::string path(name);
  std::filesystem::path spelled(path);
  bool climbs = std::find(spelled.begin(), spelled.end(), "..") != spelled.end();
  bool allowed = policy.allow_all;
  for (const std::string& pattern : policy.files) allowed |= !climbs && MatchesPath(pattern, path);
  // Before the file is touched: whether it exists is not told either.
  if (!allowed) {
    return Forbidden(fmt::format("the file {}", path), "an entry of its allowed secret files");
  }
  BIZOND_ASSIGN_OR_RETURN(Fd fd, OpenSecret(path));
  if (!policy.allow_all) BIZOND_RETURN_IF_ERROR(CheckFilePolicy(policy, path, fd.get()));
  File file(std::move(fd), path);
  std::string value(kSecretBytesMost + 1, '\0');
  BIZOND_ASSIGN_OR_RETURN(size_t size, file.Read(value.data(), value.size()));
  if (size > kSecretBytesMost) {
    return Missing(fmt::format("the secret's file {} has more than 64 KiB", path),
                   "Name a file that holds nothing but the secret.");
  }
  value.resize(size);
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  return value;
}

Result<std::string> ReadVariable(const SecretPolicy& policy,
                                 const std::map<std::string, std::string>& extra,
                                 std::string_view name) {
  std::string variable(Trim(name, " \t"));
  if (!IsVariableName(variable)) {
    return Missing(fmt::format("{} is no name of a variable", QuoteForMessage(variable)),
                   "Write env://NAME.");
  }
  bool allowed = policy.allow_all;
  for (const std::string& pattern : policy.environment) allowed |= MatchesGlob(pattern, variable);
  if (!allowed) {
    return Forbidden(fmt::format("the variable {}", variable), "an entry of its allowed variables");
  }
  auto found = extra.find(variable);
  if (found != extra.end()) return found->second;
  if (const char* value = std::getenv(variable.c_str())) return std::string(value);
  return Missing(fmt::format("the variable {} is not set", variable),
                 fmt::format("Set {} where bizond runs, or in its --env-file.", variable));
}

Result<std::string> ReadManagedSecret(const SecretPolicy& policy, SecretManager& manager,
                                      std::string_view reference, std::string_view project,
                                      std::stop_token stop) {
  if (!policy.allow_all && policy.gsm.empty()) {
    return Forbidden(fmt::format("the secret {}", QuoteForMessage(reference)),
                     "an entry of its allowed gsm secrets");
  }
  BIZOND_ASSIGN_OR_RETURN(const std::string name,
                          SecretManager::FullName(reference, project, stop));
  const std::string_view secret = std::string_view(name).substr(0, name.rfind("/versions/"));
  bool allowed = policy.allow_all;
  for (const std::string& pattern : policy.gsm) {
    allowed |= IsSecretManagerPattern(pattern) &&
               (MatchesPath(pattern, secret) || MatchesPath(pattern, name));
  }
  // Before it is asked for: whether it exists is not told either.
  if (!allowed) {
    return Forbidden(fmt::format("the secret gsm://{}", name),
                     "an entry of its allowed gsm secrets");
  }
  return manager.Access(name, stop);
}

// What Resolve hands down.
struct Resolving {
  const SecretResolver& resolver;
  const JobSpec& job;
  std::string project;
  std::stop_token stop;
};

Result<std::string> ResolveText(const Resolving& with, const std::string& text) {
  const JobSpec& job = with.job;
  auto plain = job.plain_secrets.find(text);
  if (plain != job.plain_secrets.end()) {
    RegisterSecret(plain->second);
    return plain->second;
  }
  if (text.starts_with(kPlain) && text.substr(kPlain.size()).starts_with('/')) {
    return Missing("a secret that was written in the job's file is not known any more",
                   "Let the job's file be read again, or put a reference in it: env://X.");
  }
  if (IsWhole(text)) return with.resolver.ResolveOne(text, with.project, with.stop);
  std::string resolved;
  size_t from = 0;
  while (std::optional<Token> token = NextToken(text, from)) {
    resolved.append(text, from, token->begin - from);
    BIZOND_ASSIGN_OR_RETURN(std::string value,
                            with.resolver.ResolveOne(token->reference, with.project, with.stop));
    resolved += value;
    from = token->end;
  }
  return resolved.append(text, from);
}

}  // namespace

bool IsSecretReference(std::string_view text) {
  return IsWhole(text) || NextToken(text, 0).has_value();
}

SecretResolver::SecretResolver(SecretPolicy policy,
                               std::map<std::string, std::string> extra_environment,
                               std::shared_ptr<SecretManager> manager)
    : policy_(std::move(policy)),
      extra_environment_(std::move(extra_environment)),
      manager_(std::move(manager)) {}

std::string SecretProjectOf(const JobSpec& job) {
  const json definition = json::parse(job.definition, nullptr, /*allow_exceptions=*/false);
  const json::json_pointer path("/secrets/gsm/project_id");
  if (!definition.is_object() || !definition.contains(path)) return "";
  const json& project = definition.at(path);
  return project.is_string() ? project.get<std::string>() : "";
}

bool IsSecretManagerPattern(std::string_view pattern) {
  const auto slashes = std::count(pattern.begin(), pattern.end(), '/');
  return pattern.starts_with("projects/") && (slashes == 3 || slashes == 5);
}

Result<std::string> SecretResolver::Resolve(std::string_view config_json, const JobSpec& job,
                                            std::stop_token stop) const {
  json config = json::parse(config_json, nullptr, /*allow_exceptions=*/false);
  if (config.is_discarded()) {
    return Fail(ErrorKind::kConfig, "bad_stored_job", "the stored configuration is not JSON",
                "Submit the job again.");
  }
  const Resolving with{*this, job, SecretProjectOf(job), std::move(stop)};
  std::optional<Error> error;
  JobPath path;
  ForEachText(config, &path, [&](const JobPath& at, json& value) {
    auto resolved = ResolveText(with, value.get_ref<const std::string&>());
    if (!resolved) {
      error = std::move(resolved).error();
      error->message = fmt::format("{}: {}", PathText(at), error->message);
      return false;
    }
    value = *std::move(resolved);
    return true;
  });
  if (error) return tl::make_unexpected(*std::move(error));
  return config.dump();
}

std::vector<SecretReference> SecretResolver::References(std::string_view text) {
  std::vector<SecretReference> references;
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  JobPath path;
  ForEachText(document, &path, [&](const JobPath& at, const json& value) {
    const auto& string = value.get_ref<const std::string&>();
    if (IsWhole(string) || string.starts_with("plain:///")) {
      references.push_back({PathText(at), string});
      return true;
    }
    size_t from = 0;
    while (std::optional<Token> token = NextToken(string, from)) {
      references.push_back({PathText(at), std::string(token->reference)});
      from = token->end;
    }
    return true;
  });
  return references;
}

Result<std::string> SecretResolver::ResolveOne(std::string_view reference, std::string_view project,
                                               std::stop_token stop) const {
  Result<std::string> value;
  if (reference.starts_with(kEnv)) {
    value = ReadVariable(policy_, extra_environment_, reference.substr(kEnv.size()));
  } else if (reference.starts_with(kBizonEnv)) {
    value = ReadVariable(policy_, extra_environment_, reference);
  } else if (reference.starts_with(kFile)) {
    value = ReadSecretFile(policy_, reference.substr(kFile.size()));
  } else if (reference.starts_with(kManager)) {
    value = ReadManagedSecret(policy_, *manager_, reference.substr(kManager.size()), project,
                              std::move(stop));
  } else {
    return Missing(fmt::format("{} is no reference to a secret", QuoteForMessage(reference)),
                   "Write env://X, file://PATH or gsm://SECRET.");
  }
  if (value && !IsUtf8(*value)) {
    return Missing(fmt::format("{} is not UTF-8", QuoteForMessage(reference)),
                   "Store the secret as text, in base64 for instance.");
  }
  if (value) RegisterSecret(*value);
  return value;
}

}  // namespace bizond

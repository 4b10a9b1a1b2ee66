#include "app/server_config.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cstdlib>
#include <functional>

#include "base/fs.h"

namespace bizond {
namespace {

constexpr uint64_t kMaxConfigBytes = 1 << 20;
constexpr int kWorkersMax = 256;

Failure Bad(const std::string& file, const YAML::Mark& mark, const std::string& what) {
  return Fail(ErrorKind::kConfig, "invalid_config",
              file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) +
                  ": " + what,
              "docs/operations.md lists the keys");
}

Status ReadSecrets(const std::string& file, const YAML::Node& node, ServerConfig* config) {
  for (const auto& item : node) {
    const auto key = item.first.as<std::string>();
    auto names = item.second.as<std::vector<std::string>>();
    if (key == "environment") {
      config->api_secrets.environment = std::move(names);
    } else if (key == "files") {
      config->api_secrets.files = std::move(names);
    } else if (key == "gsm") {
      for (const std::string& name : names) {
        if (IsSecretManagerPattern(name)) continue;
        return Bad(file, item.second.Mark(), "secrets.gsm: write projects/PROJECT/secrets/SECRET");
      }
      config->api_secrets.gsm = std::move(names);
    } else {
      return Bad(file, item.first.Mark(), "unknown key secrets." + key);
    }
  }
  return {};
}

// What is wrong with a pool; empty: nothing.
std::string WrongPool(const std::string& name, int size) {
  if (name == "default") return "the size of the pool default is `workers`";
  if (name.empty() || name.size() > 200) return "the name of a pool is 1 to 200 bytes";
  if (size < 1 || size > kWorkersMax) {
    return "the size of a pool must be from 1 to " + std::to_string(kWorkersMax);
  }
  return {};
}

Status ReadKey(const std::string& file, const std::string& key, const YAML::Node& value,
               ServerConfig* config) {
  if (key == "secrets") return ReadSecrets(file, value, config);
  if (key == "allowed_hosts") {
    config->allowed_hosts = value.as<std::vector<std::string>>();
    return {};
  }
  if (key == "workers") {
    config->workers = value.as<int>();
    if (config->workers >= 1 && config->workers <= kWorkersMax) return {};
    return Bad(file, value.Mark(), "workers must be from 1 to " + std::to_string(kWorkersMax));
  }
  if (key == "pools") {
    for (const auto& item : value) {
      const auto name = item.first.as<std::string>();
      const int size = item.second.as<int>();
      if (const std::string wrong = WrongPool(name, size); !wrong.empty()) {
        return Bad(file, item.first.Mark(), wrong);
      }
      config->pools[name] = size;
    }
    return {};
  }
  if (key == "retention") {
    BIZOND_ASSIGN_OR_RETURN(config->retention, ParseDuration(value.as<std::string>()));
    return {};
  }
  if (key == "history_retention") {
    const auto text = value.as<std::string>();
    config->history_retention = std::nullopt;
    if (text == "forever") return {};
    BIZOND_ASSIGN_OR_RETURN(config->history_retention, ParseDuration(text));
    return {};
  }
  return Bad(file, value.Mark(), "unknown key " + key);
}

}  // namespace

Result<ServerConfig> ReadServerConfig(const std::string& file) {
  ServerConfig config;
  if (const char* const token = std::getenv("BIZOND_TOKEN")) config.token = token;
  // bizon's own names are allowed without a word of the operator.
  config.api_secrets.environment = {"BIZON_ENV_*"};
  if (file.empty()) return config;
  BIZOND_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(file, kMaxConfigBytes));
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap() && !root.IsNull()) return Bad(file, root.Mark(), "expected a mapping");
    for (const auto& item : root) {
      BIZOND_RETURN_IF_ERROR(ReadKey(file, item.first.as<std::string>(), item.second, &config));
    }
    if (config.history_retention && *config.history_retention < config.retention) {
      return Bad(file, root.Mark(),
                 "history_retention is " + FormatDuration(*config.history_retention) +
                     ", less than retention, " + FormatDuration(config.retention));
    }
  } catch (const YAML::Exception& error) {
    return Bad(file, error.mark, error.msg);
  }
  return config;
}

Status AddPool(const std::string& text, ServerConfig* config) {
  const size_t equals = text.rfind('=');
  const std::string name = text.substr(0, equals);
  int size = 0;
  bool number = false;
  if (equals != std::string::npos) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, size);
    number = error == std::errc() && stop == end;
  }
  const std::string wrong = number ? WrongPool(name, size) : "it is not NAME=N";
  if (!wrong.empty()) {
    return Fail(ErrorKind::kConfig, "invalid_pool", "--pool " + text + ": " + wrong,
                "for instance --pool heavy=2: at most two runs of jobs with `pool: heavy` at once");
  }
  config->pools[name] = size;
  return {};
}

Result<HostPort> ParseListen(const std::string& text) {
  const size_t colon = text.rfind(':');
  HostPort result;
  if (colon != std::string::npos) {
    result.host = text.substr(0, colon);
    const std::string_view digits = std::string_view(text).substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
    if (error == std::errc() && end == digits.data() + digits.size() && result.port >= 0 &&
        result.port <= 65535) {
      if (result.host.starts_with('[') && result.host.ends_with(']')) {
        result.host = result.host.substr(1, result.host.size() - 2);
      }
      if (result.host.empty()) result.host = "127.0.0.1";
      return result;
    }
  }
  return Fail(ErrorKind::kConfig, "invalid_listen", "--listen " + text + " is not HOST:PORT",
              "for instance --listen 127.0.0.1:8787");
}

}  // namespace bizond

// ServerConfig: what the operator of a daemon decides, from --config and the environment.
//
// A YAML file:
//   secrets: {environment: [PATTERN...], files: [PATTERN...], gsm: [PATTERN...]}
//                                                              what jobs of the API may name
//   allowed_hosts: [NAME...]                                   Host headers beside the loopback's
//   workers: 8
//   pools: {NAME: N...}                                        runs at a time that name it
//   retention: 30d
//   history_retention: 365d                                    or forever; at least `retention`
// The token is taken from $BIZOND_TOKEN only: a file that people share holds no secret.
//
// Threads: values.
#ifndef BIZOND_APP_SERVER_CONFIG_H_
#define BIZOND_APP_SERVER_CONFIG_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "sync/secrets.h"

namespace bizond {

struct ServerConfig {
  SecretPolicy api_secrets;
  std::vector<std::string> allowed_hosts;
  int workers = 8;
  std::map<std::string, int, std::less<>> pools;
  Duration retention = std::chrono::hours(24 * 30);
  std::optional<Duration> history_retention = std::chrono::hours(24 * 365);  // nullopt: forever.
  std::string token;
};

// `file` empty: the defaults. Code invalid_config with file:line.
Result<ServerConfig> ReadServerConfig(const std::string& file);

// Adds the pool of "NAME=N". Code invalid_pool.
Status AddPool(const std::string& text, ServerConfig* config);

struct HostPort {
  std::string host;
  int port = 0;
};

// "127.0.0.1:8787", "[::1]:8787", ":8787" (the loopback). Code invalid_listen.
Result<HostPort> ParseListen(const std::string& text);

}  // namespace bizond

#endif  // BIZOND_APP_SERVER_CONFIG_H_

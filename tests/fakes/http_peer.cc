#include "tests/fakes/http_peer.h"

#include <stdexcept>

namespace bizond {

HttpResponse HttpPeer::Send(const std::string& method, const std::string& path,
                            const nlohmann::json& body) {
  HttpRequest request;
  request.method = method;
  request.url = url_ + path;
  if (!body.is_null()) {
    request.body = body.dump();
    request.headers.emplace_back("Content-Type", "application/json");
  }
  const std::lock_guard lock(mutex_);
  Result<HttpResponse> response = client_.Send(request, {});
  if (!response) {
    throw std::runtime_error(method + " " + request.url + ": " + response.error().message);
  }
  return *std::move(response);
}

nlohmann::json HttpPeer::Ask(const std::string& method, const std::string& path,
                             const nlohmann::json& body) {
  const HttpResponse response = Send(method, path, body);
  if (response.status != 200) {
    throw std::runtime_error(method + " " + url_ + path + " answered " +
                             std::to_string(response.status) + ": " + response.body);
  }
  return nlohmann::json::parse(response.body);
}

}  // namespace bizond

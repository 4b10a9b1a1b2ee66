// HttpPeer: JSON requests of a test to a server of 127.0.0.1. A request that gets no answer throws:
// the test cannot go on.
//
// Threads: any; one request at a time.
#ifndef BIZOND_TESTS_FAKES_HTTP_PEER_H_
#define BIZOND_TESTS_FAKES_HTTP_PEER_H_

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "base/http_client.h"

namespace bizond {

class HttpPeer {
 public:
  explicit HttpPeer(int port) : url_("http://127.0.0.1:" + std::to_string(port)) {}

  const std::string& url() const { return url_; }

  // Any status is a response. `body` null: none is sent.
  HttpResponse Send(const std::string& method, const std::string& path,
                    const nlohmann::json& body = nullptr);
  // The JSON of a 200; throws on any other status.
  nlohmann::json Ask(const std::string& method, const std::string& path,
                     const nlohmann::json& body = nullptr);

 private:
  const std::string url_;
  std::mutex mutex_;
  HttpClient client_;  // Guarded by mutex_.
};

}  // namespace bizond

#endif  // BIZOND_TESTS_FAKES_HTTP_PEER_H_

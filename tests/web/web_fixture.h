// A server on a free port over a store of its own, and ways to talk to it.
#ifndef BIZOND_TESTS_WEB_WEB_FIXTURE_H_
#define BIZOND_TESTS_WEB_WEB_FIXTURE_H_

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/http_client.h"
#include "destinations/catalog.h"
#include "sources/catalog.h"
#include "store/sqlite_store.h"
#include "tests/base/temporary_directory.h"
#include "web/server.h"

namespace bizond {

using nlohmann::json;
using Headers = std::vector<std::pair<std::string, std::string>>;

// What runs nothing and remembers no run.
class IdleControl final : public RunControl {
 public:
  void Wake() override {}
  void StopRun(std::string_view) override {}
  std::optional<LiveRun> Live(std::string_view) const override { return live; }

  std::optional<LiveRun> live;
};

struct Answer {
  int status = 0;
  json body;
  std::string text;
  Headers headers;

  std::string Header(std::string_view lower) const {
    for (const auto& [name, value] : headers) {
      if (name == lower) return value;
    }
    return {};
  }
  std::string code() const { return body.is_object() ? body.value("code", "") : ""; }
};

class WebTest : public ::testing::Test {
 protected:
  WebTest() {
    StoreOptions options;
    options.directory = directory_.path();
    options.clock = &clock_;
    store_ = OpenSqliteStore(options).value();
    logs_.emplace(Root::Open(directory_.path()).value(), &clock_);
    jobs_.emplace(store_.get(), &catalog_, &clock_, &control_, &plain_secrets_);
  }
  ~WebTest() override { server_.reset(); }

  void Start(WebOptions options = {}) {
    WebParts parts;
    parts.store = store_.get();
    parts.jobs = &*jobs_;
    parts.control = &control_;
    parts.logs = &*logs_;
    parts.catalog = &catalog_;
    parts.clock = &clock_;
    options.port = 0;
    server_ = std::make_unique<WebServer>(parts, std::move(options));
    ASSERT_TRUE(server_->Start()) << "it listens";
  }

  Answer Ask(std::string method, const std::string& path, std::string body = {},
             Headers headers = {}) {
    HttpRequest request;
    request.method = std::move(method);
    request.url = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    const auto has_type = [&] {
      for (const auto& header : headers) {
        if (header.first == "Content-Type") return true;
      }
      return false;
    };
    if (!body.empty() && !has_type()) headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    request.headers = std::move(headers);
    const Result<HttpResponse> response = client_.Send(request, {});
    if (!response) {
      ADD_FAILURE() << Describe(response.error());
      return {};
    }
    Answer answer{response->status, json::parse(response->body, nullptr, false), response->body,
                  response->headers};
    return answer;
  }
  Answer Get(const std::string& path, Headers headers = {}) {
    return Ask("GET", path, {}, std::move(headers));
  }
  Answer Post(const std::string& path, const json& body, Headers headers = {}) {
    return Ask("POST", path, body.dump(), std::move(headers));
  }
  // A job that runs only when asked.
  static json Definition(const std::string& name) {
    return {{"name", name},
            {"source", {{"name", "dummy"}, {"stream", "creatures"}}},
            {"destination", {{"name", "file"}, {"config", {{"destination_id", name}}}}}};
  }
  void Submit(const std::string& name) {
    ASSERT_EQ(Post("/api/v1/jobs", Definition(name)).status, 201);
  }

  TemporaryDirectory directory_;
  RealClock clock_;
  Catalog catalog_{SourceCatalog(), DestinationCatalog(), SourceFiles(), DestinationFiles()};
  IdleControl control_;
  PlainSecrets plain_secrets_;
  std::unique_ptr<Store> store_;
  std::optional<RunLogs> logs_;
  std::optional<JobService> jobs_;
  std::unique_ptr<WebServer> server_;
  HttpClient client_;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_WEB_WEB_FIXTURE_H_

// DaemonSession: requests to a daemon's API on behalf of one command.
//
// What goes wrong is reported on the console at once, and leaves the exit code that the command
// ends with: 4 when nothing answers or the token is not accepted, 3 for an invalid definition, 2
// for a request that makes no sense, else 1.
//
// Threads: main only.
#ifndef BIZOND_CLI_DAEMON_SESSION_H_
#define BIZOND_CLI_DAEMON_SESSION_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http_client.h"
#include "cli/verb.h"

namespace bizond {

struct DaemonRequest {
  std::string method = "GET";
  std::string path;  // Below /api/v1, with its query: "/jobs?limit=1".
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string file;  // Where the body comes from, for errors with a line and a column.
};

class DaemonSession {
 public:
  explicit DaemonSession(const Invocation& invocation);

  // False: reported. `answer` is an object afterwards; nullptr: the body does not matter.
  bool Send(const DaemonRequest& request, nlohmann::json* answer);
  bool Get(std::string_view path, nlohmann::json* answer);
  // The items of a list, page after page, at most `limit`. `path` may have a query.
  bool List(std::string_view path, size_t limit, nlohmann::json* items);
  // The same, but no such thing (404) is an answer too: `answer` is null then.
  bool Find(std::string_view path, nlohmann::json* answer);

  // The items of a problem's or a validation's `errors`, as places in `file`.
  void ReportIssues(const std::string& file, const nlohmann::json& issues);

  int exit_code() const { return exit_code_; }
  int last_status() const { return last_status_; }

 private:
  bool Exchange(const DaemonRequest& request, HttpResponse* response);
  bool Take(const DaemonRequest& request, const HttpResponse& response, nlohmann::json* answer);
  void ReportProblem(const DaemonRequest& request, const HttpResponse& response);

  Console& console_;
  std::string url_;
  std::string token_;
  HttpClient client_;
  int exit_code_ = 0;
  int last_status_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_CLI_DAEMON_SESSION_H_

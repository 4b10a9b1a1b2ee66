#include "cli/daemon_session.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/json_cells.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr const char* kDefaultUrl = "http://127.0.0.1:8787";
constexpr size_t kPageItems = 200;

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int NumberOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

int ExitCodeOfStatus(int status) {
  switch (status) {
    case 400:
      return kExitUsage;
    case 401:
    case 403:
      return kExitCannotConnect;
    case 422:
      return kExitInvalid;
    default:
      return kExitFailed;
  }
}

}  // namespace

DaemonSession::DaemonSession(const Invocation& invocation)
    : console_(invocation.console),
      url_(invocation.arguments.Text("--url", Environment("BIZOND_URL"))),
      token_(Environment("BIZOND_TOKEN")) {
  if (url_.empty()) url_ = kDefaultUrl;
  while (url_.ends_with('/')) url_.pop_back();
  if (url_.find("://") == std::string::npos) url_ = "http://" + url_;
}

bool DaemonSession::Exchange(const DaemonRequest& request, HttpResponse* response) {
  HttpRequest http;
  http.method = request.method;
  http.url = url_ + "/api/v1" + request.path;
  http.headers = request.headers;
  http.headers.emplace_back("Accept", "application/json");
  http.headers.emplace_back("User-Agent", kCommandLineAgent);
  if (request.method != "GET") http.headers.emplace_back("Content-Type", request.content_type);
  if (!token_.empty()) http.headers.emplace_back("Authorization", "Bearer " + token_);
  http.body = request.body;
  Result<HttpResponse> answer = client_.Send(http, {});
  if (!answer) {
    Error error = answer.error();
    error.message = fmt::format("the daemon at {} does not answer: {}", url_, error.message);
    error.remedy =
        "start one with `bizond serve` (or `systemctl start bizond`), or name another with --url "
        "or BIZOND_URL";
    console_.Report(error);
    exit_code_ = kExitCannotConnect;
    return false;
  }
  last_status_ = answer->status;
  *response = std::move(*answer);
  return true;
}

void DaemonSession::ReportIssues(const std::string& file, const json& issues) {
  for (const json& item : issues) {
    if (!item.is_object()) continue;
    console_.Report(
        file,
        JobIssue{MemberText(item, "path"), NumberOf(item, "line"), NumberOf(item, "column"),
                 MemberText(item, "message"), MemberText(item, "remedy")},
        false);
  }
}

// Any server may stand at the URL: what it answers is an object, or it is no daemon.
bool DaemonSession::Take(const DaemonRequest& request, const HttpResponse& response, json* answer) {
  *answer = json::parse(response.body, nullptr, false);
  if (answer->is_object()) return true;
  console_.Report(Error{ErrorKind::kPermanent, "http_error",
                        fmt::format("{}{} did not answer with a JSON object", url_, request.path),
                        "check that a bizond daemon listens there"});
  exit_code_ = kExitCannotConnect;
  return false;
}

void DaemonSession::ReportProblem(const DaemonRequest& request, const HttpResponse& response) {
  exit_code_ = ExitCodeOfStatus(response.status);
  const json problem = json::parse(response.body, nullptr, false);
  if (!problem.is_object()) {
    console_.Report(Error{ErrorKind::kPermanent, "http_error",
                          fmt::format("{}{} answered {} without a problem document", url_,
                                      request.path, response.status),
                          "check that a bizond daemon listens there"});
    return;
  }
  const auto errors = problem.find("errors");
  if (!request.file.empty() && errors != problem.end() && errors->is_array() && !errors->empty()) {
    return ReportIssues(request.file, *errors);
  }
  std::string message = MemberText(problem, "detail");
  if (message.empty()) message = MemberText(problem, "title");
  if (!request.file.empty()) message = request.file + ": " + message;
  std::string remedy = MemberText(problem, "remedy");
  if (remedy.empty() && response.status == 401) remedy = "put the daemon's token into BIZOND_TOKEN";
  console_.Report(Error{ErrorKind::kPermanent, MemberText(problem, "code"), message, remedy});
}

bool DaemonSession::Send(const DaemonRequest& request, json* answer) {
  HttpResponse response;
  if (!Exchange(request, &response)) return false;
  if (response.status < 200 || response.status > 299) {
    ReportProblem(request, response);
    return false;
  }
  return answer == nullptr || Take(request, response, answer);
}

bool DaemonSession::Get(std::string_view path, json* answer) {
  DaemonRequest request;
  request.path = path;
  return Send(request, answer);
}

bool DaemonSession::Find(std::string_view path, json* answer) {
  DaemonRequest request;
  request.path = path;
  HttpResponse response;
  if (!Exchange(request, &response)) return false;
  if (response.status == 404) {
    *answer = json();
    return true;
  }
  if (response.status != 200) {
    ReportProblem(request, response);
    return false;
  }
  return Take(request, response, answer);
}

bool DaemonSession::List(std::string_view path, size_t limit, json* items) {
  *items = json::array();
  std::string cursor;
  const char* const joint = path.find('?') == std::string_view::npos ? "?" : "&";
  while (items->size() < limit) {
    std::string page_path =
        fmt::format("{}{}limit={}", path, joint, std::min(kPageItems, limit - items->size()));
    if (!cursor.empty()) page_path += "&cursor=" + EncodePathSegment(cursor);
    json page;
    if (!Get(page_path, &page)) return false;
    const auto found = page.find("items");
    if (found != page.end() && found->is_array()) {
      for (json& item : *found) items->push_back(std::move(item));
    }
    const std::string next = MemberText(page, "next_cursor");
    // The same cursor again would never end.
    if (next.empty() || next == cursor) break;
    cursor = next;
  }
  return true;
}

}  // namespace bizond

#include "web/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace bizond {
namespace {

using nlohmann::json;

struct CodeStatus {
  std::string_view code;
  int status;
};
constexpr CodeStatus kStatuses[] = {
    {"backfill_active", 409},
    {"conflict", 409},
    {"fenced", 409},
    {"invalid_body", 400},
    {"invalid_cursor_token", 400},
    {"invalid_duration", 400},
    {"invalid_event_id", 400},
    {"invalid_parameter", 400},
    {"invalid_time", 400},
    {"job_exists", 409},
    {"job_missing", 404},
    {"later_run_published", 409},
    {"managed_by_file", 409},
    {"not_found", 404},
    {"not_paused", 409},
    {"precondition_failed", 412},
    {"run_active", 409},
    {"run_ended", 409},
    {"run_held", 409},
    {"run_missing", 404},
    {"run_not_held", 409},
    {"state_conflict", 409},
    {"store_corrupt", 503},
    {"store_newer", 503},
    {"store_unavailable", 503},
    {"stream_job", 409},
    {"target_taken", 409},
};

constexpr CodeStatus kTitles[] = {
    {"Bad request", 400},
    {"A token is needed", 401},
    {"Refused", 403},
    {"Not found", 404},
    {"Method not allowed", 405},
    {"Conflict", 409},
    {"Precondition failed", 412},
    {"Too large", 413},
    {"Address too long", 414},
    {"Unsupported media type", 415},
    {"Misdirected request", 421},
    {"Invalid", 422},
    {"Headers too large", 431},
    {"Internal error", 500},
    {"Unavailable", 503},
};

std::string_view TitleOf(int status) {
  for (const auto& [title, known] : kTitles) {
    if (known == status) return title;
  }
  return status < 500 ? "Bad request" : "Internal error";
}

WebResponse FromDocument(json document) {
  WebResponse response;
  response.status = document["status"].get<int>();
  response.content_type = "application/problem+json";
  response.body = Serialize(document);
  return response;
}

json Document(int status, std::string_view code, std::string detail, std::string remedy) {
  return {{"type", fmt::format("urn:bizond:problem:{}", code)},
          {"title", TitleOf(status)},
          {"status", status},
          {"detail", std::move(detail)},
          {"code", code},
          {"remedy", std::move(remedy)}};
}

}  // namespace

int StatusOf(const Error& error) {
  for (const auto& [code, status] : kStatuses) {
    if (code == error.code) return status;
  }
  switch (error.kind) {
    case ErrorKind::kConfig:
      return 422;
    case ErrorKind::kTransient:
    case ErrorKind::kStopped:
      return 503;
    case ErrorKind::kPermanent:
      return 500;
  }
  return 500;
}

WebResponse Problem(const Error& error) {
  return Problem(StatusOf(error), error.code, error.message, error.remedy);
}

WebResponse Problem(int status, std::string_view code, std::string detail, std::string remedy) {
  return FromDocument(Document(status, code, std::move(detail), std::move(remedy)));
}

json IssuesJson(const std::vector<JobIssue>& issues) {
  json list = json::array();
  for (const JobIssue& issue : issues) {
    list.push_back({{"path", issue.path},
                    {"line", issue.line > 0 ? json(issue.line) : json()},
                    {"column", issue.column > 0 ? json(issue.column) : json()},
                    {"message", issue.message},
                    {"remedy", issue.remedy}});
  }
  return list;
}

WebResponse InvalidJob(const std::vector<JobIssue>& errors) {
  std::string detail = "The definition is invalid.";
  if (!errors.empty()) {
    detail = errors.front().path.empty()
                 ? errors.front().message
                 : fmt::format("{}: {}", errors.front().path, errors.front().message);
    if (errors.size() > 1) detail += fmt::format(" (and {} more)", errors.size() - 1);
  }
  json document =
      Document(422, "invalid_job", std::move(detail), errors.empty() ? "" : errors.front().remedy);
  document["errors"] = IssuesJson(errors);
  return FromDocument(std::move(document));
}

WebResponse JsonResponse(const json& value, int status) {
  WebResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = Serialize(value);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

std::string Serialize(const json& value) {
  return Redact(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace bizond

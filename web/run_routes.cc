// Runs: lists, one run, its log, cancel, approve and retry.
#include <charconv>
#include <nlohmann/json.hpp>

#include "web/problem.h"
#include "web/request_values.h"
#include "web/routes.h"
#include "web/run_json.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

Error RunMissing(const std::string& id) {
  return {ErrorKind::kPermanent, "run_missing", "there is no run " + id, "bizond runs list"};
}

Result<WebResponse> RunsAnswer(const WebParts& parts, const WebRequest& request,
                               const std::string& job, bool must_exist) {
  RunFilter filter;
  filter.job = job;
  BIZOND_ASSIGN_OR_RETURN(const Page page, PageParameters(request));
  BIZOND_ASSIGN_OR_RETURN(filter.since, TimeParameter(request, "since"));
  BIZOND_ASSIGN_OR_RETURN(filter.until, TimeParameter(request, "until"));
  if (const std::string* const state = request.Query("state")) {
    filter.phase = ParseRunPhase(*state);
    if (!filter.phase) {
      return Fail(ErrorKind::kConfig, "invalid_parameter",
                  "state must be queued, running, succeeded, failed, partial, held or cancelled");
    }
  }
  json items = json::array();
  const auto query = [&](const StoreReader& reader) -> Result<std::string> {
    if (must_exist) {
      BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> row, reader.GetJob(job));
      if (!row) {
        return Fail(ErrorKind::kPermanent, "job_missing", "there is no job " + job,
                    "bizond jobs list");
      }
    }
    BIZOND_ASSIGN_OR_RETURN(const PageOf<RunRow> rows, reader.ListRuns(filter, page));
    for (const RunRow& run : rows.items) {
      BIZOND_ASSIGN_OR_RETURN(json document, WholeRunJson(reader, run, parts.control));
      items.push_back(std::move(document));
    }
    return rows.next_cursor;
  };
  BIZOND_ASSIGN_OR_RETURN(const std::string next, parts.store->Query(query));
  return JsonResponse(
      {{"items", std::move(items)}, {"next_cursor", next.empty() ? json() : json(next)}});
}

Result<RunRow> FindRun(const WebParts& parts, const std::string& id) {
  BIZOND_ASSIGN_OR_RETURN(
      std::optional<RunRow> run,
      parts.store->Query([&](const StoreReader& reader) { return reader.GetRun(id); }));
  if (!run) return tl::make_unexpected(RunMissing(id));
  return std::move(*run);
}

Result<WebResponse> RunAnswer(const WebParts& parts, const std::string& id, int status) {
  BIZOND_ASSIGN_OR_RETURN(const json document,
                          parts.store->Query([&](const StoreReader& reader) -> Result<json> {
                            BIZOND_ASSIGN_OR_RETURN(const auto run, reader.GetRun(id));
                            if (!run) return tl::make_unexpected(RunMissing(id));
                            return WholeRunJson(reader, *run, parts.control);
                          }));
  return JsonResponse(document, status);
}

}  // namespace

Result<WebResponse> ListRuns(const WebParts& parts, const WebRequest& request) {
  const std::string* const job = request.Query("job");
  return RunsAnswer(parts, request, job == nullptr ? std::string() : *job, /*must_exist=*/false);
}

Result<WebResponse> ListJobRuns(const WebParts& parts, const WebRequest& request) {
  return RunsAnswer(parts, request, request.names.at(0), /*must_exist=*/true);
}

Result<WebResponse> GetRun(const WebParts& parts, const WebRequest& request) {
  return RunAnswer(parts, request.names.at(0), 200);
}

Result<WebResponse> GetRunLogs(const WebParts& parts, const WebRequest& request) {
  constexpr int64_t kSeqMax = int64_t{1} << 53;
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, FindRun(parts, request.names.at(0)));
  BIZOND_ASSIGN_OR_RETURN(const Page page, PageParameters(request));
  BIZOND_ASSIGN_OR_RETURN(int64_t after, IntegerParameter(request, "after", 0, 0, kSeqMax));
  if (!page.cursor.empty()) {
    // The cursor of a page of lines is the seq of its last one.
    const char* const end = page.cursor.data() + page.cursor.size();
    const auto [stop, error] = std::from_chars(page.cursor.data(), end, after);
    if (error != std::errc() || stop != end || after < 0) {
      return Fail(ErrorKind::kConfig, "invalid_cursor_token", "cursor is not one of ours",
                  "send next_cursor of the page before");
    }
  }
  LogLevel level = LogLevel::kDebug;
  const std::string* const name = request.Query("level");
  if (name != nullptr && !ParseLogLevel(*name, &level)) {
    return Fail(ErrorKind::kConfig, "invalid_parameter",
                "level must be debug, info, warning or error");
  }
  BIZOND_ASSIGN_OR_RETURN(
      const RunLogPage lines,
      parts.logs->Read(run.job, run.id, static_cast<uint64_t>(after), page.limit, level));
  json items = json::array();
  for (const RunLogLine& line : lines.items) {
    json fields = json::parse(line.fields, nullptr, false);
    items.push_back({{"seq", line.seq},
                     {"at", line.at},
                     {"level", LogLevelName(line.level)},
                     {"message", line.message},
                     {"fields", fields.is_object() ? std::move(fields) : json::object()}});
  }
  return JsonResponse(
      {{"items", std::move(items)},
       {"next_cursor", lines.more ? json(std::to_string(lines.last_seq)) : json()}});
}

Result<WebResponse> CancelRun(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {}));
  BIZOND_RETURN_IF_ERROR(parts.jobs->Cancel(request.names.at(0)));
  return RunAnswer(parts, request.names.at(0), 200);
}

Result<WebResponse> ApproveRun(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {}));
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, parts.jobs->Approve(request.names.at(0)));
  return RunAnswer(parts, run.id, 202);
}

Result<WebResponse> RetryRun(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const json body, ObjectBody(request, {}));
  BIZOND_ASSIGN_OR_RETURN(const RunRow run, parts.jobs->Retry(request.names.at(0)));
  return RunAnswer(parts, run.id, 202);
}

}  // namespace bizond::handlers

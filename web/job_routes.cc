// Jobs: list, create, read, replace, delete, validate.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "web/job_json.h"
#include "web/problem.h"
#include "web/request_values.h"
#include "web/routes.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

Error JobMissing(const std::string& name) {
  return {ErrorKind::kPermanent, "job_missing", "there is no job " + name, "bizond jobs list"};
}

// A job as it stands now, with its ETag.
Result<WebResponse> JobAnswer(const WebParts& parts, const std::string& name, int status) {
  BIZOND_ASSIGN_OR_RETURN(
      const json job, parts.store->Query([&](const StoreReader& reader) -> Result<json> {
        BIZOND_ASSIGN_OR_RETURN(const std::optional<JobRow> row, reader.GetJob(name));
        if (!row) return tl::make_unexpected(JobMissing(name));
        return JobJson(*row, {reader, parts.control, parts.clock->Now(), /*whole=*/true});
      }));
  WebResponse response = JsonResponse(job, status);
  response.headers.emplace_back("ETag", job["etag"].get<std::string>());
  return response;
}

std::string Lower(std::string text) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text;
}

struct JobFilter {
  std::string tag;
  std::string text;  // In lower case.
  std::optional<bool> paused;

  bool Keeps(const JobRow& row) const {
    if (paused && row.paused != *paused) return false;
    if (tag.empty() && text.empty()) return true;
    const json definition = json::parse(row.definition, nullptr, false);
    const json tags = definition.is_object() ? definition.value("tags", json::array()) : json();
    const auto is_tag = [&](const json& each) { return each == tag; };
    if (!tag.empty() && std::none_of(tags.begin(), tags.end(), is_tag)) return false;
    if (text.empty()) return true;
    std::string looked_at = row.name + '\n' + tags.dump();
    for (const char* const side : {"source", "destination"}) {
      const auto found = definition.find(side);
      if (found != definition.end() && found->is_object()) {
        looked_at += '\n' + found->value("name", "");
      }
    }
    return Lower(std::move(looked_at)).find(text) != std::string::npos;
  }
};

// The version that If-Match asks for: "v3", also with W/ before it; 0: one that no job has;
// nullopt: any ("*" or no such header).
std::optional<int64_t> WantedVersion(const WebRequest& request) {
  const std::string* const header = request.Header("If-Match");
  if (header == nullptr || *header == "*") return std::nullopt;
  std::string_view tag = *header;
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  constexpr std::string_view kBefore = "\"v";
  if (!tag.starts_with(kBefore) || !tag.ends_with('"') || tag.size() < 4) return 0;
  const std::string digits(tag.substr(2, tag.size() - 3));
  if (digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos) return 0;
  return std::stoll(digits);
}

bool HeaderIs(const WebRequest& request, std::string_view name, std::string_view value) {
  const std::string* const header = request.Header(name);
  return header != nullptr && *header == value;
}

Result<StateChange> WantedStateChange(const WebRequest& request) {
  const std::string* const text = request.Query("state");
  if (text == nullptr) return StateChange::kAsk;
  if (*text == "keep") return StateChange::kKeep;
  if (*text == "reset") return StateChange::kReset;
  return Fail(ErrorKind::kConfig, "invalid_parameter", "state must be keep or reset");
}

}  // namespace

Result<WebResponse> ListJobs(const WebParts& parts, const WebRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(Page page, PageParameters(request));
  JobFilter filter;
  if (const std::string* const tag = request.Query("tag")) filter.tag = *tag;
  if (const std::string* const text = request.Query("q")) filter.text = Lower(*text);
  BIZOND_ASSIGN_OR_RETURN(filter.paused, BoolParameter(request, "paused"));
  json items = json::array();
  const auto wanted = static_cast<size_t>(page.limit);
  const auto query = [&](const StoreReader& reader) -> Result<std::string> {
    while (true) {
      // No more than what is missing, so that the page's end is the store's own.
      page.limit = static_cast<int>(wanted - items.size());
      BIZOND_ASSIGN_OR_RETURN(const PageOf<JobRow> rows, reader.ListJobs(page));
      for (const JobRow& row : rows.items) {
        if (!filter.Keeps(row)) continue;
        BIZOND_ASSIGN_OR_RETURN(
            json job, JobJson(row, {reader, parts.control, parts.clock->Now(), /*whole=*/false}));
        items.push_back(std::move(job));
      }
      page.cursor = rows.next_cursor;
      if (page.cursor.empty() || items.size() >= wanted) return page.cursor;
    }
  };
  BIZOND_ASSIGN_OR_RETURN(const std::string next, parts.store->Query(query));
  return JsonResponse(
      {{"items", std::move(items)}, {"next_cursor", next.empty() ? json() : json(next)}});
}

Result<WebResponse> CreateJob(const WebParts& parts, const WebRequest& request) {
  const ParsedJob parsed = parts.jobs->Check(request.body, JobOrigin::kApi);
  if (!parsed.spec) return InvalidJob(parsed.errors);
  PutOptions options;
  options.must_not_exist = true;
  BIZOND_RETURN_IF_ERROR(parts.jobs->Put(*parsed.spec, options));
  BIZOND_ASSIGN_OR_RETURN(WebResponse response, JobAnswer(parts, parsed.spec->name, 201));
  response.headers.emplace_back("Location", "/api/v1/jobs/" + EncodePathSegment(parsed.spec->name));
  return response;
}

Result<WebResponse> GetJob(const WebParts& parts, const WebRequest& request) {
  return JobAnswer(parts, request.names.at(0), 200);
}

Result<WebResponse> PutJob(const WebParts& parts, const WebRequest& request) {
  const std::string& name = request.names.at(0);
  ParsedJob parsed = parts.jobs->Check(request.body, JobOrigin::kApi);
  if (parsed.spec && parsed.spec->name != name) {
    parsed.errors.push_back(IssueAt(request.body, "name",
                                    "the address names the job \"" + name + "\"",
                                    "a job keeps its name: delete it and create another"));
  }
  if (!parsed.errors.empty()) return InvalidJob(parsed.errors);
  PutOptions options;
  BIZOND_ASSIGN_OR_RETURN(options.state, WantedStateChange(request));
  options.if_version = WantedVersion(request);
  options.must_exist = HeaderIs(request, "If-Match", "*");
  options.if_absent = HeaderIs(request, "If-None-Match", "*");
  BIZOND_ASSIGN_OR_RETURN(const PutOutcome outcome, parts.jobs->Put(*parsed.spec, options));
  return JobAnswer(parts, name, outcome.created ? 201 : 200);
}

Result<WebResponse> DeleteJob(const WebParts& parts, const WebRequest& request) {
  const std::string* const state = request.Query("state");
  if (state != nullptr && *state != "keep" && *state != "drop") {
    return Fail(ErrorKind::kConfig, "invalid_parameter", "state must be keep or drop");
  }
  BIZOND_RETURN_IF_ERROR(parts.jobs->Delete(request.names.at(0), /*by_file=*/false,
                                            WantedVersion(request),
                                            state != nullptr && *state == "drop"));
  WebResponse response;
  response.status = 204;
  return response;
}

Result<WebResponse> ValidateJob(const WebParts& parts, const WebRequest& request) {
  const ParsedJob parsed = parts.jobs->Check(request.body, JobOrigin::kApi);
  return JsonResponse({{"valid", parsed.errors.empty()},
                       {"name", parsed.spec ? json(parsed.spec->name) : json()},
                       {"errors", IssuesJson(parsed.errors)},
                       {"warnings", IssuesJson(parsed.warnings)}});
}

}  // namespace bizond::handlers

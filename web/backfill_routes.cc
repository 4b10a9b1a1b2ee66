// Backfills: a part of a job's cursor, read again.
#include <limits>
#include <nlohmann/json.hpp>

#include "web/problem.h"
#include "web/request_values.h"
#include "web/routes.h"
#include "web/run_json.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

Failure BadBackfill(std::string message, std::string remedy) {
  return Fail(ErrorKind::kConfig, "invalid_backfill", std::move(message), std::move(remedy));
}

// Both ends are values of the cursor: a number or a text.
Result<std::string> EndMember(const json& body, const char* key) {
  const json value = body.value(key, json());
  if (value.is_number() || value.is_string()) return value.dump();
  return BadBackfill(std::string(key) + " is a value of the cursor, and " +
                         (value.is_null() ? "absent" : value.dump().substr(0, 60)),
                     "name both: {\"from\": \"2026-11-01\", \"to\": \"2026-12-01\"}");
}

Result<std::string> SliceMember(const json& body) {
  const auto found = body.find("slice");
  if (found == body.end()) return std::string();
  if (found->is_string() && !found->get<std::string>().empty()) return found->get<std::string>();
  if (found->is_number()) return found->dump();
  return BadBackfill("slice is a duration or a whole number, and " + found->dump().substr(0, 60),
                     "write it like \"1d\" or 1000");
}

Result<BackfillOverlap> OverlapMember(const json& body) {
  BIZOND_ASSIGN_OR_RETURN(const std::string text, TextMember(body, "overlap"));
  const auto overlap = ParseBackfillOverlap(body.contains("overlap") ? text : "skip");
  if (overlap) return *overlap;
  return BadBackfill("there is no overlap \"" + text + "\" of a backfill",
                     "skip, buffer_all or cancel_other");
}

Status LimitMembers(const json& body, BackfillOptions* options) {
  if (body.contains("pool")) {
    BIZOND_ASSIGN_OR_RETURN(options->pool, TextMember(body, "pool"));
    if (options->pool->empty() || options->pool->size() > 200) {
      return BadBackfill("pool has 1 to 200 characters", "serve --pool NAME=N gives it its size");
    }
  }
  const auto priority = body.find("priority");
  if (priority == body.end()) return {};
  constexpr int kMost = 1'000'000;
  if (!priority->is_number_integer() || *priority < -kMost || *priority > kMost) {
    return BadBackfill("priority is a whole number, and " + priority->dump().substr(0, 60),
                       "of the runs that wait the greatest begins first");
  }
  options->priority = priority->get<int>();
  return {};
}

Result<BackfillOptions> OptionsOf(const json& body) {
  BackfillOptions options;
  BIZOND_ASSIGN_OR_RETURN(options.from, EndMember(body, "from"));
  BIZOND_ASSIGN_OR_RETURN(options.to, EndMember(body, "to"));
  BIZOND_ASSIGN_OR_RETURN(options.slice, SliceMember(body));
  BIZOND_ASSIGN_OR_RETURN(options.overlap, OverlapMember(body));
  BIZOND_ASSIGN_OR_RETURN(options.allow_duplicates, BoolMember(body, "allow_duplicates"));
  BIZOND_ASSIGN_OR_RETURN(options.dry_run, BoolMember(body, "dry_run"));
  BIZOND_RETURN_IF_ERROR(LimitMembers(body, &options));
  return options;
}

json BackfillJson(const std::string& job, const BackfillPlan& plan) {
  json slices = json::array();
  for (size_t i = 0; i < plan.slices.size(); ++i) {
    slices.push_back({{"from", CursorJson(plan.slices[i].from_token())},
                      {"to", CursorJson(plan.slices[i].to_token())},
                      {"run", plan.runs.empty() ? json() : json(plan.runs[i].id)}});
  }
  return {{"job", job},
          {"id", plan.id.empty() ? json() : json(plan.id)},
          {"dry_run", plan.id.empty()},
          {"writes",
           {{"mode", plan.write},
            {"destination", plan.destination},
            {"destination_ids", plan.destination_ids}}},
          {"slices", std::move(slices)},
          {"notes", plan.notes}};
}

}  // namespace

Result<WebResponse> BackfillJob(const WebParts& parts, const WebRequest& request) {
  const std::string& name = request.names.at(0);
  BIZOND_ASSIGN_OR_RETURN(const json body,
                          ObjectBody(request, {"from", "to", "slice", "overlap", "allow_duplicates",
                                               "pool", "priority", "dry_run", "cancel", "id"}));
  BIZOND_ASSIGN_OR_RETURN(const bool cancel, BoolMember(body, "cancel"));
  BIZOND_ASSIGN_OR_RETURN(const std::string id, TextMember(body, "id"));
  if (cancel) {
    BIZOND_ASSIGN_OR_RETURN(const size_t cancelled, parts.jobs->CancelBackfill(name, id));
    return JsonResponse({{"job", name}, {"cancelled", cancelled}});
  }
  if (!id.empty()) return BadBackfill("id names a backfill to cancel", "send cancel: true with it");
  BIZOND_ASSIGN_OR_RETURN(const BackfillOptions options, OptionsOf(body));
  BIZOND_ASSIGN_OR_RETURN(const BackfillPlan plan, parts.jobs->Backfill(name, options));
  return JsonResponse(BackfillJson(name, plan), options.dry_run ? 200 : 202);
}

}  // namespace bizond::handlers

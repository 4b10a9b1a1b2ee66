#include "web/routes.h"

#include <algorithm>

namespace bizond {
namespace {

constexpr Parameter kLimit = {"limit", "query", "integer", "Items of one page, 1 to 1000; 100."};
constexpr Parameter kCursor = {"cursor", "query", "string", "next_cursor of the page before."};
constexpr Parameter kIfMatch = {"If-Match", "header", "string",
                                "The ETag that was read; 412 when the job has another by now."};
constexpr Parameter kStateChange = {
    "state", "query", "string",
    "keep or reset: what becomes of the state when the change makes it mean something else."};

constexpr Parameter kJobFilters[] = {
    kLimit,
    kCursor,
    {"tag", "query", "string", "Jobs with this tag."},
    {"q", "query", "string", "Jobs with this text in name, tags or connectors, in any case."},
    {"paused", "query", "boolean", "Paused jobs, or those that are not."}};
constexpr Parameter kPutJob[] = {kStateChange, kIfMatch};
constexpr Parameter kDeleteJob[] = {
    {"state", "query", "string",
     "keep (for 30 days, for a job of the same name) or drop; the target's data stays."},
    kIfMatch};
constexpr Parameter kPutState[] = {
    {"If-Match", "header", "string",
     "The ETag that GET gave; 412 when the state is another by now."}};
constexpr Parameter kState = {"state", "query", "string", "Runs in this state."};
constexpr Parameter kSince = {"since", "query", "string",
                              "Queued at this time or later (RFC 3339)."};
constexpr Parameter kUntil = {"until", "query", "string", "Queued before this time."};
constexpr Parameter kRunFilters[] = {
    kLimit, kCursor, {"job", "query", "string", "Runs of this job."}, kState, kSince, kUntil};
constexpr Parameter kJobRunFilters[] = {kLimit, kCursor, kState, kSince, kUntil};
constexpr Parameter kOccurrences[] = {
    kLimit,
    kCursor,
    {"at", "query", "string",
     "RFC 3339: did it run in that minute, and if not, why? Alone, it adds `answer`."},
    {"from", "query", "string", "Fires at this time or later (RFC 3339)."},
    {"to", "query", "string", "Fires before this time."},
    {"state", "query", "string", "queued, buffered, ran, skipped or missed; several by commas."},
    {"reason", "query", "string", "Fires that did not run for this reason."}};
constexpr Parameter kCalendar[] = {
    {"from", "query", "string",
     "A date like 2026-03-29; the Monday three weeks before this week's."},
    {"days", "query", "integer", "1 to 62; 35."}};
constexpr Parameter kTrigger[] = {{"Idempotency-Key", "header", "string",
                                   "The same key gives the same run; at most 200 characters."}};
constexpr Parameter kLogs[] = {
    {"after", "query", "integer", "Lines after this seq."},
    {"level", "query", "string", "debug, info, warning or error: of this level and above."},
    kLimit};
constexpr Parameter kPreview[] = {
    {"cron", "query", "string", "Five or six fields, or @daily and its like."},
    {"every", "query", "string", "Instead of cron: an interval like 90s."},
    {"timezone", "query", "string", "An IANA name; UTC."},
    {"on_gap", "query", "string", "next or skip, as in a job."},
    {"on_fold", "query", "string", "first or both, as in a job."},
    {"jitter", "query", "string", "As in a job."},
    {"job", "query", "string",
     "The job's name, from which H, intervals and jitter are drawn. Alone: its own schedule."},
    {"from", "query", "string", "RFC 3339; now."},
    {"count", "query", "integer", "1 to 1000; 10."}};
constexpr Parameter kEvents[] = {
    {"Last-Event-ID", "header", "string", "Goes on after this event."}};

constexpr Route kRoutes[] = {
    {"GET",
     "/api/v1/jobs",
     handlers::ListJobs,
     "List the jobs by name",
     BodyKind::kNone,
     {},
     kJobFilters,
     "200 JobList, 400 Problem"},
    {"POST",
     "/api/v1/jobs",
     handlers::CreateJob,
     "Create a job",
     BodyKind::kJob,
     {},
     {},
     "201 Job, 409 Problem, 422 Problem"},
    {"GET",
     "/api/v1/jobs/{name}",
     handlers::GetJob,
     "Read a job with its definition",
     BodyKind::kNone,
     {},
     {},
     "200 Job, 404 Problem"},
    {"PUT",
     "/api/v1/jobs/{name}",
     handlers::PutJob,
     "Create or replace a job",
     BodyKind::kJob,
     {},
     kPutJob,
     "200 Job, 201 Job, 409 Problem, 412 Problem, 422 Problem"},
    {"DELETE",
     "/api/v1/jobs/{name}",
     handlers::DeleteJob,
     "Delete a job; its data stays, its state for 30 days or not",
     BodyKind::kNone,
     {},
     kDeleteJob,
     "204, 404 Problem, 409 Problem, 412 Problem"},
    {"POST", "/api/v1/jobs/{name}/runs", handlers::TriggerRun, "Trigger a run", BodyKind::kJson,
     "TriggerRequest", kTrigger, "202 Run, 404 Problem, 409 Problem, 422 Problem"},
    {"GET",
     "/api/v1/jobs/{name}/runs",
     handlers::ListJobRuns,
     "List a job's runs, newest first",
     BodyKind::kNone,
     {},
     kJobRunFilters,
     "200 RunList, 400 Problem, 404 Problem"},
    {"POST",
     "/api/v1/jobs/{name}/pause",
     handlers::PauseJob,
     "Pause a job's schedule or stream",
     BodyKind::kJson,
     "Empty",
     {},
     "200 Job, 404 Problem"},
    {"POST",
     "/api/v1/jobs/{name}/resume",
     handlers::ResumeJob,
     "Resume a paused job",
     BodyKind::kJson,
     "Empty",
     {},
     "200 Job, 404 Problem"},
    {"POST",
     "/api/v1/jobs/{name}/reset",
     handlers::ResetJob,
     "Let the next run replace everything, or take that back",
     BodyKind::kJson,
     "ResetRequest",
     {},
     "200 Job, 404 Problem, 422 Problem"},
    {"POST",
     "/api/v1/jobs/{name}/backfill",
     handlers::BackfillJob,
     "Read a part of the cursor again, in slices; or show or cancel that",
     BodyKind::kJson,
     "BackfillRequest",
     {},
     "200 Backfill, 202 Backfill, 404 Problem, 409 Problem, 422 Problem"},
    {"GET",
     "/api/v1/jobs/{name}/state",
     handlers::GetState,
     "Read the watermarks and checkpoints by stream",
     BodyKind::kNone,
     {},
     {},
     "200 State, 404 Problem"},
    {"PUT", "/api/v1/jobs/{name}/state", handlers::PutState, "Set watermarks of a paused job",
     BodyKind::kJson, "State", kPutState,
     "200 State, 404 Problem, 409 Problem, 412 Problem, 422 Problem"},
    {"GET",
     "/api/v1/jobs/{name}/occurrences",
     handlers::ListOccurrences,
     "List every nominal fire and what became of it, newest first",
     BodyKind::kNone,
     {},
     kOccurrences,
     "200 OccurrenceList, 400 Problem, 404 Problem"},
    {"GET",
     "/api/v1/jobs/{name}/calendar",
     handlers::ShowCalendar,
     "Count past and coming fires by day of the schedule's own zone",
     BodyKind::kNone,
     {},
     kCalendar,
     "200 Calendar, 400 Problem, 404 Problem"},
    {"GET",
     "/api/v1/runs",
     handlers::ListRuns,
     "List runs, newest first",
     BodyKind::kNone,
     {},
     kRunFilters,
     "200 RunList, 400 Problem"},
    {"GET",
     "/api/v1/runs/{id}",
     handlers::GetRun,
     "Read a run with its attempts",
     BodyKind::kNone,
     {},
     {},
     "200 Run, 404 Problem"},
    {"GET",
     "/api/v1/runs/{id}/logs",
     handlers::GetRunLogs,
     "Read a run's log in order",
     BodyKind::kNone,
     {},
     kLogs,
     "200 LogList, 400 Problem, 404 Problem"},
    {"POST",
     "/api/v1/runs/{id}/cancel",
     handlers::CancelRun,
     "Cancel a queued, running or held run",
     BodyKind::kJson,
     "Empty",
     {},
     "200 Run, 404 Problem, 409 Problem"},
    {"POST",
     "/api/v1/runs/{id}/retry",
     handlers::RetryRun,
     "Queue another attempt of an ended run",
     BodyKind::kJson,
     "Empty",
     {},
     "202 Run, 404 Problem, 409 Problem"},
    {"POST",
     "/api/v1/runs/{id}/approve",
     handlers::ApproveRun,
     "Publish what a check held back",
     BodyKind::kJson,
     "Empty",
     {},
     "202 Run, 404 Problem, 409 Problem"},
    {"POST",
     "/api/v1/validate",
     handlers::ValidateJob,
     "Check a definition, storing nothing",
     BodyKind::kJob,
     {},
     {},
     "200 Validation"},
    {"GET",
     "/api/v1/schedules/preview",
     handlers::PreviewSchedule,
     "Compute the next fires",
     BodyKind::kNone,
     {},
     kPreview,
     "200 Preview, 400 Problem, 404 Problem, 422 Problem"},
    {"GET",
     "/api/v1/connectors",
     handlers::ListConnectors,
     "List sources and destinations",
     BodyKind::kNone,
     {},
     {},
     "200 ConnectorList"},
    {"GET",
     "/api/v1/connectors/{kind}/{name}",
     handlers::GetConnector,
     "Read a connector with its JSON Schema and an example job",
     BodyKind::kNone,
     {},
     {},
     "200 Connector, 404 Problem"},
    {"GET",
     "/api/v1/events",
     handlers::StreamEvents,
     "Follow jobs, runs and their progress",
     BodyKind::kNone,
     {},
     kEvents,
     "200 text/event-stream, 503 Problem"},
    {"GET", "/", handlers::GetIndex, "The page", BodyKind::kNone, {}, {}, "200 text/html", true},
    {"GET",
     "/assets/{path*}",
     handlers::GetAsset,
     "A file of the page",
     BodyKind::kNone,
     {},
     {},
     "200 application/octet-stream, 404 Problem",
     true},
    {"GET",
     "/healthz",
     handlers::Healthy,
     "The process answers",
     BodyKind::kNone,
     {},
     {},
     "200 Health",
     true},
    {"GET",
     "/readyz",
     handlers::Ready,
     "The store writes and the scheduler turns",
     BodyKind::kNone,
     {},
     {},
     "200 Health, 503 Problem",
     true},
    {"GET",
     "/metrics",
     handlers::GetMetrics,
     "Metrics for Prometheus",
     BodyKind::kNone,
     {},
     {},
     "200 text/plain, 503 Problem"},
    {"GET",
     "/openapi.json",
     handlers::GetOpenApi,
     "This document",
     BodyKind::kNone,
     {},
     {},
     "200 application/json"},
};

// Takes the first segment off; without its '/'.
std::string_view TakeSegment(std::string_view* path) {
  path->remove_prefix(1);
  const size_t end = std::min(path->find('/'), path->size());
  const std::string_view segment = path->substr(0, end);
  path->remove_prefix(end);
  return segment;
}

bool Matches(std::string_view pattern, std::string_view path, std::vector<std::string>* names) {
  names->clear();
  while (!pattern.empty() && !path.empty() && path.front() == '/') {
    const std::string_view wanted = TakeSegment(&pattern);
    if (wanted.ends_with("*}")) {
      auto rest = PercentDecode(path.substr(1), false);
      if (!rest) return false;
      names->push_back(std::move(*rest));
      return true;
    }
    const std::string_view segment = TakeSegment(&path);
    if (wanted.starts_with('{')) {
      auto name = PercentDecode(segment, false);
      if (!name || name->empty()) return false;
      names->push_back(std::move(*name));
    } else if (wanted != segment) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

RouteMatch FindRoute(std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  RouteMatch match;
  for (const Route& route : kRoutes) {
    std::vector<std::string> names;
    if (!Matches(route.pattern, path, &names)) continue;
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method;
    if (route.method == "GET") match.allow += ", HEAD";
    if (route.method != method) continue;
    match.route = &route;
    match.names = std::move(names);
    return match;
  }
  return match;
}

}  // namespace bizond

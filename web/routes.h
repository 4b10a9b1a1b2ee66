// Routes: the one table from which requests are dispatched and /openapi.json is made.
//
// Threads: constants; handlers may be called from any thread, many at once.
#ifndef BIZOND_WEB_ROUTES_H_
#define BIZOND_WEB_ROUTES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "scheduler/job_service.h"
#include "scheduler/scheduler.h"
#include "store/run_logs.h"
#include "store/store.h"
#include "sync/connector.h"
#include "web/http_types.h"

namespace bizond {

class EventHub;

// What the handlers work with. All of it outlives the server.
struct WebParts {
  Store* store = nullptr;
  JobService* jobs = nullptr;
  const RunControl* control = nullptr;
  const Scheduler* scheduler =
      nullptr;  // nullptr: none turns here, and /readyz asks the store alone.
  RunLogs* logs = nullptr;
  const Catalog* catalog = nullptr;
  Clock* clock = nullptr;
  EventHub* events = nullptr;  // The server's own.
};

using Handler = Result<WebResponse> (*)(const WebParts& parts, const WebRequest& request);

enum class BodyKind : unsigned char { kNone, kJson, kJob };

// A parameter of the query or a header: "limit", "?If-Match".
struct Parameter {
  std::string_view name;
  std::string_view in;    // "query" or "header"
  std::string_view type;  // of JSON Schema
  std::string_view about;
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/v1/jobs/{name}"; a {…} is one segment, a last {…*} the rest
  Handler handler;
  std::string_view summary;
  BodyKind body = BodyKind::kNone;
  std::string_view body_schema = {};  // Of components/schemas, for kJson.
  std::span<const Parameter> parameters = {};
  std::string_view answers = {};  // "200 Job, 304, 404": statuses with their schema
  bool open = false;              // Needs no token.
};

std::span<const Route> Routes();

struct RouteMatch {
  const Route* route = nullptr;  // nullptr: none
  std::string allow;             // The methods that the path has, for a 405; empty: no such path
  std::vector<std::string> names;
};
// `path` is percent-encoded: a name's %2F is part of the name. HEAD is served as GET.
RouteMatch FindRoute(std::string_view method, std::string_view path);

// The OpenAPI 3.1 document of the table.
std::string OpenApiDocument();

// The handlers, by file.
namespace handlers {
#define BIZOND_HANDLER(name) \
  Result<WebResponse> name(const WebParts& parts, const WebRequest& request)
// job_routes.cc
BIZOND_HANDLER(ListJobs);
BIZOND_HANDLER(CreateJob);
BIZOND_HANDLER(GetJob);
BIZOND_HANDLER(PutJob);
BIZOND_HANDLER(DeleteJob);
BIZOND_HANDLER(ValidateJob);
// job_action_routes.cc
BIZOND_HANDLER(TriggerRun);
BIZOND_HANDLER(PauseJob);
BIZOND_HANDLER(ResumeJob);
BIZOND_HANDLER(ResetJob);
BIZOND_HANDLER(GetState);
BIZOND_HANDLER(PutState);
// occurrence_routes.cc
BIZOND_HANDLER(ListOccurrences);
BIZOND_HANDLER(ShowCalendar);
// backfill_routes.cc
BIZOND_HANDLER(BackfillJob);
// run_routes.cc
BIZOND_HANDLER(ListRuns);
BIZOND_HANDLER(ListJobRuns);
BIZOND_HANDLER(GetRun);
BIZOND_HANDLER(GetRunLogs);
BIZOND_HANDLER(CancelRun);
BIZOND_HANDLER(ApproveRun);
BIZOND_HANDLER(RetryRun);
// catalog_routes.cc
BIZOND_HANDLER(PreviewSchedule);
BIZOND_HANDLER(ListConnectors);
BIZOND_HANDLER(GetConnector);
// system_routes.cc
BIZOND_HANDLER(StreamEvents);
BIZOND_HANDLER(GetIndex);
BIZOND_HANDLER(GetAsset);
BIZOND_HANDLER(Healthy);
BIZOND_HANDLER(Ready);
BIZOND_HANDLER(GetMetrics);
BIZOND_HANDLER(GetOpenApi);
#undef BIZOND_HANDLER
}  // namespace handlers

}  // namespace bizond

#endif  // BIZOND_WEB_ROUTES_H_

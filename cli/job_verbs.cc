// `bizond jobs ...`, but for apply.
#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/daemon_session.h"
#include "cli/json_cells.h"
#include "cli/run_words.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr size_t kAll = std::numeric_limits<size_t>::max();

std::string JobPath(const Invocation& invocation, std::string_view below = "") {
  return "/jobs/" + EncodePathSegment(invocation.arguments.operands().at(0)) + std::string(below);
}

// Sends, and says `done` with the job's name.
int Order(const Invocation& invocation, const DaemonRequest& request, std::string_view done) {
  DaemonSession session(invocation);
  if (!session.Send(request, nullptr)) return session.exit_code();
  invocation.console.Note(invocation.arguments.operands().at(0) + ": " + std::string(done));
  return kExitDone;
}

DaemonRequest Post(std::string path, const json& body = json::object()) {
  DaemonRequest request;
  request.method = "POST";
  request.path = std::move(path);
  request.body = JsonLine(body);
  return request;
}

// The schedule in the words of the job.
std::string ScheduleCell(const json& job) {
  for (const char* key : {"cron", "every", "at", "after"}) {
    const std::string cell = Cell(job, std::string("/schedule/") + key);
    if (cell != "-") return std::string(key) == "cron" ? cell : std::string(key) + " " + cell;
  }
  return "-";
}

}  // namespace

int JobsListVerb(const Invocation& invocation) {
  DaemonSession session(invocation);
  json items;
  if (!session.List("/jobs", kAll, &items)) return session.exit_code();
  if (invocation.console.json()) {
    invocation.console.Print(JsonLine({{"items", items}}));
    return kExitDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const json& job : items) {
    rows.push_back({Cell(job, "/name"), Cell(job, "/health"),
                    Cell(job, "/source/name") + " -> " + Cell(job, "/destination/name"),
                    ScheduleCell(job), Cell(job, "/next_at"), Cell(job, "/last_run/state"),
                    Cell(job, "/last_success_at")});
  }
  invocation.console.PrintTable(
      {"NAME", "HEALTH", "SYNC", "SCHEDULE", "NEXT", "LAST RUN", "LAST SUCCESS"}, rows);
  return kExitDone;
}

int JobsShowVerb(const Invocation& invocation) {
  DaemonSession session(invocation);
  json job;
  if (!session.Get(JobPath(invocation), &job)) return session.exit_code();
  if (invocation.console.json()) {
    invocation.console.Print(JsonLine(job));
    return kExitDone;
  }
  invocation.console.PrintTable(
      {"NAME", "HEALTH", "VERSION", "MANAGED BY", "NEXT", "LAST RUN", "LAST SUCCESS"},
      {{Cell(job, "/name"), Cell(job, "/health"), Cell(job, "/version"), Cell(job, "/managed_by"),
        Cell(job, "/next_at"), Cell(job, "/last_run/state"), Cell(job, "/last_success_at")}});
  if (job.contains("definition")) PrintLines(JsonLines(job["definition"]), invocation.console);
  return kExitDone;
}

int JobsDeleteVerb(const Invocation& invocation) {
  DaemonRequest request;
  request.method = "DELETE";
  const bool drop = invocation.arguments.Text("--state") == "drop";
  request.path = JobPath(invocation, drop ? "?state=drop" : "");
  return Order(
      invocation, request,
      drop ? "deleted, and its state; its target and its data stay"
           : "deleted; its target and its data stay, its state for 30 days for a job of the "
             "same name");
}

int JobsPauseVerb(const Invocation& invocation) {
  return Order(invocation, Post(JobPath(invocation, "/pause")), "paused");
}

int JobsResumeVerb(const Invocation& invocation) {
  return Order(invocation, Post(JobPath(invocation, "/resume")), "resumed");
}

int JobsResetVerb(const Invocation& invocation) {
  json body = json::object();
  if (invocation.arguments.Has("--stream")) body["stream"] = invocation.arguments.Text("--stream");
  const bool cancel = invocation.arguments.Has("--cancel");
  if (cancel) body["cancel"] = true;
  return Order(invocation, Post(JobPath(invocation, "/reset"), body),
               cancel ? "the reset is taken back" : "the next run replaces the target");
}

int JobsTriggerVerb(const Invocation& invocation) {
  json body = json::object();
  if (invocation.arguments.Has("--reset")) body["reset"] = true;
  if (invocation.arguments.Has("--at")) body["at"] = invocation.arguments.Text("--at");
  if (invocation.arguments.Has("--in")) body["delay"] = invocation.arguments.Text("--in");
  DaemonRequest request = Post(JobPath(invocation, "/runs"), body);
  if (invocation.arguments.Has("--idempotency-key")) {
    request.headers.emplace_back("Idempotency-Key", invocation.arguments.Text("--idempotency-key"));
  }
  DaemonSession session(invocation);
  json run;
  if (!session.Send(request, &run)) return session.exit_code();
  if (invocation.arguments.Has("--wait") && !AwaitRun(session, invocation.console, &run)) {
    return session.exit_code();
  }
  ShowRun(run, invocation.console);
  return invocation.arguments.Has("--wait") ? ExitCodeOfRun(run) : kExitDone;
}

}  // namespace bizond

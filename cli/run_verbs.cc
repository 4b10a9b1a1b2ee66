// `bizond runs ...`.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/text.h"
#include "cli/json_cells.h"
#include "cli/run_words.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr size_t kDefaultRuns = 50;
constexpr size_t kLogPage = 500;
constexpr Duration kPoll = std::chrono::seconds(1);

std::string RunPath(std::string_view id, std::string_view below = "") {
  return "/runs/" + EncodePathSegment(id) + std::string(below);
}

uint64_t Count(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

// The lines behind `after`, which moves on to the last of them.
bool NextLines(DaemonSession& session, const std::string& id, uint64_t* after, json* lines) {
  *lines = json::array();
  while (true) {
    json page;
    if (!session.Get(RunPath(id, fmt::format("/logs?after={}&limit={}", *after, kLogPage)),
                     &page)) {
      return false;
    }
    const json items = page.value("items", json::array());
    const uint64_t before = *after;
    for (const json& line : items) {
      *after = std::max(*after, Count(line, "seq"));
      lines->push_back(line);
    }
    // A daemon that does not number its lines has sent all of them.
    if (items.size() < kLogPage || *after == before) return true;
  }
}

void PrintLogLine(const json& line, Console& console) {
  std::string text =
      fmt::format("{} {:<7} {}", Cell(line, "/at"), Cell(line, "/level"), Cell(line, "/message"));
  const auto fields = line.find("fields");
  if (fields != line.end() && fields->is_object()) {
    for (const auto& [key, value] : fields->items()) {
      text += fmt::format(" {}={}", key,
                          value.is_string() ? value.get<std::string>() : JsonLine(value));
    }
  }
  console.Print(text);
}

int PostToRun(const Invocation& invocation, std::string_view below, json* answer) {
  DaemonRequest request;
  request.method = "POST";
  request.path = RunPath(invocation.arguments.operands().at(0), below);
  request.body = "{}";
  DaemonSession session(invocation);
  return session.Send(request, answer) ? kExitDone : session.exit_code();
}

}  // namespace

bool HasEnded(const json& run) {
  const std::string state = Cell(run, "/state");
  return state != "queued" && state != "running";
}

int ExitCodeOfRun(const json& run) {
  return Cell(run, "/state") == "succeeded" ? kExitDone : kExitFailed;
}

void PrintLines(std::string_view text, Console& console) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    console.Print(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void ShowRun(const json& run, Console& console) {
  if (console.json()) {
    console.Print(JsonLine(run));
    return;
  }
  const auto row = [](const json& part, const std::string& name) {
    return std::vector<std::string>{name,
                                    Cell(part, "/state"),
                                    Cell(part, "/rows_read"),
                                    Cell(part, "/rows_written"),
                                    Cell(part, "/rows_deduplicated"),
                                    Cell(part, "/rows_filtered"),
                                    Cell(part, "/rows_rejected"),
                                    Cell(part, "/watermark_before/cursor"),
                                    Cell(part, "/watermark_after/cursor")};
  };
  console.Print(fmt::format("run {} of {}, attempt {}, {}", Cell(run, "/id"), Cell(run, "/job"),
                            Cell(run, "/attempt"), Cell(run, "/trigger")));
  console.Print(fmt::format("queued {}, started {}, finished {}", Cell(run, "/queued_at"),
                            Cell(run, "/started_at"), Cell(run, "/finished_at")));
  if (const std::string from = Cell(run, "/window/from"); from != "-") {
    console.Print(fmt::format("a slice of backfill {}: from {} up to, and without, {}",
                              Cell(run, "/backfill"), from, Cell(run, "/window/to")));
  }
  if (const std::string until = Cell(run, "/waits_for/until"); until != "-") {
    console.Print("waits until " + until);
  }
  std::vector<std::vector<std::string>> rows{row(run, "(run)")};
  for (const json& stream : run.value("streams", json::array())) {
    rows.push_back(row(stream, Cell(stream, "/stream")));
  }
  console.PrintTable(
      {"STREAM", "STATE", "READ", "WRITTEN", "KNOWN", "OLD", "REJECTED", "FROM", "TO"}, rows);
  for (const json& warning : run.value("warnings", json::array())) {
    console.Report(RunWarning{MemberText(warning, "code"), MemberText(warning, "message"),
                              MemberText(warning, "remedy")});
  }
  const auto error = run.find("error");
  if (error == run.end() || !error->is_object()) return;
  console.Report(Error{ErrorKind::kPermanent, MemberText(*error, "code"),
                       MemberText(*error, "message"), MemberText(*error, "remedy")});
}

bool AwaitRun(DaemonSession& session, Console& console, json* run) {
  RealClock clock;
  const Duration begin = clock.Steady();
  const std::string id = Cell(*run, "/id");
  while (!HasEnded(*run)) {
    console.Progress(Cell(*run, "/job") + " " + Cell(*run, "/stage"), Count(*run, "rows_read"),
                     Count(*run, "bytes_written"), clock.Steady() - begin);
    clock.SleepFor(kPoll, {});
    if (!session.Get(RunPath(id), run)) return false;
  }
  console.ClearProgress();
  return true;
}

int RunsListVerb(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  std::string path = arguments.Has("--job")
                         ? "/jobs/" + EncodePathSegment(arguments.Text("--job")) + "/runs"
                         : "/runs";
  if (arguments.Has("--state")) path += "?state=" + arguments.Text("--state");
  DaemonSession session(invocation);
  json items;
  if (!session.List(path, arguments.Number("--limit").value_or(kDefaultRuns), &items)) {
    return session.exit_code();
  }
  if (invocation.console.json()) {
    invocation.console.Print(JsonLine({{"items", items}}));
    return kExitDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const json& run : items) {
    rows.push_back({Cell(run, "/id"), Cell(run, "/job"), Cell(run, "/state"), Cell(run, "/trigger"),
                    Cell(run, "/started_at"), Cell(run, "/finished_at"), Cell(run, "/rows_written"),
                    Cell(run, "/error/code")});
  }
  invocation.console.PrintTable(
      {"ID", "JOB", "STATE", "TRIGGER", "STARTED", "FINISHED", "WRITTEN", "ERROR"}, rows);
  return kExitDone;
}

int RunsShowVerb(const Invocation& invocation) {
  DaemonSession session(invocation);
  json run;
  if (!session.Get(RunPath(invocation.arguments.operands().at(0)), &run)) {
    return session.exit_code();
  }
  ShowRun(run, invocation.console);
  return kExitDone;
}

int RunsLogsVerb(const Invocation& invocation) {
  const std::string& id = invocation.arguments.operands().at(0);
  const bool follow = invocation.arguments.Has("--follow");
  Console& console = invocation.console;
  DaemonSession session(invocation);
  RealClock clock;
  uint64_t after = 0;
  json all = json::array();
  while (true) {
    // The run is asked first: whatever it wrote before its end is then in the log.
    json run;
    if (follow && !session.Get(RunPath(id), &run)) return session.exit_code();
    json lines;
    if (!NextLines(session, id, &after, &lines)) return session.exit_code();
    for (json& line : lines) {
      if (console.json()) {
        all.push_back(std::move(line));
      } else {
        PrintLogLine(line, console);
      }
    }
    if (!follow || HasEnded(run)) break;
    if (!console.Flush()) return kExitFailed;
    clock.SleepFor(kPoll, {});
  }
  if (console.json()) console.Print(JsonLine({{"items", all}}));
  return kExitDone;
}

int RunsCancelVerb(const Invocation& invocation) {
  const int exit_code = PostToRun(invocation, "/cancel", nullptr);
  if (exit_code == kExitDone) {
    invocation.console.Note("cancelled: the run stops at its next checkpoint");
  }
  return exit_code;
}

int RunsApproveVerb(const Invocation& invocation) {
  json run;
  const int exit_code = PostToRun(invocation, "/approve", &run);
  if (exit_code == kExitDone) ShowRun(run, invocation.console);
  return exit_code;
}

int RunsRetryVerb(const Invocation& invocation) {
  json run;
  const int exit_code = PostToRun(invocation, "/retry", &run);
  if (exit_code == kExitDone) ShowRun(run, invocation.console);
  return exit_code;
}

}  // namespace bizond

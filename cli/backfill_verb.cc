// `bizond jobs backfill`.
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/daemon_session.h"
#include "cli/json_cells.h"
#include "cli/run_words.h"

namespace bizond {
namespace {

using nlohmann::json;

// A number as it is written; else a text.
json CursorOf(const std::string& word) {
  json value = json::parse(word, nullptr, false);
  // One that does not come back as it was has more digits than a number here can have.
  if (value.is_number() && value.dump() == word) return value;
  return word;
}

int RefuseBackfill(const Invocation& invocation, std::string message, std::string remedy) {
  invocation.console.Report(
      Error{ErrorKind::kConfig, "bad_usage", std::move(message), std::move(remedy), std::nullopt});
  return kExitUsage;
}

json BodyOf(const Arguments& arguments) {
  json body = {{"from", CursorOf(arguments.Text("--from"))},
               {"to", CursorOf(arguments.Text("--to"))}};
  for (const char* const name : {"slice", "overlap", "pool"}) {
    const std::string option = std::string("--") + name;
    if (arguments.Has(option)) body[name] = arguments.Text(option);
  }
  if (arguments.Has("--allow-duplicates")) body["allow_duplicates"] = true;
  if (arguments.Has("--dry-run")) body["dry_run"] = true;
  return body;
}

void ShowBackfill(const json& backfill, Console& console) {
  if (console.json()) {
    console.Print(JsonLine(backfill));
    return;
  }
  const bool queued = Cell(backfill, "/id") != "-";
  std::vector<std::vector<std::string>> rows;
  for (const json& slice : backfill.value("slices", json::array())) {
    rows.push_back({Cell(slice, "/from"), Cell(slice, "/to"), Cell(slice, "/run")});
  }
  console.Print((queued ? "backfill " + Cell(backfill, "/id") + ": each slice is "
                        : std::string("dry run: each slice would be ")) +
                (Cell(backfill, "/writes/mode") == "merge" ? "merged into " : "appended to ") +
                Cell(backfill, "/writes/destination_ids") + " (" +
                Cell(backfill, "/writes/destination") + "); the watermark stays");
  console.PrintTable({"FROM", "UP TO", "RUN"}, rows);
  for (const json& note : backfill.value("notes", json::array())) {
    if (note.is_string()) console.Note(note.get<std::string>());
  }
}

// 0 when all of its slices succeeded.
int AwaitSlices(DaemonSession& session, Console& console, json* backfill) {
  int exit_code = kExitDone;
  for (json& slice : (*backfill)["slices"]) {
    json run;
    if (!session.Get("/runs/" + EncodePathSegment(Cell(slice, "/run")), &run) ||
        !AwaitRun(session, console, &run)) {
      return session.exit_code();
    }
    slice["state"] = run["state"];
    if (ExitCodeOfRun(run) == kExitDone) continue;
    exit_code = kExitFailed;
    console.Note("slice " + Cell(slice, "/run") + " is " + Cell(run, "/state"));
  }
  return exit_code;
}

}  // namespace

int JobsBackfillVerb(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  DaemonRequest request;
  request.method = "POST";
  request.path = "/jobs/" + EncodePathSegment(arguments.operands().at(0)) + "/backfill";
  DaemonSession session(invocation);
  json answer;
  if (arguments.Has("--cancel")) {
    json body = {{"cancel", true}};
    if (arguments.Has("--id")) body["id"] = arguments.Text("--id");
    request.body = JsonLine(body);
    if (!session.Send(request, &answer)) return session.exit_code();
    if (invocation.console.json()) invocation.console.Print(JsonLine(answer));
    invocation.console.Note(Cell(answer, "/cancelled") + " slice(s) cancelled");
    return kExitDone;
  }
  if (!arguments.Has("--from") || !arguments.Has("--to")) {
    return RefuseBackfill(invocation, "a backfill has a window: --from and --to",
                          "bizond jobs backfill NAME --from 2026-11-01 --to 2026-12-01");
  }
  request.body = JsonLine(BodyOf(arguments));
  if (!session.Send(request, &answer)) return session.exit_code();
  int exit_code = kExitDone;
  if (arguments.Has("--wait") && !arguments.Has("--dry-run")) {
    exit_code = AwaitSlices(session, invocation.console, &answer);
  }
  ShowBackfill(answer, invocation.console);
  return exit_code;
}

}  // namespace bizond

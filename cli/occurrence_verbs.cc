// `bizond jobs occurrences`: every fire of a job, or the answer for one minute.
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/daemon_session.h"
#include "cli/json_cells.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr size_t kFiresShown = 50;
constexpr std::string_view kListOptions[] = {"--from", "--to", "--state", "--reason"};

std::vector<std::string> FireCells(const json& fire) {
  return {Cell(fire, "/nominal_at"), Cell(fire, "/until"),  Cell(fire, "/state"),
          Cell(fire, "/reason"),     Cell(fire, "/run_id"), Cell(fire, "/why")};
}

void PrintFires(const json& items, Console& console) {
  std::vector<std::vector<std::string>> rows;
  for (const json& fire : items) rows.push_back(FireCells(fire));
  console.PrintTable({"FIRE", "UNTIL", "STATE", "REASON", "RUN", "WHY"}, rows);
}

void PrintAnswer(const json& document, Console& console) {
  const json answer = document.value("answer", json::object());
  console.Print(Cell(answer, "/at") + ": " + MemberText(answer, "text"));
  const std::string remedy = MemberText(answer, "remedy");
  if (!remedy.empty()) console.Print("What to do: " + remedy);
  for (const char* const side : {"before", "after"}) {
    const json fire = answer.value(side, json());
    console.Print(
        "Fire " + std::string(side) + ": " +
        (fire.is_null() ? "none" : Cell(fire, "/nominal_at") + ", " + Cell(fire, "/state")));
  }
  for (const json& run : answer.value("runs", json::array())) {
    console.Print("Asked for: run " + Cell(run, "/id") + " by " + Cell(run, "/trigger") + ", " +
                  Cell(run, "/state"));
  }
  const json items = document.value("items", json::array());
  if (!items.empty()) PrintFires(items, console);
}

}  // namespace

int JobsOccurrencesVerb(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  Console& console = invocation.console;
  std::string path = "/jobs/" + EncodePathSegment(arguments.operands().at(0)) + "/occurrences";
  std::string query;
  for (const std::string_view option : kListOptions) {
    if (!arguments.Has(option)) continue;
    query += (query.empty() ? "?" : "&") + std::string(option.substr(2)) + "=" +
             EncodePathSegment(arguments.Text(option));
  }
  DaemonSession session(invocation);
  if (arguments.Has("--at")) {
    if (!query.empty() || arguments.Has("--limit")) {
      console.Report(Error{ErrorKind::kConfig, "bad_usage",
                           "--at asks for one minute, and takes no other option",
                           "leave --at out, or the others", std::nullopt});
      return kExitUsage;
    }
    json document;
    path += "?at=" + EncodePathSegment(arguments.Text("--at"));
    if (!session.Get(path, &document)) return session.exit_code();
    if (console.json()) {
      console.Print(JsonLine(document));
    } else {
      PrintAnswer(document, console);
    }
    return kExitDone;
  }
  json items;
  if (!session.List(path + query, arguments.Number("--limit").value_or(kFiresShown), &items)) {
    return session.exit_code();
  }
  if (console.json()) {
    console.Print(JsonLine({{"items", items}}));
  } else {
    PrintFires(items, console);
  }
  return kExitDone;
}

}  // namespace bizond

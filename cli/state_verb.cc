// `bizond jobs state`: what a job goes on from, printed or set.
#include <nlohmann/json.hpp>

#include "base/fs.h"
#include "base/text.h"
#include "cli/daemon_session.h"
#include "cli/json_cells.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr uint64_t kStateFileBytesMax = 16 << 20;

void ShowState(const json& state, Console& console) {
  std::vector<std::vector<std::string>> rows;
  for (const json& stream : state.value("streams", json::array())) {
    const json position = stream.value("position", json());
    rows.push_back({Cell(stream, "/stream"), Cell(stream, "/watermark/cursor"),
                    Cell(stream, "/watermark/cursor_type"),
                    position.is_null() ? "-" : position.dump(), Cell(stream, "/updated_at")});
  }
  console.PrintTable({"STREAM", "CURSOR", "TYPE", "POSITION", "SINCE"}, rows);
}

}  // namespace

int JobsStateVerb(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  DaemonRequest request;
  request.path = "/jobs/" + EncodePathSegment(arguments.operands().at(0)) + "/state";
  if (arguments.Has("--set")) {
    request.method = "PUT";
    request.file = arguments.Text("--set");
    Result<std::string> text = ReadWholeFile(request.file, kStateFileBytesMax);
    if (!text) {
      invocation.console.Report(text.error());
      return kExitUsage;
    }
    request.body = *std::move(text);
    if (arguments.Has("--if-match")) {
      request.headers.emplace_back("If-Match", arguments.Text("--if-match"));
    }
  }
  DaemonSession session(invocation);
  json state;
  if (!session.Send(request, &state)) return session.exit_code();
  if (invocation.console.json()) {
    invocation.console.Print(JsonLine(state));
  } else {
    ShowState(state, invocation.console);
  }
  return kExitDone;
}

}  // namespace bizond
